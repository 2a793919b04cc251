"""Receipts of transfers as the reconciliation writes them, for tests of what shows them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.ledger import payout_id
from infra.tables import PayoutAttempt, TransferReceipt


def arrived(
    sessions: sessionmaker[Session],
    of: str,
    at: datetime,
    *,
    amount: int = 20_182,
    currency: str = "EUR",
    rate: str = "0.917345",
    fee: int = 0,
) -> None:
    """The transfer of this collaboration's first payment arrived as that. Minor units."""
    with sessions.begin() as session:
        attempt = session.scalars(
            select(PayoutAttempt).where(
                PayoutAttempt.payout_id == payout_id(of), PayoutAttempt.state == "sent"
            )
        ).one()
        session.add(
            TransferReceipt(
                transfer_id=attempt.stripe_transfer_id,
                payout_id=attempt.payout_id,
                account=attempt.destination,
                payment_id=f"py_{of}",
                row_id=f"txn_{of}",
                amount=amount,
                currency=currency,
                fee=fee,
                exchange_rate=rate,
                at=at,
            )
        )
