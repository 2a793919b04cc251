"""Attempts to pay: opened only on a fresh report in which every gate passes, closed once.

The payout's row is locked first, so that whatever else wants to touch it waits. A lost answer leaves the
money in transit: unknown is a state, and nothing here turns it into a failure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from activities import payout_line
from activities.effects.context import Context
from domain.commands import TransferResult
from domain.errors import Defect, Refused
from domain.ledger import attempt_opened, attempt_refused, attempt_sent
from domain.money import Money
from domain.payment_effects import CloseAttempt, MarkConfirmed, StartAttempt
from infra.tables import GateReport, Payee, Payout, PayoutAttempt, PayoutHold

_UNDER_WAY = ("open", "unknown")


class _Due(NamedTuple):
    """The payout, under its lock."""

    id: str
    state: str
    amount: Money


class _Release(NamedTuple):
    """What the gate report releases: to whom, and on which gates."""

    destination: str
    gates: list[Any]


def start_attempt(session: Session, effect: StartAttempt, context: Context) -> None:
    """creator owed -> payout in transit, with the attempt's row and the gates as they stood."""
    payout = _lock_payout(session, effect.part, context)
    if payout.state != "ready":
        raise Refused(f"the payout is {payout.state}, not ready", code="payout_not_ready")
    _not_held(session, context)
    release = _fresh_report(session, effect.report_id, payout, context)
    session.execute(
        insert(PayoutAttempt).values(
            payout_id=payout.id,
            number=effect.number,
            state="open",
            amount=payout.amount.amount,
            currency=payout.amount.currency,
            destination=release.destination,
            report_id=effect.report_id,
            gates=release.gates,
            opened_at=context.change.at,
        )
    )
    _set_payout(session, payout.id, state="sending")
    context.post(session, attempt_opened(context.deal(effect.part), effect.number, payout.amount))


def _not_held(session: Session, context: Context) -> None:
    """The report says so too; this is the last look, under the lock."""
    held = session.scalar(
        select(PayoutHold.reason).where(
            PayoutHold.collaboration_id == context.before.collaboration_id, PayoutHold.released_at.is_(None)
        )
    )
    if held is not None:
        raise Refused(f"the payment is held: {held}", code="payout_held")


def _lock_payout(session: Session, part: int, context: Context) -> _Due:
    payout = session.execute(
        select(Payout.id, Payout.state, Payout.amount, Payout.currency)
        .where(Payout.id == context.deal(part).payout_id)
        .with_for_update()
    ).one_or_none()
    if payout is None:
        raise Defect("this collaboration has no payout")
    return _Due(payout.id, payout.state, Money(amount=payout.amount, currency=payout.currency))


def _fresh_report(session: Session, report_id: str, payout: _Due, context: Context) -> _Release:
    """What the report releases, if every gate passed in it and nothing it rests on has moved since."""
    report = session.execute(
        select(GateReport.destination, GateReport.gates)
        .join(Payee, Payee.stripe_account_id == GateReport.destination)
        .where(
            GateReport.id == report_id,
            GateReport.payout_id == payout.id,
            GateReport.sequence == context.change.sequence,
            GateReport.all_pass,
            GateReport.amount == payout.amount.amount,
            GateReport.currency == payout.amount.currency,
            Payee.creator_id == context.before.creator_id,
            Payee.can_receive,
        )
        .with_for_update(read=True, of=Payee)
    ).one_or_none()
    if report is None:
        raise Refused("the gates have to be assessed again", code="report_stale")
    return _Release(report.destination, report.gates)


def close_attempt(session: Session, effect: CloseAttempt, context: Context) -> None:
    """Sent: in transit -> creator paid. Refused: back to owed. Unknown: nothing moves."""
    payout, deal = _lock_payout(session, effect.part, context), context.deal(effect.part)
    amount = payout.amount
    if effect.result is TransferResult.SENT:
        _finish(session, payout.id, effect, context, transfer_id=effect.transfer_id)
        _set_payout(session, payout.id, state="sent")
        context.post(session, attempt_sent(deal, effect.number, amount, effect.transfer_id))
        payout_line.note_paid(session, payout.id, context.change.at)
    elif effect.result is TransferResult.REFUSED:
        _finish(session, payout.id, effect, context)
        _set_payout(session, payout.id, state="ready")
        context.post(session, attempt_refused(deal, effect.number, amount, effect.reason))
        _after_refusal(session, payout.id, effect.reason, context)
    else:
        _finish(session, payout.id, effect, context)
        _set_payout(session, payout.id, state="unknown")


def _after_refusal(session: Session, of: str, reason: str, context: Context) -> None:
    """For want of money it keeps its place in the line; for anything else it leaves it."""
    if reason == "funds":
        payout_line.note_no_funds(session, of)
    else:
        payout_line.leave(session, of, context.change.at)


def _finish(
    session: Session, of: str, effect: CloseAttempt, context: Context, transfer_id: str | None = None
) -> None:
    if effect.result is TransferResult.SENT and not transfer_id:
        raise Defect("a transfer was sent without an id")
    known = effect.result is not TransferResult.UNKNOWN
    found = session.scalar(
        update(PayoutAttempt)
        .where(
            PayoutAttempt.payout_id == of,
            PayoutAttempt.number == effect.number,
            PayoutAttempt.state.in_(_UNDER_WAY),
        )
        .values(
            state=effect.result.value,
            stripe_transfer_id=transfer_id,
            failure_code=effect.reason,
            finished_at=context.change.at if known else None,
        )
        .returning(PayoutAttempt.number)
        .execution_options(synchronize_session=False)
    )
    if found is None:
        raise Defect(f"attempt {effect.number} is not under way")


def mark_confirmed(session: Session, effect: MarkConfirmed, context: Context) -> None:
    """Stripe itself named the transfer: it must be the one that was sent."""
    of = context.deal(effect.part).payout_id
    sent = session.scalar(
        select(PayoutAttempt.number).where(
            PayoutAttempt.payout_id == of, PayoutAttempt.stripe_transfer_id == effect.transfer_id
        )
    )
    if sent is None:
        raise Defect("no attempt of this payout has this transfer")
    _set_payout(session, of, state="confirmed", confirmed_at=context.change.at)


def _set_payout(session: Session, of: str, **values: object) -> None:
    session.execute(
        update(Payout).where(Payout.id == of).values(**values).execution_options(synchronize_session=False)
    )
