"""What people decide about a payment before it goes: approvals, refusals, holds, overrides.

Who may approve what is checked where it is recorded, under the payout's lock and by the brand's rules of that
moment (`activities/effects/decisions.py`); here only what the collaboration itself knows.
"""

from __future__ import annotations

from domain.approvals import is_person
from domain.decisions.parts import note_creator_ready
from domain.decisions.turn import Handler, Turn
from domain.errors import Forbidden, IllegalCommand
from domain.gates import OVERRIDABLE
from domain.ledger import payout_id
from domain.payment_effects import CloseHold, OpenHold, RecordDecision, RecordOverride
from domain.roles import ActorKind
from domain.stages import Attention, Stage

REFUSED_TO_APPROVE = "approval_refused"
"""Why a payment is held that an approver refused."""


def unflag(turn: Turn) -> None:
    """The gates wait for nobody; only what they flagged is taken away."""
    if turn.state.attention is None:
        raise IllegalCommand("nothing is flagged", code="not_flagged")
    note_creator_ready(turn)
    turn.settle()
    turn.happen("gates_wait_for_nobody")


def approve_payout(turn: Turn) -> None:
    """One approval; the record refuses it by rule, limit or four eyes."""
    require_person(turn)
    this_payout(turn)
    turn.do(RecordDecision(payout_id=turn.command.payout_id, decision="approved"))
    turn.happen(
        "payout_approved",
        payout_id=turn.command.payout_id,
        part=turn.state.part,
        round=turn.state.approval_round,
    )


def refuse_payout(turn: Turn) -> None:
    """The payment is held with the reason, and whoever approved before must look again."""
    require_person(turn)
    this_payout(turn)
    command = turn.command
    turn.do(
        RecordDecision(
            payout_id=command.payout_id,
            decision="refused",
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    turn.set(approval_round=turn.state.approval_round + 1)
    turn.happen("payout_refused", payout_id=command.payout_id, reason=command.reason)
    if not turn.state.held:
        _hold(turn, REFUSED_TO_APPROVE)


def hold_payout(turn: Turn) -> None:
    """Nothing is paid until somebody releases it."""
    if turn.state.fee is None:
        raise IllegalCommand("there is no fee in this collaboration", code="no_fee")
    if turn.state.held:
        raise IllegalCommand("the payment is held already", code="already_held")
    _hold(turn, turn.command.reason, turn.command.owner)


def _hold(turn: Turn, reason: str, owner: str | None = None) -> None:
    number = turn.state.holds + 1
    turn.do(OpenHold(number=number, reason=reason, remark_id=turn.command.remark_id, owner=owner))
    turn.set(holds=number, held=reason, held_at=turn.now, hold_overdue=False)
    turn.happen("payout_held", reason=reason, number=number)


def release_payout(turn: Turn) -> None:
    """The hold ends; the gates decide what comes next."""
    require_person(turn)
    if not turn.state.held:
        raise IllegalCommand("the payment is not held", code="not_held")
    command = turn.command
    turn.do(CloseHold(number=turn.state.holds, reason=command.reason, remark_id=command.remark_id))
    turn.set(held="", held_at=None, hold_overdue=False)
    if turn.state.attention in (Attention.PAYOUT_HELD, Attention.HOLD_OVERDUE):
        turn.settle()
    turn.happen("payout_released", reason=command.reason, number=turn.state.holds)


def escalate_hold(turn: Turn) -> None:
    """The clock says that the hold is too old."""
    turn.set(hold_overdue=True)
    if turn.state.stage is Stage.PAYABLE and turn.state.attention in (None, Attention.PAYOUT_HELD):
        turn.flag(Attention.HOLD_OVERDUE)
    turn.happen("hold_overdue", number=turn.state.holds, reason=turn.state.held)


def override_gate(turn: Turn) -> None:
    """One gate, one person, one reason; what protects the money itself cannot be overridden."""
    require_person(turn)
    this_payout(turn)
    command = turn.command
    if command.gate not in OVERRIDABLE:
        raise IllegalCommand(
            f"'{command.gate}' cannot be overridden; possible are {', '.join(sorted(OVERRIDABLE))}",
            code="not_overridable",
        )
    turn.do(
        RecordOverride(
            payout_id=command.payout_id,
            gate=command.gate,
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    if turn.state.attention is Attention.GATE_FAILED:
        turn.settle()
    turn.happen("gate_overridden", payout_id=command.payout_id, gate=command.gate, reason=command.reason)


def require_person(turn: Turn) -> None:
    """A member of the brand, not one of its keys."""
    if turn.request.actor.kind is ActorKind.BRAND and not is_person(turn.request.actor):
        raise Forbidden("a person has to do this; an API key cannot", code="needs_person")


def this_payout(turn: Turn) -> None:
    """The payment that is due now, and no other part of the fee."""
    if turn.command.payout_id != payout_id(turn.state.collaboration_id, turn.state.part):
        raise IllegalCommand("another payment is due now", code="other_payout")


HANDLERS: dict[str, Handler] = {
    "unflag": unflag,
    "approve_payout": approve_payout,
    "refuse_payout": refuse_payout,
    "hold_payout": hold_payout,
    "release_payout": release_payout,
    "escalate_hold": escalate_hold,
    "override_gate": override_gate,
}
