"""Asks Stripe what transfers were when they arrived, for those of which it is not known yet.

Part of a round of the reconciliation. Touches no payment: a transfer that has no receipt yet is asked for
again, and two rounds at once write it once. What stays missing is named by `infra.ledger_warnings`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.payments_port import PaymentsGateway, Receipt
from infra.tables import PayoutAttempt, TransferReceipt

MOST: Final = 200
"""Receipts of one round; the others wait for the next."""
ASKED_EACH_ROUND: Final = timedelta(days=1)
"""After that once a day: what Stripe cannot tell keeps no other waiting, and no payment's turn at Stripe."""
TURN: Final = timedelta(minutes=15)
"""The day has 96 turns; each older transfer has one of them. As long as rounds are apart."""
ASKED_FOR: Final = timedelta(days=45)
"""What Stripe does not tell for so long is not asked for any more."""


def record_receipts(
    sessions: sessionmaker[Session],
    gateway: PaymentsGateway,
    beat: Callable[[], object],
    now: datetime | None = None,
) -> int:
    """Write the receipts that are missing, newest first; how many. Raises what the gateway raises.

    `now` is the moment of the round, UTC; the present unless told otherwise.
    """
    written = 0
    for payout_id, transfer_id in _missing(sessions, now or datetime.now(UTC)):
        beat()
        found = gateway.receipt(transfer_id)
        if found is not None:
            with sessions.begin() as session:
                _write(session, payout_id, found)
            written += 1
    return written


def _missing(sessions: sessionmaker[Session], now: datetime) -> list[tuple[str, str]]:
    with sessions() as session:
        rows = session.execute(
            select(PayoutAttempt.payout_id, PayoutAttempt.stripe_transfer_id)
            .outerjoin(TransferReceipt, TransferReceipt.transfer_id == PayoutAttempt.stripe_transfer_id)
            .where(
                PayoutAttempt.state == "sent",
                PayoutAttempt.finished_at > now - ASKED_FOR,
                TransferReceipt.transfer_id.is_(None),
                _has_its_turn(now),
            )
            .order_by(PayoutAttempt.finished_at.desc(), PayoutAttempt.payout_id)
            .limit(MOST)
        )
        return [(row[0], str(row[1])) for row in rows]


def _has_its_turn(now: datetime) -> ColumnElement[bool]:
    turns = timedelta(days=1) // TURN
    since_midnight = timedelta(hours=now.hour, minutes=now.minute)
    mine = func.abs(func.mod(func.hashtext(PayoutAttempt.stripe_transfer_id), turns))
    return or_(PayoutAttempt.finished_at > now - ASKED_EACH_ROUND, mine == since_midnight // TURN)


def _write(session: Session, payout_id: str, found: Receipt) -> None:
    session.execute(
        insert(TransferReceipt)
        .values(
            transfer_id=found.transfer_id,
            payout_id=payout_id,
            account=found.account,
            payment_id=found.payment_id,
            row_id=found.row_id,
            amount=found.amount,
            currency=found.currency,
            fee=found.fee,
            exchange_rate=found.exchange_rate,
            at=found.created,
        )
        .on_conflict_do_nothing()
    )
