"""Payment: assess the gates, make the transfer of one attempt, look an attempt up.

The attempt is in the database before any call goes out, with amount, currency and destination frozen. Every
call carries the key of its attempt; what had no clear answer is looked up, never sent under a new key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import contracts
from activities.contracts import GateAnswer, GateTask, TransferAnswer, TransferTask
from activities.payments_port import PaymentsGateway, TransferRequest
from domain.commands import CheckOutcome, TransferResult
from domain.gates import ATTENTION_OF, Gate, GateFacts, GateResult, all_pass, assess
from domain.ids import derived_id
from domain.offer import CampaignType, Offer
from domain.stages import Attention, Stage
from domain.state import State
from infra.ids import new_id
from infra.tables import (
    Answer,
    Collaboration,
    DisclosureCheck,
    Entry,
    Event,
    GateReport,
    OfferRow,
    Payee,
    Payout,
    PayoutAttempt,
    Post,
)

KEY_IS_SAFE = timedelta(hours=20)
"""An attempt older than this is looked up before anything is sent: Stripe may have forgotten its key."""


class PaymentActivities:
    """Needs the database and the gateway to Stripe."""

    def __init__(self, sessions: sessionmaker[Session], gateway: PaymentsGateway) -> None:
        self._sessions = sessions
        self._gateway = gateway

    @activity.defn(name=contracts.ASSESS_GATES, no_thread_cancel_exception=True)
    def assess_gates(self, task: GateTask) -> GateAnswer:
        """Read the facts, assess every gate, and store the report."""
        self._refresh_payee(task.collaboration_id)
        now = datetime.now(UTC)
        with self._sessions.begin() as session:
            facts, currency = read_facts(session, task.collaboration_id)
        if task.ask_balance:
            facts = facts.model_copy(update={"available": self._gateway.balance(currency)})
        gates = assess(facts, now)
        report = {
            "id": new_id("gate_report"),
            "collaboration_id": task.collaboration_id,
            "sequence": task.sequence,
            "gates": [gate.model_dump(mode="json") for gate in gates],
            "all_pass": all_pass(gates),
            "destination": facts.payee_account,
            "amount": facts.fee,
            "currency": currency,
            "at": now,
        }
        with self._sessions.begin() as session:
            session.execute(insert(GateReport).values(report))
        return GateAnswer(report_id=report["id"], all_pass=report["all_pass"], flag=_flag(gates))

    def _refresh_payee(self, collaboration_id: str) -> None:
        """Ask Stripe about an account that could not receive: its message to us may be lost."""
        with self._sessions() as session:
            payee = session.scalar(
                select(Payee)
                .join(Collaboration, Collaboration.creator_id == Payee.creator_id)
                .where(Collaboration.id == collaboration_id)
            )
        if payee is not None and not payee.can_receive:
            refresh_payee(self._sessions, self._gateway, payee.stripe_account_id)

    @activity.defn(name=contracts.TRANSFER_PAYOUT, no_thread_cancel_exception=True)
    def transfer_payout(self, task: TransferTask) -> TransferAnswer:
        """Make the transfer of this attempt, once. Raises (to be retried) while the outcome is unknown."""
        attempt = self._attempt(task)
        if attempt.state in ("sent", "refused"):
            return _settled(attempt)
        if activity.info().attempt > 1 or datetime.now(UTC) - attempt.opened_at > KEY_IS_SAFE:
            found = self._find(attempt)
            if found is not None:
                return found
        if datetime.now(UTC) - attempt.opened_at > KEY_IS_SAFE:
            return TransferAnswer(result=TransferResult.UNKNOWN, reason="key_too_old")
        outcome = self._gateway.create_transfer(
            TransferRequest(
                payout_id=attempt.payout_id,
                attempt=attempt.number,
                amount=attempt.amount,
                currency=attempt.currency,
                destination=attempt.destination,
                metadata={"collaboration": task.collaboration_id, "payout": attempt.payout_id},
            )
        )
        if outcome.kind == "sent":
            return TransferAnswer(result=TransferResult.SENT, transfer_id=outcome.transfer_id)
        if outcome.kind == "refused":
            return TransferAnswer(result=TransferResult.REFUSED, reason=outcome.reason[:60])
        raise ApplicationError(f"no clear answer from Stripe: {outcome.reason}", type="outcome_unknown")

    @activity.defn(name=contracts.LOOK_UP_TRANSFER, no_thread_cancel_exception=True)
    def look_up_transfer(self, task: TransferTask) -> TransferAnswer:
        """Ask Stripe whether a transfer of this attempt exists. Absence proves nothing: it stays unknown."""
        found = self._find(self._attempt(task))
        return found or TransferAnswer(result=TransferResult.UNKNOWN, reason="not_found")

    def _attempt(self, task: TransferTask) -> PayoutAttempt:
        payout_id = derived_id("payout", task.collaboration_id, 1)
        with self._sessions() as session:
            return session.get_one(PayoutAttempt, (payout_id, task.number))

    def _find(self, attempt: PayoutAttempt) -> TransferAnswer | None:
        for transfer in self._gateway.find_transfers(attempt.payout_id):
            same = (transfer.amount, transfer.currency.upper(), transfer.destination) == (
                attempt.amount,
                attempt.currency,
                attempt.destination,
            )
            if same and transfer.attempt == attempt.number:
                return TransferAnswer(result=TransferResult.SENT, transfer_id=transfer.transfer_id)
        return None


def refresh_payee(
    sessions: sessionmaker[Session], gateway: PaymentsGateway, stripe_account_id: str
) -> str | None:
    """Copy from Stripe whether this account can receive money. Returns the creator's id, if it is ours."""
    status = gateway.payee_status(stripe_account_id)
    with sessions.begin() as session:
        return session.scalar(
            update(Payee)
            .where(Payee.stripe_account_id == stripe_account_id)
            .values(
                can_receive=status.can_receive,
                status=status.status,
                requirements=list(status.requirements_due),
                changed_at=func.now(),
            )
            .returning(Payee.creator_id)
        )


