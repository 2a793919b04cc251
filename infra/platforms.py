"""Tokens and budgets of the platforms' doors, in the database: one truth for all workers.

A token is opened for the moment of a call, never logged. A creator's token stands under the creator's own
key, so that erasing the creator makes it unreadable, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.platforms.reader import Token
from activities.posts_port import Whose
from infra.ids import new_id
from infra.tables import CreatorKey, PlatformCalls, PlatformToken
from infra.vault import Vault, key_of

WITHOUT_BUDGET: Final = 1000
"""Calls a day to a platform that the settings do not name."""


class Secret(BaseModel):
    """A token, for the vault."""

    model_config = ConfigDict(frozen=True)

    token: str


def keep_token(
    session: Session,
    vault: Vault,
    *,
    brand_id: str,
    platform: str,
    token: str,
    creator_id: str | None = None,
    account: str = "",
    expires_at: datetime | None = None,
) -> None:
    """Seal a token and keep it in the place of the one before."""
    wrapped = vault.new_key() if creator_id is None else None
    key = wrapped if wrapped is not None else key_of(session, str(creator_id))
    values = {
        "account": account,
        "wrapped": wrapped,
        "sealed": vault.seal(key, Secret(token=token)),
        "expires_at": expires_at,
        "created_at": datetime.now(UTC),
    }
    session.execute(
        insert(PlatformToken)
        .values(
            id=new_id("platform_token"), brand_id=brand_id, creator_id=creator_id, platform=platform, **values
        )
        .on_conflict_do_update(index_elements=["brand_id", "creator_id", "platform"], set_=values)
    )


class StoredTokens:
    """`activities.adapters.platforms.reader.Tokens` over the database."""

    def __init__(self, sessions: sessionmaker[Session], vault: Vault) -> None:
        self._sessions = sessions
        self._vault = vault

    def __call__(self, platform: str, whose: Whose) -> Token:
        """The creator's own token, else the brand's; empty when there is none that lives."""
        now = datetime.now(UTC)
        query = (
            select(PlatformToken, CreatorKey.wrapped)
            .outerjoin(CreatorKey, CreatorKey.creator_id == PlatformToken.creator_id)
            .where(
                PlatformToken.brand_id == whose.brand_id,
                PlatformToken.platform == platform,
                or_(PlatformToken.creator_id.is_(None), PlatformToken.creator_id == whose.creator_id),
                or_(PlatformToken.expires_at.is_(None), PlatformToken.expires_at > now),
            )
            .order_by(PlatformToken.creator_id.nulls_last())
            .limit(1)
        )
        with self._sessions() as session:
            found = session.execute(query).one_or_none()
        if found is None:
            return Token()
        row, of_creator = found
        key = row.wrapped or of_creator
        if key is None:  # the creator was erased
            return Token()
        return Token(row.account, self._vault.open(key, row.sealed, Secret).token)


class StoredBudget:
    """`activities.adapters.platforms.asking.Spend` over the database."""

    def __init__(self, sessions: sessionmaker[Session], budgets: Mapping[str, int]) -> None:
        self._sessions = sessions
        self._budgets = budgets

    def __call__(self, platform: str, units: int) -> bool:
        """Spend these units of today's budget, unless they are not left."""
        most = self._budgets.get(platform, WITHOUT_BUDGET)
        if units > most:
            return False
        day = datetime.now(UTC).date()
        spent = (
            insert(PlatformCalls)
            .values(platform=platform, day=day, used=units)
            .on_conflict_do_update(
                index_elements=["platform", "day"],
                set_={"used": PlatformCalls.used + units},
                where=PlatformCalls.used + units <= most,
            )
            .returning(PlatformCalls.used)
        )
        with self._sessions.begin() as session:
            return session.scalar(spent) is not None
