"""Clawbacks at Stripe: reverse so much of a transfer, once; look up what had no clear answer.

The clawback is approved and in the database before any call goes out. Every call carries its key; an old one
is looked up and never sent again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import contracts
from activities.contracts import ClawbackTask, TransferAnswer
from activities.payments import KEY_IS_SAFE
from activities.payments_port import PaymentsGateway, ReversalRequest
from domain.commands import TransferResult
from domain.ledger import payout_id
from domain.state import State
from infra.tables import Clawback, Collaboration


class ClawbackActivities:
    """Needs the database and the gateway to Stripe."""

    def __init__(self, sessions: sessionmaker[Session], gateway: PaymentsGateway) -> None:
        self._sessions = sessions
        self._gateway = gateway

    @activity.defn(name=contracts.TAKE_BACK, no_thread_cancel_exception=True)
    def take_back(self, task: ClawbackTask) -> TransferAnswer:
        """Make the reversal of this clawback, once. Raises (to be retried) while the outcome is unknown."""
        row, request = self._request(task)
        if row.state == "done":
            return TransferAnswer(result=TransferResult.SENT, transfer_id=row.reversal_id or "")
        old = row.decided_at is not None and datetime.now(UTC) - row.decided_at > KEY_IS_SAFE
        more = self._more_came_back(task, request)
        if activity.info().attempt > 1 or old or more:
            found = self._gateway.find_reversal(request)
            if found is not None:
                return TransferAnswer(result=TransferResult.SENT, transfer_id=found)
        if old or more:
            reason = "key_too_old" if old else "reversal_unrecorded"
            return TransferAnswer(result=TransferResult.UNKNOWN, reason=reason)
        outcome = self._gateway.reverse_transfer(request)
        if outcome.kind == "sent":
            return TransferAnswer(result=TransferResult.SENT, transfer_id=outcome.transfer_id)
        if outcome.kind == "refused":
            return TransferAnswer(result=TransferResult.REFUSED, reason=outcome.reason[:60])
        raise ApplicationError(f"no clear answer from Stripe: {outcome.reason}", type="outcome_unknown")

    @activity.defn(name=contracts.LOOK_UP_REVERSAL, no_thread_cancel_exception=True)
    def look_up_reversal(self, task: ClawbackTask) -> TransferAnswer:
        """Ask Stripe whether the reversal exists. Absence proves nothing: it stays unknown."""
        _, request = self._request(task)
        found = self._gateway.find_reversal(request)
        if found is None:
            return TransferAnswer(result=TransferResult.UNKNOWN, reason="not_found")
        return TransferAnswer(result=TransferResult.SENT, transfer_id=found)

    def _more_came_back(self, task: ClawbackTask, request: ReversalRequest) -> bool:
        """Whether Stripe took back more of the transfer than we know of.

        It is this clawback's own reversal, or an earlier one that a person had called never made.
        """
        with self._sessions() as session:
            state = State.model_validate(session.get_one(Collaboration, task.collaboration_id).state)
        known = sum(part.returned for part in state.parts if part.number == task.part)
        found = self._gateway.find_transfers(request.payout_id)
        return any(one.amount_reversed > known for one in found if one.transfer_id == request.transfer_id)

    def _request(self, task: ClawbackTask) -> tuple[Clawback, ReversalRequest]:
        of = payout_id(task.collaboration_id, task.part)
        with self._sessions() as session:
            row = session.get_one(Clawback, (of, task.number))
        return row, ReversalRequest(
            payout_id=of, number=row.number, transfer_id=row.transfer_id, amount=row.amount
        )
