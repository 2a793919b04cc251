"""One round of the reconciliation: copy Stripe's rows and receipts, compare, say up to when that holds.

May be killed at any moment and begun again: what is copied is copied, and comparing again changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity

from activities import contracts
from activities.compare import compare
from activities.contracts import Reconciled
from activities.payments_port import PaymentsGateway
from activities.receipts import record_receipts
from activities.stripe_rows import CURSOR, copy_rows, refresh_pending, settled_totals
from infra.tables import StripeCursor


class ReconcileActivities:
    """Needs the database and the gateway to Stripe."""

    def __init__(self, sessions: sessionmaker[Session], gateway: PaymentsGateway) -> None:
        self._sessions = sessions
        self._gateway = gateway

    @activity.defn(name=contracts.RECONCILE_STRIPE, no_thread_cancel_exception=True)
    def reconcile_stripe(self) -> Reconciled:
        """Copy, compare, and note that everything up to now is compared."""
        began = datetime.now(UTC)
        copied = copy_rows(self._sessions, self._gateway, activity.heartbeat)
        refresh_pending(self._sessions, self._gateway, began)
        totals = settled_totals(self._sessions, self._gateway, activity.heartbeat)
        result = compare(self._sessions, began, totals, activity.heartbeat)
        record_receipts(self._sessions, self._gateway, activity.heartbeat)
        with self._sessions.begin() as session:
            session.execute(update(StripeCursor).where(StripeCursor.name == CURSOR).values(complete_at=began))
        return Reconciled(copied=copied, matched=result.matched, open_items=result.open_items)
