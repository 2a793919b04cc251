"""Acting as a named member from the shell of an installation: a short session, written into the sign-in log.

For who operates the machine and could reach the database anyway. What is done then stands in every history
under the member's id, and in the log as done from the shell. An API key never becomes a person this way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.sign_in import How
from infra.sessions import Opened, Origin, open_session
from infra.settings import Settings
from infra.tables import Member

FROM_THE_SHELL: Final = Origin(network="", browser="shell")


def act_as(session: Session, settings: Settings, brand_id: str, who: str, now: datetime) -> Opened:
    """Open a session for the member with this id or e-mail address. Raises `NotFound`."""
    member = session.scalar(
        select(Member).where(
            Member.brand_id == brand_id,
            Member.removed_at.is_(None),
            (Member.id == who) | (Member.email == who.strip().lower()),
        )
    )
    if member is None:
        raise NotFound("no member of the brand has this id or e-mail address", field="as")
    return open_session(session, settings, member, How.SHELL, FROM_THE_SHELL, now)
