"""Takes addresses out of forms once no parcel needs them: some days after the delivery, or after the end.

The form stays, sealed as it was but for its address. Nothing is decided about parcels that are still moving,
lost or disputed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Row, text, update
from sqlalchemy.orm import Session, sessionmaker

from domain.errors import Defect
from domain.roles import HANDSEL
from domain.stages import ENDS
from infra.audit.append import append_audit
from infra.tables import Answer
from infra.vault import AnswerForm, Vault

AT_ONCE: Final = 200
"""Forms in one round."""
log = structlog.get_logger()

# A parcel that may still need its address keeps it, whatever the others do.
_DUE: Final = text("""
    SELECT a.id, a.sealed, k.wrapped, c.brand_id
    FROM answers a
    JOIN collaborations c ON c.id = a.collaboration_id
    JOIN creator_keys k ON k.creator_id = a.creator_id
    WHERE a.address_purged_at IS NULL
        AND NOT EXISTS (
            SELECT FROM shipments s
            WHERE s.collaboration_id = c.id AND s.state NOT IN ('delivered', 'cancelled')
                AND NOT c.stage = ANY(:ends))
        AND CASE
            WHEN c.stage = ANY(:ends) THEN c.since <= :before
            ELSE (SELECT max(s.delivered_at) FROM shipments s WHERE s.collaboration_id = c.id) <= :before
        END
    ORDER BY a.id
    LIMIT :most
    FOR UPDATE OF a SKIP LOCKED
""")


def purge_addresses(sessions: sessionmaker[Session], vault: Vault, now: datetime, days: int) -> int:
    """Take out the addresses that nobody needed for so many days; how many there were. Zero days: never."""
    if days == 0:
        return 0
    given = {
        "ends": [stage.value for stage in ENDS],
        "before": now - timedelta(days=days),
        "most": AT_ONCE,
    }
    with sessions.begin() as session:
        due = session.execute(_DUE, given).all()
        return sum(_purge(session, vault, row, now) for row in due)


def _purge(session: Session, vault: Vault, row: Row[Any], now: datetime) -> int:
    """One form; 1 when there was an address in it."""
    try:
        form = vault.open(row.wrapped, row.sealed, AnswerForm)
    except Defect as defect:
        log.error("form_unreadable", code=defect.code)
        return 0
    values: dict[str, Any] = {"address_purged_at": now}
    if form.address is not None:
        values["sealed"] = vault.seal(row.wrapped, form.model_copy(update={"address": None}))
    session.execute(update(Answer).where(Answer.id == row.id).values(values))
    if form.address is None:
        return 0
    append_audit(session, row.brand_id, "form", row.id, "address_purged", HANDSEL, now)
    return 1
