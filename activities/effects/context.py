"""What every effect may look at: the change, and the collaboration before and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from domain.ledger import Act, Deal, actor_text
from domain.state import Change, State


class Context(NamedTuple):
    """One change being recorded."""

    change: Change
    before: State
    after: State

    @property
    def deal(self) -> Deal:
        """Whose money it is."""
        state = self.before
        return Deal(state.brand_id, state.campaign_id, state.collaboration_id, state.creator_id)

    @property
    def act(self) -> Act:
        """By whom and when."""
        return Act(self.change.actor, self.change.at)

    @property
    def actor(self) -> str:
        """The actor in one word."""
        return actor_text(self.change.actor)


Apply = Callable[[Session, Any, Context], None]
"""Applies one effect. May raise `Refused`, which rolls the whole change back."""
