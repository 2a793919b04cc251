"""Money that came back or went another way: never moved without a second person, never moved twice.

Most of it comes after the end; the collaboration wakes for it (docs/decisions/0007) and stays awake while a
clawback is with Stripe. What Stripe did by itself is recorded as it is, and waits for a person's word.
"""

from __future__ import annotations

from domain.commands import TransferResult
from domain.decisions.parts import change_part, go_on, part_of, pay_again
from domain.decisions.release import require_person, this_payout
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand, Invalid
from domain.notices import NoticeKind
from domain.parts import Part
from domain.payment_effects import (
    AskClawback,
    CloseClawback,
    CloseElsewhere,
    DecideClawback,
    OpenElsewhere,
    ReturnMoney,
    SettleReturned,
)
from domain.roles import ActorKind
from domain.stages import Attention, Stage
from domain.state import Scalar


def record_reversal(turn: Turn) -> None:
    """So much came back all together; what we took back ourselves is known already."""
    state, command = turn.state, turn.command
    part = part_of(turn, command.payout_id)
    if not part.transfer_id:
        raise IllegalCommand("this payment is not recorded as sent yet", code="not_sent")
    if command.transfer_id != part.transfer_id:
        raise IllegalCommand("another transfer paid this", code="other_transfer")
    if state.clawback in ("approved", "unknown") and state.clawback_part == part.number:
        raise IllegalCommand("our own reversal is with Stripe", code="clawback_under_way")
    if command.total <= part.returned:
        raise IllegalCommand("this reversal is known", code="already_known")
    amount = command.total - part.returned
    turn.do(ReturnMoney(part=part.number, amount=amount, total=command.total))
    change_part(turn, part, returned=command.total, unsettled=part.unsettled + amount)
    turn.flag_earlier(Attention.TRANSFER_REVERSED)
    turn.happen("transfer_reversed", amount=amount, total=command.total, payout_id=command.payout_id)


def settle_reversal(turn: Turn) -> None:
    """A person saw it: the money is the campaign's again, or the creator gets it once more."""
    require_person(turn)
    command = turn.command
    part = part_of(turn, command.payout_id)
    if not part.unsettled:
        raise IllegalCommand("no reversal waits for a decision", code="nothing_to_settle")
    again = command.then == "pay_again"
    if again:
        pay_again(turn, part)
    else:
        turn.do(
            SettleReturned(
                part=part.number, amount=part.unsettled, total=part.returned, reason=command.reason
            )
        )
    change_part(turn, part, unsettled=0)
    turn.settle_earlier()
    facts: dict[str, Scalar] = {"amount": part.unsettled, "reason": command.reason}
    facts |= {"payout_id": command.payout_id, "then": command.then}
    if again and turn.state.stage in (Stage.VERIFIED, Stage.COMPLETED):
        go_on(turn, "reversal_settled", **facts)
    else:
        turn.happen("reversal_settled", None, **facts)


def record_bank_payout(turn: Turn) -> None:
    """The bank refused, or took it after all. The fee stays paid: Stripe has it for the creator."""
    state, command = turn.state, turn.command
    if not state.transferred:
        raise IllegalCommand("nothing was transferred yet", code="not_sent")
    if command.outcome == "failed":
        if state.bank_failure == command.bank_payout_id:
            raise IllegalCommand("this failure is known", code="already_known")
        turn.set(bank_failure=command.bank_payout_id)
        turn.flag_earlier(Attention.BANK_PAYOUT_FAILED)
        turn.happen("bank_payout_failed", bank_payout_id=command.bank_payout_id, reason=command.reason)
        turn.notify(NoticeKind.BANK_PAYOUT_FAILED, turn.state.sequence + 1)
        return
    if not state.bank_failure:
        raise IllegalCommand("no bank refused anything", code="already_known")
    turn.set(bank_failure="")
    turn.settle_earlier()
    turn.happen("bank_payout_paid", bank_payout_id=command.bank_payout_id)


