"""Who is meant, in a person's words: names of creators, members and keys, and ages of things.

Viewers see handles, never names: those are opened only for roles that may know them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.console.frame import View
from api.console.wording import knows, say
from domain.roles import Role
from infra.tables import ApiKey, Campaign, Creator, CreatorKey, Member, SocialAccount
from infra.vault import Profile

_SIZES: Final = (("days", 86400), ("hours", 3600), ("minutes", 60))


class Named(NamedTuple):
    """A creator as a person may see them."""

    name: str
    """Name where the role may know it, else the handle, else the id."""
    handle: str


def creators_named(view: View, ids: Iterable[str]) -> dict[str, Named]:
    """Creators by id, with names only for roles that may know them."""
    wanted = set(ids)
    session = view.session
    handles: dict[str, str] = {}
    accounts = select(SocialAccount.creator_id, SocialAccount.handle).where(
        SocialAccount.creator_id.in_(wanted)
    )
    for row in session.execute(accounts.order_by(SocialAccount.id)):
        handles.setdefault(row.creator_id, "@" + row.handle.removeprefix("@"))
    names = {} if view.person.role is Role.VIEWER else _opened(view, wanted)
    return {one: Named(names.get(one) or handles.get(one) or one, handles.get(one, "")) for one in wanted}


def _opened(view: View, ids: set[str]) -> dict[str, str]:
    rows = view.session.execute(
        select(Creator.id, Creator.sealed, CreatorKey.wrapped)
        .join(CreatorKey, CreatorKey.creator_id == Creator.id)
        .where(Creator.id.in_(ids))
    )
    # Who was erased has no key any more: the handle, or the id, is all that is left.
    return {row.id: view.console.vault.open(row.wrapped, row.sealed, Profile).name for row in rows}


def campaigns_named(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Names of campaigns by id."""
    rows = session.execute(select(Campaign.id, Campaign.name).where(Campaign.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


class Actors:
    """Names of who acted in one brand: members, removed ones too, and keys."""

    def __init__(self, session: Session, brand_id: str) -> None:
        members = session.execute(select(Member.id, Member.name).where(Member.brand_id == brand_id))
        keys = session.execute(
            select(ApiKey.id, ApiKey.name, ApiKey.made_by).where(ApiKey.brand_id == brand_id)
        )
        self._names: dict[str, str] = {row.id: row.name for row in members}
        self._names |= {row.id: self._key(row.name, row.made_by) for row in keys}

    def _key(self, name: str, made_by: str | None) -> str:
        maker = self._names.get(made_by or "", "")
        return say("payout.by_key_of", name=name, maker=maker) if maker else say("payout.by_key", name=name)

    def name(self, actor: str) -> str:
        """The name of an actor, given as an id or as `kind:id`."""
        kind, _, id_ = actor.rpartition(":")
        if id_ in self._names:
            return self._names[id_]
        known = f"payout.by.{kind or id_}"
        return say(known) if knows(known) else actor


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit: 3 days."""
    seconds = max(0, int((now - since).total_seconds()))
    for name, size in _SIZES:
        if seconds >= size:
            return say(f"age.{name}" if seconds >= 2 * size else f"age.{name}_one", n=seconds // size)
    return say("age.moment")
