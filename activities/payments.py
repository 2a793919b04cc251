"""Payment: assess the gates, make the transfer of one attempt, look an attempt up.

The attempt is in the database before any call goes out, with amount, currency and destination frozen. Every
call carries the key of its attempt; what had no clear answer is looked up, never sent under a new key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import contracts, gates
from activities.contracts import GateAnswer, GateTask, TransferAnswer, TransferTask
from activities.paying_balance import look_if_old
from activities.payments_port import FoundTransfer, PaymentsGateway, TransferRequest
from activities.shortage_alerts import tell_of_shortages
from domain.commands import TransferResult
from domain.ledger import payout_id
from domain.payout_line import BALANCE_IS_FRESH
from domain.stages import Attention
from infra.settings import Settings
from infra.tables import Collaboration, Payee, PayoutAttempt

BEFORE_PARKING = timedelta(seconds=2)
"""No payment is parked by an older look at the balance: money may have come since."""
KEY_IS_SAFE = timedelta(hours=20)
"""An attempt older than this is looked up before anything is sent: Stripe may have forgotten its key."""


class PaymentActivities:
    """Needs the database, the gateway to Stripe, and the settings for mails to finance."""

    def __init__(self, sessions: sessionmaker[Session], gateway: PaymentsGateway, settings: Settings) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._settings = settings

    @activity.defn(name=contracts.ASSESS_GATES, no_thread_cancel_exception=True)
    def assess_gates(self, task: GateTask) -> GateAnswer:
        """Ask Stripe what only Stripe knows, assess every gate, store the report; say when money is short."""
        self._refresh_payee(task.collaboration_id)
        if task.currency:
            look_if_old(self._sessions, self._gateway, task.currency, BALANCE_IS_FRESH)
        answer = gates.report(self._sessions, task.collaboration_id, task.sequence)
        if answer.flag == Attention.FUNDS_SHORT:
            if look_if_old(self._sessions, self._gateway, task.currency, BEFORE_PARKING):
                answer = gates.report(self._sessions, task.collaboration_id, task.sequence)
            tell_of_shortages(self._sessions, self._settings)
        return answer

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
        if attempt.number > 1:
            made = self._made_before(attempt)
            if made is not None:
                return made
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
            if outcome.retriable_after == "payee":  # Stripe's message about the account is late or lost
                refresh_payee(self._sessions, self._gateway, attempt.destination)
            return TransferAnswer(result=TransferResult.REFUSED, reason=outcome.reason[:60])
        raise ApplicationError(f"no clear answer from Stripe: {outcome.reason}", type="outcome_unknown")

    @activity.defn(name=contracts.LOOK_UP_TRANSFER, no_thread_cancel_exception=True)
    def look_up_transfer(self, task: TransferTask) -> TransferAnswer:
        """Ask Stripe whether a transfer of this attempt exists. Absence proves nothing: it stays unknown."""
        found = self._find(self._attempt(task))
        return found or TransferAnswer(result=TransferResult.UNKNOWN, reason="not_found")

    def _attempt(self, task: TransferTask) -> PayoutAttempt:
        of = payout_id(task.collaboration_id, task.part)
        with self._sessions() as session:
            return session.get_one(PayoutAttempt, (of, task.number))

    def _made_before(self, attempt: PayoutAttempt) -> TransferAnswer | None:
        """What an earlier attempt has paid after all: a person may have called it unpaid and been wrong.

        The same money to the same account is this payment; anything else is for a person: nothing is sent.
        """
        for transfer in self._gateway.find_transfers(attempt.payout_id):
            if transfer.reversed or transfer.attempt == attempt.number:
                continue
            if _same(transfer, attempt):
                return TransferAnswer(result=TransferResult.SENT, transfer_id=transfer.transfer_id)
            return TransferAnswer(result=TransferResult.UNKNOWN, reason="earlier_transfer")
        return None

    def _find(self, attempt: PayoutAttempt) -> TransferAnswer | None:
        for transfer in self._gateway.find_transfers(attempt.payout_id):
            ours = transfer.attempt == attempt.number or transfer.transfer_id == attempt.stripe_transfer_id
            if ours and _same(transfer, attempt):
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
                ready_at=func.coalesce(Payee.ready_at, func.now()) if status.can_receive else Payee.ready_at,
            )
            .returning(Payee.creator_id)
        )


def _same(transfer: FoundTransfer, attempt: PayoutAttempt) -> bool:
    """Whether it is this money to this account."""
    found = (transfer.amount, transfer.currency.upper(), transfer.destination)
    return found == (attempt.amount, attempt.currency, attempt.destination)


def _settled(attempt: PayoutAttempt) -> TransferAnswer:
    return TransferAnswer(
        result=TransferResult(attempt.state),
        transfer_id=attempt.stripe_transfer_id or "",
        reason=attempt.failure_code,
    )
