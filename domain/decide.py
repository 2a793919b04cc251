"""The one place that decides: a state, a request and the time give a change, or a refusal.

Pure and total: every command at every stage either gives a `Change` or raises `Refused`. The handlers of
each part of the life live in `domain/decisions/`; the command table is checked here, once, for all.
"""

from __future__ import annotations

from datetime import datetime

from domain.alarms import next_alarm
from domain.command_table import COMMANDS
from domain.commands import Request
from domain.decisions import afterwards, content, fulfilment, invitation, payment, posting, release
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand
from domain.roles import ActorKind
from domain.state import Change, Snapshot, State

HANDLERS: dict[str, Handler] = {
    **invitation.HANDLERS,
    **fulfilment.HANDLERS,
    **content.HANDLERS,
    **posting.HANDLERS,
    **payment.HANDLERS,
    **release.HANDLERS,
    **afterwards.HANDLERS,
}


def decide(state: State, request: Request, now: datetime) -> Change:
    """What this request changes at this moment.

    Raises `IllegalCommand` when the table does not allow the command at this stage or to this actor,
    and other `Refused` errors when its own conditions are not met. Changes nothing itself.
    """
    command = request.command
    rule = COMMANDS[command.name]
    if state.stage not in rule.stages:
        raise IllegalCommand(
            f"'{command.name}' is not possible while the collaboration is {state.stage.value}",
            code="wrong_stage",
        )
    if request.actor.kind not in rule.actors:
        raise IllegalCommand(
            f"'{command.name}' is not for the {request.actor.kind.value}", code="wrong_actor"
        )
    if request.actor.kind is ActorKind.CLOCK:
        _require_due(state, request, now)
    turn = Turn(state, request, now)
    HANDLERS[command.name](turn)
    return turn.change()


def _require_due(state: State, request: Request, now: datetime) -> None:
    """The clock gives the command of the next alarm and no other, and never before its time.

    A change that was being recorded when the alarm rang may have moved it.
    """
    alarm = next_alarm(state)
    if alarm is None or alarm.command != request.command or now < alarm.at:
        raise IllegalCommand(f"it is not time to {request.command.name} yet", code="too_early")


def snapshot(state: State, change: Change) -> Snapshot:
    """The short answer to a command, from the state after it."""
    return Snapshot(stage=state.stage, sequence=state.sequence, outcome=change.events[-1].name)
