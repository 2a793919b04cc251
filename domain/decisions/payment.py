"""From earned to paid: gates, attempts, and what Stripe says.

A lost answer is an unknown outcome, never a failure: the money stays in transit until it was looked up,
and no new attempt is opened while one is open.
"""

from __future__ import annotations

from domain.commands import TransferResult
from domain.decisions.parts import change_part, current, go_on, note_creator_ready, owe_late_fee, part_of
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand
from domain.notices import NoticeKind
from domain.payment_effects import CloseAttempt, MarkConfirmed, StartAttempt
from domain.roles import ActorKind
from domain.stages import Attention, Stage

# What a definite refusal waits for; any other reason waits for a person.
_WAITS_FOR = {"payee": Attention.PAYEE_MISSING, "funds": Attention.FUNDS_SHORT}


def flag(turn: Turn) -> None:
    """A gate waits on somebody; the creator is asked at once when it is them."""
    reason = Attention(turn.command.reason)
    if turn.state.attention is reason:
        raise IllegalCommand("this is flagged already", code="already_flagged")
    note_creator_ready(turn)
    turn.flag(reason)
    turn.happen("gate_waiting", reason=reason.value)
    if reason is Attention.PAYEE_MISSING:
        turn.notify(NoticeKind.PAYMENT_SETUP, turn.state.sequence + 1)


def reassess(turn: Turn) -> None:
    """Look at the gates again."""
    if turn.state.attention in (Attention.TRANSFER_REFUSED, Attention.GATE_FAILED):
        turn.settle()
    turn.happen("reassessment_asked")


def open_attempt(turn: Turn) -> None:
    """All gates pass: one attempt is open from here until its outcome is known."""
    if turn.state.elsewhere:
        raise IllegalCommand("it may have been paid elsewhere", code="payout_held")
    if turn.state.held:
        raise IllegalCommand(f"the payment is held: {turn.state.held}", code="payout_held")
    number = turn.state.attempt + 1
    note_creator_ready(turn)
    turn.settle()
    turn.set(attempt=number)
    turn.do(StartAttempt(part=turn.state.part, number=number, report_id=turn.command.report_id))
    turn.happen("attempt_opened", Stage.PAYING, number=number, report_id=turn.command.report_id)


def settle_attempt(turn: Turn) -> None:
    """Sent, refused for sure, or unknown."""
    state, command = turn.state, turn.command
    if turn.request.actor.kind is ActorKind.BRAND:
        _only_after_look_up(turn)
        turn.set(approval_round=state.approval_round + 1)
    effect = CloseAttempt(
        part=state.part,
        number=state.attempt,
        result=command.result,
        transfer_id=command.transfer_id,
        reason=command.reason,
    )
    if command.result is TransferResult.SENT:
        _sent(turn, effect)
    elif command.result is TransferResult.REFUSED:
        turn.do(effect)
        turn.flag(_WAITS_FOR.get(command.reason, Attention.TRANSFER_REFUSED))
        turn.happen("transfer_refused", Stage.PAYABLE, number=state.attempt, reason=command.reason)
        if command.reason == "payee":
            turn.notify(NoticeKind.PAYMENT_SETUP, turn.state.sequence + 1)
    elif state.attention is Attention.OUTCOME_UNKNOWN:
        raise IllegalCommand("the outcome is known to be unknown", code="already_flagged")
    else:
        turn.do(effect)
        turn.flag(Attention.OUTCOME_UNKNOWN)
        turn.happen("outcome_unknown", number=state.attempt, reason=command.reason)


def _only_after_look_up(turn: Turn) -> None:
    """A person may say that an unknown attempt never paid; nothing else about an attempt is theirs."""
    unknown = turn.state.attention is Attention.OUTCOME_UNKNOWN
    if not unknown or turn.command.result is not TransferResult.REFUSED:
        raise IllegalCommand(
            "only an attempt whose outcome is unknown can be settled, and only as refused",
            code="not_unknown",
        )


def _sent(turn: Turn, effect: CloseAttempt) -> None:
    turn.do(effect)
    turn.settle()
    part = change_part(turn, current(turn), transfer_id=effect.transfer_id)
    turn.happen("transfer_sent", Stage.PAID, number=effect.number, transfer_id=effect.transfer_id)
    turn.notify(NoticeKind.PAID, step=0 if part.number == 1 else part.number)
    owe_late_fee(turn, part)


def confirm_transfer(turn: Turn) -> None:
    """Stripe's own word; it may come before the answer to our call."""
    if part_of(turn, turn.command.payout_id).number != turn.state.part:
        raise IllegalCommand("another payment is due now", code="other_payout")
    state, transfer_id = turn.state, turn.command.transfer_id
    if state.stage is Stage.PAYING:
        _sent(
            turn,
            CloseAttempt(
                part=state.part,
                number=state.attempt,
                result=TransferResult.SENT,
                transfer_id=transfer_id,
            ),
        )
    part = current(turn)
    if part.transfer_id != transfer_id:
        raise IllegalCommand("another transfer paid this", code="other_transfer")
    turn.do(MarkConfirmed(part=part.number, transfer_id=transfer_id))
    change_part(turn, part, over="paid")
    go_on(turn, "transfer_confirmed", transfer_id=transfer_id)


HANDLERS: dict[str, Handler] = {
    "flag": flag,
    "reassess": reassess,
    "open_attempt": open_attempt,
    "settle_attempt": settle_attempt,
    "confirm_transfer": confirm_transfer,
}
