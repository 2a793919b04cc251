"""What a person may want to look at though the books are right: named by `handsel ledger check`, no failure.

Reads only. What stands here changes no exit code: nothing is missing in the ledger, only knowledge of what
happened at Stripe.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from infra.ledger_check import Problem

RECEIPT_IS_LATE: Final = timedelta(days=7)
"""Stripe knows what arrived within minutes; a transfer older than this without a receipt is named."""
NAMED: Final = 20
"""Transfers that are named one by one, newest first; the others are counted."""

# Without a receipt nobody knows the currency of the account: it may have been converted or not.
_LATE: Final = text("""
    SELECT a.stripe_transfer_id AS transfer_id, a.payout_id, count(*) OVER () AS all_of_them
    FROM payout_attempts a
    LEFT JOIN transfer_receipts r ON r.transfer_id = a.stripe_transfer_id
    WHERE a.state = 'sent' AND a.finished_at < :before AND r.transfer_id IS NULL
    ORDER BY a.finished_at DESC, a.payout_id LIMIT :most
""")


def warnings(session: Session, now: datetime) -> list[Problem]:
    """Transfers of which Stripe did not say what arrived, as of `now` (UTC); empty when it said so of all."""
    rows = session.execute(_LATE, {"before": now - RECEIPT_IS_LATE, "most": NAMED}).all()
    found = [
        Problem("receipt_missing", row.transfer_id, f"Stripe has not said what arrived for {row.payout_id}")
        for row in rows
    ]
    if rows and rows[0].all_of_them > len(rows):
        message = f"{rows[0].all_of_them - len(rows)} older transfers have no receipt either"
        found.append(Problem("receipt_missing", "", message))
    return found


def warnings_now(engine: Engine) -> list[Problem]:
    """The warnings as of this moment."""
    with Session(engine) as session:
        return warnings(session, datetime.now(UTC))