def request_clawback(turn: Turn) -> None:
    """Asked for by one person, decided by another."""
    require_person(turn)
    state, command = turn.state, turn.command
    part = part_of(turn, command.payout_id)
    if not part.transfer_id:
        raise IllegalCommand("nothing was transferred for this payment", code="other_payout")
    if state.clawback:
        raise IllegalCommand("a clawback is open already", code="clawback_open")
    left = part.amount - part.returned
    if command.amount > left:
        raise Invalid(f"no more than {left} (minor units) can be taken back", field="amount")
    number = state.clawbacks + 1
    turn.do(
        AskClawback(
            part=part.number,
            number=number,
            transfer_id=part.transfer_id,
            amount=command.amount,
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    turn.set(clawback="asked", clawbacks=number, clawback_part=part.number, clawback_amount=command.amount)
    turn.flag_earlier(Attention.CLAWBACK_ASKED)
    turn.happen("clawback_requested", number=number, amount=command.amount, reason=command.reason)


def approve_clawback(turn: Turn) -> None:
    """Stripe is told next; the record refuses whoever asked for it."""
    require_person(turn)
    _asked(turn)
    part = next(one for one in turn.state.parts if one.number == turn.state.clawback_part)
    left = part.amount - part.returned
    if turn.state.clawback_amount > left:  # something came back meanwhile
        raise Invalid(f"no more than {left} (minor units) can be taken back now", field="number")
    turn.do(
        DecideClawback(
            part=turn.state.clawback_part,
            number=turn.command.number,
            decision="approved",
            amount=turn.state.clawback_amount,
        )
    )
    turn.set(clawback="approved")
    turn.settle_earlier()
    turn.happen("clawback_approved", number=turn.command.number)


def refuse_clawback(turn: Turn) -> None:
    """Nothing is taken back."""
    require_person(turn)
    _asked(turn)
    command = turn.command
    turn.do(
        DecideClawback(
            part=turn.state.clawback_part,
            number=command.number,
            decision="refused",
            amount=turn.state.clawback_amount,
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    turn.set(clawback="")
    turn.settle_earlier()
    turn.happen("clawback_refused", number=command.number, reason=command.reason)


def _asked(turn: Turn) -> None:
    if turn.state.clawback != "asked" or turn.command.number != turn.state.clawbacks:
        raise IllegalCommand("this clawback does not wait for a decision", code="no_clawback")


def settle_clawback(turn: Turn) -> None:
    """Taken back, refused for sure, or unknown: then the money waits until it was looked up."""
    state, command = turn.state, turn.command
    if state.clawback not in ("approved", "unknown") or command.number != state.clawbacks:
        raise IllegalCommand("no clawback is with Stripe", code="no_clawback")
    if turn.request.actor.kind is ActorKind.BRAND:
        require_person(turn)
        if state.clawback != "unknown" or command.result is not TransferResult.REFUSED:
            raise IllegalCommand(
                "only a clawback whose outcome is unknown can be settled, and only as refused",
                code="not_unknown",
            )
    if command.result is TransferResult.UNKNOWN:
        if state.clawback == "unknown":
            raise IllegalCommand("the outcome is known to be unknown", code="already_flagged")
        turn.set(clawback="unknown")
        turn.flag_earlier(Attention.CLAWBACK_UNKNOWN)
        turn.happen("clawback_unknown", number=command.number, reason=command.reason)
        return
    amount = state.clawback_amount
    turn.do(
        CloseClawback(
            part=state.clawback_part,
            number=command.number,
            result=command.result,
            amount=amount,
            reversal_id=command.reversal_id,
            reason=command.reason,
        )
    )
    turn.set(clawback="")
    turn.settle_earlier()
    if command.result is TransferResult.SENT:
        part = next(one for one in state.parts if one.number == state.clawback_part)
        change_part(turn, part, returned=part.returned + amount)
        turn.happen("clawback_done", number=command.number, amount=amount, reversal_id=command.reversal_id)
    else:
        turn.flag_earlier(Attention.CLAWBACK_FAILED)
        turn.happen("clawback_failed", number=command.number, reason=command.reason)


def record_off_platform(turn: Turn) -> None:
    """Said by one person, with a document; nothing goes out while the other decides."""
    require_person(turn)
    this_payout(turn)
    if turn.state.elsewhere:
        raise IllegalCommand("it waits for a decision already", code="already_reported")
    command = turn.command
    turn.do(
        OpenElsewhere(
            payout_id=command.payout_id,
            document_id=command.document_id,
            method=command.method,
            remark_id=command.remark_id,
        )
    )
    turn.set(elsewhere=command.document_id, elsewhere_part=turn.state.part)
    turn.flag(Attention.OFF_PLATFORM_ASKED)
    turn.happen(
        "off_platform_reported",
        payout_id=command.payout_id,
        document_id=command.document_id,
        method=command.method,
    )


def approve_off_platform(turn: Turn) -> None:
    """Closed as paid elsewhere; no transfer is ever made for it."""
    require_person(turn)
    part = _reported(turn)
    document_id = turn.state.elsewhere
    turn.do(
        CloseElsewhere(
            payout_id=turn.command.payout_id,
            part=part.number,
            document_id=document_id,
            decision="approved",
        )
    )
    turn.set(elsewhere="", elsewhere_part=0)
    change_part(turn, part, over="elsewhere")
    turn.settle()
    go_on(turn, "paid_off_platform", document_id=document_id)


def refuse_off_platform(turn: Turn) -> None:
    """It was not paid elsewhere: the gates go on."""
    require_person(turn)
    part = _reported(turn)
    command = turn.command
    turn.do(
        CloseElsewhere(
            payout_id=command.payout_id,
            part=part.number,
            document_id=turn.state.elsewhere,
            decision="refused",
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    turn.set(elsewhere="", elsewhere_part=0)
    if turn.state.attention is Attention.OFF_PLATFORM_ASKED:
        turn.settle()
    turn.happen("off_platform_refused", reason=command.reason)


def _reported(turn: Turn) -> Part:
    """The part that somebody said was paid elsewhere."""
    part = part_of(turn, turn.command.payout_id)
    if not turn.state.elsewhere:
        raise IllegalCommand("nobody said that it was paid elsewhere", code="not_asked")
    if turn.state.elsewhere_part != part.number:
        raise IllegalCommand("another payment is said to be paid elsewhere", code="other_payout")
    return part


HANDLERS: dict[str, Handler] = {
    "record_reversal": record_reversal,
    "settle_reversal": settle_reversal,
    "record_bank_payout": record_bank_payout,
    "request_clawback": request_clawback,
    "approve_clawback": approve_clawback,
    "refuse_clawback": refuse_clawback,
    "settle_clawback": settle_clawback,
    "record_off_platform": record_off_platform,
    "approve_off_platform": approve_off_platform,
    "refuse_off_platform": refuse_off_platform,
}