def _settled(attempt: PayoutAttempt) -> TransferAnswer:
    return TransferAnswer(
        result=TransferResult(attempt.state),
        transfer_id=attempt.stripe_transfer_id or "",
        reason=attempt.failure_code,
    )


def _flag(gates: list[Gate]) -> str:
    """The attention that the first gate in the way asks for; none when only time is waited for."""
    for gate in gates:
        if gate.result is GateResult.FAIL:
            return Attention.GATE_FAILED.value
    for gate in gates:
        if gate.result is GateResult.WAITING and gate.name in ATTENTION_OF:
            return ATTENTION_OF[gate.name].value
    return ""


def read_facts(session: Session, collaboration_id: str) -> tuple[GateFacts, str]:
    """Everything the gates look at, and the currency of the fee."""
    row = session.get_one(Collaboration, collaboration_id)
    state = State.model_validate(row.state)
    offer = session.get_one(OfferRow, row.offer_id)
    answer = session.get(Answer, state.answer_id) if state.answer_id else None
    events = _last_events(session, collaboration_id)
    last_check = session.scalar(
        select(DisclosureCheck)
        .where(DisclosureCheck.collaboration_id == collaboration_id)
        .order_by(DisclosureCheck.number.desc())
        .limit(1)
    )
    payee = session.get(Payee, row.creator_id)
    payout_id = derived_id("payout", collaboration_id, 1)
    payout = session.get(Payout, payout_id)
    earned = session.scalar(select(Entry.id).where(Entry.key == f"earned/{collaboration_id}"))
    open_attempt = session.scalar(
        select(PayoutAttempt.number).where(
            PayoutAttempt.payout_id == payout_id, PayoutAttempt.state.in_(["open", "unknown"])
        )
    )
    posts = session.scalar(
        select(func.count()).select_from(Post).where(Post.submission_id == (state.post_id or ""))
    )
    terms = Offer.model_validate(offer.terms)
    check_event = max(events.get("disclosure_passed", 0), events.get("disclosure_failed", 0))
    by_person = events.get("post_accepted", 0)
    facts = GateFacts(
        type=CampaignType(state.type),
        stage=Stage(row.stage),
        terms_sha256=offer.sha256,
        accepted_sha256=(answer.offer_sha256 or "") if answer else "",
        accepted_event=events.get("offer_accepted"),
        delivered_event=events.get("parcel_delivered"),
        last_check=CheckOutcome(last_check.outcome) if last_check else None,
        check_event=check_event or None,
        accepted_by_person=by_person if by_person > check_event else None,
        verified_at=state.verified_at,
        live_until=state.live_until,
        pieces_owed=sum(piece.quantity for piece in terms.deliverables),
        posts_live=posts or 0,
        held_for_fee=payout.amount if payout and earned and payout.state == "ready" else 0,
        fee=state.fee.amount if state.fee else 0,
        payee_account=payee.stripe_account_id if payee else "",
        payee_can_receive=payee.can_receive if payee else False,
        pay_by=state.pay_by,
        available=None,
        open_attempt=open_attempt is not None,
    )
    return facts, state.fee.currency if state.fee else ""


def _last_events(session: Session, collaboration_id: str) -> dict[str, Any]:
    query = (
        select(Event.name, func.max(Event.sequence))
        .where(Event.collaboration_id == collaboration_id)
        .group_by(Event.name)
    )
    return {row[0]: row[1] for row in session.execute(query)}
