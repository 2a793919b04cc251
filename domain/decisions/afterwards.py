"""Money that came back or went another way: never moved without a second person, never moved twice.

Most of it comes after the end; the collaboration wakes for it (docs/decisions/0007) and stays awake while a
clawback is with Stripe. What Stripe did by itself is recorded as it is, and waits for a person's word.
"""

from __future__ import annotations

from domain.commands import TransferResult
from domain.decisions.release import require_person, this_payout
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand, Invalid
from domain.ledger import payout_id
from domain.notices import NoticeKind
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
from domain.state import RevokeLinks


def record_reversal(turn: Turn) -> None:
    """So much came back all together; what we took back ourselves is known already."""
    state, command = turn.state, turn.command
    if command.transfer_id != state.transfer_id:
        raise IllegalCommand("another transfer paid this", code="other_transfer")
    if state.clawback in ("approved", "unknown"):
        raise IllegalCommand("our own reversal is with Stripe", code="clawback_under_way")
    if command.total <= state.returned:
        raise IllegalCommand("this reversal is known", code="already_known")
    amount = command.total - state.returned
    turn.do(ReturnMoney(amount=amount, total=command.total))
    turn.set(returned=command.total, unsettled=state.unsettled + amount)
    turn.flag(Attention.TRANSFER_REVERSED)
    turn.happen("transfer_reversed", amount=amount, total=command.total)


def settle_reversal(turn: Turn) -> None:
    """A person saw it: the money is the campaign's again."""
    require_person(turn)
    state = turn.state
    if not state.unsettled:
        raise IllegalCommand("no reversal waits for a decision", code="nothing_to_settle")
    turn.do(SettleReturned(amount=state.unsettled, total=state.returned, reason=turn.command.reason))
    turn.set(unsettled=0)
    _unflag(turn, Attention.TRANSFER_REVERSED)
    turn.happen("reversal_settled", amount=state.unsettled, reason=turn.command.reason)


def record_bank_payout(turn: Turn) -> None:
    """The bank refused, or took it after all. The fee stays paid: Stripe has it for the creator."""
    state, command = turn.state, turn.command
    if command.outcome == "failed":
        if state.bank_failure == command.bank_payout_id:
            raise IllegalCommand("this failure is known", code="already_known")
        turn.set(bank_failure=command.bank_payout_id)
        turn.flag(Attention.BANK_PAYOUT_FAILED)
        turn.happen("bank_payout_failed", bank_payout_id=command.bank_payout_id, reason=command.reason)
        turn.notify(NoticeKind.BANK_PAYOUT_FAILED, turn.state.sequence + 1)
        return
    if not state.bank_failure:
        raise IllegalCommand("no bank refused anything", code="already_known")
    turn.set(bank_failure="")
    _unflag(turn, Attention.BANK_PAYOUT_FAILED)
    turn.happen("bank_payout_paid", bank_payout_id=command.bank_payout_id)


def request_clawback(turn: Turn) -> None:
    """Asked for by one person, decided by another."""
    require_person(turn)
    state, command = turn.state, turn.command
    if command.payout_id != payout_id(state.collaboration_id, state.part) or not state.transfer_id:
        raise IllegalCommand("nothing was transferred for this payment", code="other_payout")
    if state.clawback:
        raise IllegalCommand("a clawback is open already", code="clawback_open")
    left = (state.fee.amount if state.fee else 0) - state.returned
    if command.amount > left:
        raise Invalid(f"no more than {left} (minor units) can be taken back", field="amount")
    number = state.clawbacks + 1
    turn.do(
        AskClawback(number=number, amount=command.amount, reason=command.reason, remark_id=command.remark_id)
    )
    turn.set(clawback="asked", clawbacks=number, clawback_amount=command.amount)
    turn.flag(Attention.CLAWBACK_ASKED)
    turn.happen("clawback_requested", number=number, amount=command.amount, reason=command.reason)


def approve_clawback(turn: Turn) -> None:
    """Stripe is told next; the record refuses whoever asked for it."""
    require_person(turn)
    _asked(turn)
    turn.do(
        DecideClawback(number=turn.command.number, decision="approved", amount=turn.state.clawback_amount)
    )
    turn.set(clawback="approved")
    _unflag(turn, Attention.CLAWBACK_ASKED)
    turn.happen("clawback_approved", number=turn.command.number)


def refuse_clawback(turn: Turn) -> None:
    """Nothing is taken back."""
    require_person(turn)
    _asked(turn)
    command = turn.command
    turn.do(
        DecideClawback(
            number=command.number,
            decision="refused",
            amount=turn.state.clawback_amount,
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    turn.set(clawback="")
    _unflag(turn, Attention.CLAWBACK_ASKED)
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
        turn.flag(Attention.CLAWBACK_UNKNOWN)
        turn.happen("clawback_unknown", number=command.number, reason=command.reason)
        return
    amount = state.clawback_amount
    turn.do(
        CloseClawback(
            number=command.number,
            result=command.result,
            amount=amount,
            reversal_id=command.reversal_id,
            reason=command.reason,
        )
    )
    turn.set(clawback="")
    _unflag(turn, Attention.CLAWBACK_UNKNOWN)
    if command.result is TransferResult.SENT:
        turn.set(returned=state.returned + amount)
        turn.happen("clawback_done", number=command.number, amount=amount, reversal_id=command.reversal_id)
    else:
        turn.flag(Attention.CLAWBACK_FAILED)
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
    turn.set(elsewhere=command.document_id)
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
    this_payout(turn)
    _reported(turn)
    document_id = turn.state.elsewhere
    turn.do(CloseElsewhere(payout_id=turn.command.payout_id, document_id=document_id, decision="approved"))
    turn.set(elsewhere="")
    turn.settle()
    turn.happen("paid_off_platform", Stage.COMPLETED, document_id=document_id)
    turn.do(RevokeLinks())


def refuse_off_platform(turn: Turn) -> None:
    """It was not paid elsewhere: the gates go on."""
    require_person(turn)
    this_payout(turn)
    _reported(turn)
    command = turn.command
    turn.do(
        CloseElsewhere(
            payout_id=command.payout_id,
            document_id=turn.state.elsewhere,
            decision="refused",
            reason=command.reason,
            remark_id=command.remark_id,
        )
    )
    turn.set(elsewhere="")
    _unflag(turn, Attention.OFF_PLATFORM_ASKED)
    turn.happen("off_platform_refused", reason=command.reason)


def _reported(turn: Turn) -> None:
    if not turn.state.elsewhere:
        raise IllegalCommand("nobody said that it was paid elsewhere", code="not_asked")


def _unflag(turn: Turn, reason: Attention) -> None:
    if turn.state.attention is reason:
        turn.settle()


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
