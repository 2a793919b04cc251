"""Money that came back or went another way: entries, and the rows of who asked and who decided.

The payout's row is locked first, as for an attempt. Whoever asked is refused as the one who decides.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from activities.effects.context import Context
from activities.effects.decisions import approver, own_remark
from activities.effects.promises import ready_payout
from activities.persons import hands_of
from activities.rules import above_limit, rules_of
from domain.commands import TransferResult
from domain.errors import Defect, Forbidden, NotFound, Refused
from domain.ledger_recovery import (
    clawback_done,
    clawback_opened,
    clawback_refused,
    fee_paid_elsewhere,
    reversal_repaid,
    reversal_settled,
    transfer_reversed,
)
from domain.money import Money
from domain.payment_effects import (
    AskClawback,
    CloseClawback,
    CloseElsewhere,
    DecideClawback,
    OpenElsewhere,
    PayAgain,
    ReturnMoney,
    SettleReturned,
)
from domain.roles import Role
from infra.tables import Clawback, OffPlatformPayment, PaymentDocument, Payout


def _lock(session: Session, payout_id: str) -> Payout:
    payout = session.scalar(select(Payout).where(Payout.id == payout_id).with_for_update())
    if payout is None:
        raise Defect("this collaboration has no payout")
    return payout


def _other_person(session: Session, asked_by: str, amount: Money, context: Context) -> None:
    """Finance or owner, not who asked, and within their limit."""
    member = approver(session, context)
    if asked_by.rpartition(":")[2] in hands_of(session, member.id):
        raise Forbidden(
            "four eyes: you asked for it yourself; another person has to decide", code="four_eyes"
        )
    above = above_limit(rules_of(session, context.before.brand_id), member.id, Role(member.role), amount)
    if above:
        raise Forbidden(above, code="over_limit")


# --- paid outside of Stripe -------------------------------------------------------------------------


def open_elsewhere(session: Session, effect: OpenElsewhere, context: Context) -> None:
    """Somebody says so, with a document of this very payment."""
    payout = _lock(session, effect.payout_id)
    if payout.state != "ready":
        raise Refused(f"the payout is {payout.state}, not ready", code="payout_not_ready")
    approver(session, context)
    document = session.get(PaymentDocument, effect.document_id)
    if document is None or document.payout_id != payout.id:
        raise NotFound("no such document for this payout", field="document_id")
    if session.get(OffPlatformPayment, document.id) is not None:
        raise Refused("this document was used already", code="already_reported")
    own_remark(session, effect.remark_id, context)
    session.execute(
        insert(OffPlatformPayment).values(
            document_id=document.id,
            payout_id=payout.id,
            method=effect.method,
            state="asked",
            asked_by=context.actor,
            asked_at=context.change.at,
            remark_id=effect.remark_id,
            decided_by="",
            decision_reason="",
        )
    )


def close_elsewhere(session: Session, effect: CloseElsewhere, context: Context) -> None:
    """Another person decides; approved, what is owed is paid elsewhere."""
    payout = _lock(session, effect.payout_id)
    row = session.get_one(OffPlatformPayment, effect.document_id, with_for_update=True)
    amount = Money(amount=payout.amount, currency=payout.currency)
    if effect.decision == "approved":
        _other_person(session, row.asked_by, amount, context)
    elif not effect.with_the_file:
        approver(session, context)
    own_remark(session, effect.remark_id, context)
    row.state, row.decided_by, row.decided_at = effect.decision, context.actor, context.change.at
    row.decision_reason, row.decision_remark_id = effect.reason, effect.remark_id
    if effect.decision == "approved":
        document = session.get_one(PaymentDocument, effect.document_id)
        context.post(session, fee_paid_elsewhere(context.deal(effect.part), amount, document.sha256))
        payout.state = "paid_elsewhere"
    session.flush()


# --- money that came back -----------------------------------------------------------------------------


def return_money(session: Session, effect: ReturnMoney, context: Context) -> None:
    """creator paid -> payout returned."""
    payout = _lock(session, context.deal(effect.part).payout_id)
    amount = Money(amount=effect.amount, currency=payout.currency)
    context.post(session, transfer_reversed(context.deal(effect.part), effect.total, amount))


def settle_returned(session: Session, effect: SettleReturned, context: Context) -> None:
    """payout returned -> campaign budget."""
    approver(session, context)
    payout = _lock(session, context.deal(effect.part).payout_id)
    amount = Money(amount=effect.amount, currency=payout.currency)
    context.post(session, reversal_settled(context.deal(effect.part), effect.total, amount, effect.reason))


def pay_again(session: Session, effect: PayAgain, context: Context) -> None:
    """payout returned -> creator owed, as a payment of its own."""
    approver(session, context)
    payout = _lock(session, context.deal(effect.of).payout_id)
    amount = Money(amount=effect.amount, currency=payout.currency)
    deal = context.deal(effect.part)
    context.post(session, reversal_repaid(deal, payout.id, effect.total, amount, effect.reason))
    ready_payout(session, context, effect.part)


def ask_clawback(session: Session, effect: AskClawback, context: Context) -> None:
    """One person asks."""
    approver(session, context)
    payout = _lock(session, context.deal(effect.part).payout_id)
    own_remark(session, effect.remark_id, context)
    session.execute(
        insert(Clawback).values(
            payout_id=payout.id,
            number=effect.number,
            amount=effect.amount,
            currency=payout.currency,
            transfer_id=effect.transfer_id,
            state="asked",
            reason=effect.reason,
            remark_id=effect.remark_id,
            asked_by=context.actor,
            asked_at=context.change.at,
            decided_by="",
            decision_reason="",
            failure_code="",
        )
    )


def decide_clawback(session: Session, effect: DecideClawback, context: Context) -> None:
    """Another person decides; approved, the money waits for Stripe's answer."""
    payout = _lock(session, context.deal(effect.part).payout_id)
    row = session.get_one(Clawback, (payout.id, effect.number), with_for_update=True)
    amount = Money(amount=effect.amount, currency=row.currency)
    if effect.decision == "approved":
        _other_person(session, row.asked_by, amount, context)
    else:
        approver(session, context)
    own_remark(session, effect.remark_id, context)
    row.state, row.decided_by, row.decided_at = effect.decision, context.actor, context.change.at
    row.decision_reason, row.decision_remark_id = effect.reason, effect.remark_id
    session.flush()
    if effect.decision == "approved":
        context.post(session, clawback_opened(context.deal(effect.part), effect.number, amount))


def close_clawback(session: Session, effect: CloseClawback, context: Context) -> None:
    """Done: to the campaign's budget. Refused by Stripe: the creator keeps it."""
    payout = _lock(session, context.deal(effect.part).payout_id)
    done = effect.result is TransferResult.SENT
    amount = Money(amount=effect.amount, currency=payout.currency)
    closed = session.scalar(
        update(Clawback)
        .where(
            Clawback.payout_id == payout.id,
            Clawback.number == effect.number,
            Clawback.state.in_(["approved", "unknown"]),
        )
        .values(
            state="done" if done else "failed",
            reversal_id=effect.reversal_id or None,
            failure_code=effect.reason,
            finished_at=context.change.at,
        )
        .returning(Clawback.number)
        .execution_options(synchronize_session=False)
    )
    if closed is None or (done and not effect.reversal_id):
        raise Defect(f"clawback {effect.number} is not with Stripe, or has no reversal")
    if done:
        entry = clawback_done(context.deal(effect.part), effect.number, amount, effect.reversal_id)
    else:
        entry = clawback_refused(context.deal(effect.part), effect.number, amount, effect.reason)
    context.post(session, entry)
