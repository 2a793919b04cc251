"""A difference of a brand, as the reconciliation would have left it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from infra.ids import new_id
from infra.tables import ReconciliationItem


def found_difference(
    sessions: sessionmaker[Session], brand_id: str, subject: str = "tr_1", which: str = "theirs_without_ours"
) -> str:
    """Its id."""
    now, item_id = datetime.now(UTC), new_id("difference")
    with sessions.begin() as session:
        session.add(
            ReconciliationItem(
                id=item_id,
                brand_id=brand_id,
                list=which,
                subject=subject,
                currency="USD",
                their_amount=-700,
                occurred_at=now,
                first_seen_at=now,
                last_seen_at=now,
            )
        )
    return item_id
