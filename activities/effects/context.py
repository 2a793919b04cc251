"""What every effect may look at: the change, and the collaboration before and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from activities.ledger import post
from domain.errors import Defect
from domain.ledger import Deal, NewEntry, actor_text
from domain.state import Change, State


class Context(NamedTuple):
    """One change being recorded."""

    change: Change
    before: State
    after: State

    def deal(self, part: int = 1) -> Deal:
        """Whose money it is, and which part."""
        state = self.before
        return Deal(state.campaign_id, state.collaboration_id, state.creator_id, part)

    @property
    def actor(self) -> str:
        """The actor in one word."""
        return actor_text(self.change.actor)

    def post(self, session: Session, entry: NewEntry) -> None:
        """Post an entry of this change. An entry that is there already is a defect: a change is new."""
        change = self.change
        posted = post(session, entry, brand_id=self.before.brand_id, actor=change.actor, at=change.at)
        if posted.repeated:
            raise Defect(f"{entry.key} was posted before", code="entry_repeated")


Apply = Callable[[Session, Any, Context], None]
"""Applies one effect. May raise `Refused`, which rolls the whole change back."""
