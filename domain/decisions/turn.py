"""One command being decided: collects events, new state and effects, and writes them up as a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python

from domain.clocks import later
from domain.commands import Request
from domain.notices import NoticeKind
from domain.stages import Attention, Stage
from domain.state import Change, Effect, EventLine, Scalar, SendNotice, State


class Turn:
    """The working paper of one decision; handlers write on it, `change()` reads it out."""

    def __init__(self, state: State, request: Request, now: datetime) -> None:
        self._before = state
        self.state = state
        self.request = request
        self.command: Any = request.command
        self.now = now
        self.events: list[EventLine] = []
        self.effects: list[Effect] = []
        self.instead = ""

    def happen(self, event: str, stage: Stage | None = None, **data: Scalar) -> None:
        """Write an event; with a stage, move there (a new stage begins without reminders)."""
        if stage is not None and stage is not self.state.stage:
            self.set(stage=stage, since=self.now, reminders=0)
        self.events.append(EventLine(name=event, stage=self.state.stage, data=data))

    def set(self, **fields: Any) -> None:
        """Change fields of the state."""
        self.state = self.state.model_copy(update=fields)

    def do(self, *effects: Effect) -> None:
        """Add effects, recorded in the order given."""
        self.effects.extend(effects)

    def notify(self, kind: NoticeKind, step: int = 0) -> None:
        """Queue one e-mail."""
        self.effects.append(SendNotice(kind=kind, step=step))

    def flag(self, reason: Attention) -> None:
        """Ask for a person; the same reason keeps its age."""
        if self.state.attention is not reason:
            self.set(attention=reason, attention_since=self.now)

    def settle(self) -> None:
        """Nobody has to look any more, unless something of an earlier payment is still open."""
        reason = still_open(self.state)
        if reason is None:
            self.set(attention=None, attention_since=None)
        else:
            self.flag(reason)

    def flag_earlier(self, reason: Attention) -> None:
        """Ask for a person because of an earlier payment; the one under way goes first."""
        if self.state.attention in (None, *EARLIER):
            self.flag(reason)

    def settle_earlier(self) -> None:
        """Something of an earlier payment is settled; what is asked about the one under way stays asked."""
        if self.state.attention in (None, *EARLIER):
            self.settle()

    def after(self, span: str) -> datetime:
        """The moment when a span that begins now is over, in the creator's day."""
        return later(self.now, span, self.state.zone)

    def change(self) -> Change:
        """The change as decided."""
        self.set(sequence=self._before.sequence + len(self.events))
        return Change(
            collaboration_id=self.state.collaboration_id,
            request_id=self.request.id,
            command=self.command.name,
            actor=self.request.actor,
            at=self.now,
            sequence=self._before.sequence,
            events=self.events,
            patch=_differences(self._before, self.state),
            effects=self.effects,
            instead=self.instead,
        )


def _differences(before: State, after: State) -> dict[str, Any]:
    names = [name for name in State.model_fields if getattr(before, name) != getattr(after, name)]
    return {name: to_jsonable_python(getattr(after, name)) for name in names}


def still_open(state: State) -> Attention | None:
    """What a person has to look at because of something that was paid before; the gravest of them."""
    if any(part.unsettled for part in state.parts):
        return Attention.TRANSFER_REVERSED
    if state.clawback in _OF_CLAWBACK:
        return _OF_CLAWBACK[state.clawback]
    if state.changed:
        return Attention.POST_CHANGED
    return Attention.BANK_PAYOUT_FAILED if state.bank_failure else None


_OF_CLAWBACK = {"unknown": Attention.CLAWBACK_UNKNOWN, "asked": Attention.CLAWBACK_ASKED}
EARLIER = (
    Attention.TRANSFER_REVERSED,
    Attention.CLAWBACK_UNKNOWN,
    Attention.CLAWBACK_ASKED,
    Attention.CLAWBACK_FAILED,
    Attention.POST_CHANGED,
    Attention.BANK_PAYOUT_FAILED,
)
"""Attention for what was paid before; it gives way to what is asked about the payment under way."""

Handler = Callable[[Turn], None]
