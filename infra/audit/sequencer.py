"""Puts committed events into their brand's chain: each once, none left out, causes before effects.

An event and its place in the queue are one transaction; a line and the end of its place in the queue are
another. So a crash at any point leaves the event either queued or chained. One sequencer works a brand at a
time (the row in `audit_heads` is its lock), and nobody who appends ever waits for it.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from domain.audit import digest_of, event_content, fact_content, link_hash
from infra.tables import AuditFact, AuditHead, AuditQueued

BATCH: Final = 2_000
"""Lines of one transaction."""

_BEGIN: Final = text("""
    INSERT INTO audit_heads (brand_id, sequence, hash) SELECT id, 0, '' FROM brands WHERE id = :brand_id
    ON CONFLICT DO NOTHING
""")
_WAITING: Final = text("SELECT DISTINCT brand_id FROM audit_queue")

QUEUED: Final = text("""
    SELECT q.id, q.brand_id, q.collaboration_id, q.event_sequence, q.fact_id,
        e.name, e.hash, e.actor_kind, e.actor_id, e.at,
        f.subject_kind, f.subject_id, f.event, f.actor_kind AS fact_actor_kind,
        f.actor_id AS fact_actor_id, f.at AS fact_at, f.data
    FROM (SELECT * FROM audit_queue WHERE brand_id = :brand_id ORDER BY id LIMIT :most) q
    LEFT JOIN events e ON e.collaboration_id = q.collaboration_id AND e.sequence = q.event_sequence
    LEFT JOIN audit_facts f ON f.id = q.fact_id
    ORDER BY q.id
""")

_APPEND: Final = text("""
    INSERT INTO audit_lines
        (brand_id, sequence, collaboration_id, event_sequence, fact_id, digest, previous_hash, hash)
    SELECT :brand_id, one.* FROM unnest(
        CAST(:sequence AS bigint[]), CAST(:collaboration_id AS text[]), CAST(:event_sequence AS int[]),
        CAST(:fact_id AS bigint[]), CAST(:digest AS text[]), CAST(:previous_hash AS text[]),
        CAST(:hash AS text[])
    ) AS one
""")


def sequence_all(sessions: sessionmaker[Session], most: int = BATCH) -> int:
    """Chain everything that is queued now, brand by brand; gives how many lines were written."""
    with sessions() as session:
        brands = sorted(session.scalars(_WAITING))
    return sum(sequence_brand(sessions, brand_id, most) for brand_id in brands)


def sequence_brand(sessions: sessionmaker[Session], brand_id: str, most: int = BATCH) -> int:
    """Chain what is queued of one brand. Zero, too, when another sequencer is at it."""
    count = 0
    while True:
        with sessions.begin() as session:
            done = sequence_batch(session, brand_id, most)
        count += done
        if done < most:
            return count


def sequence_batch(session: Session, brand_id: str, most: int) -> int:
    """One transaction: up to `most` queued events become lines."""
    head = _lock(session, brand_id)
    if head is None:
        return 0
    queued = session.execute(QUEUED, {"brand_id": brand_id, "most": most}).all()
    if not queued:
        return 0
    lines = _lines(queued, head.sequence, head.hash)
    session.execute(
        _APPEND, {"brand_id": brand_id} | {name: [one[name] for one in lines] for name in lines[0]}
    )
    session.execute(delete(AuditQueued).where(AuditQueued.id.in_([row.id for row in queued])))
    session.execute(
        update(AuditHead)
        .where(AuditHead.brand_id == brand_id)
        .values(sequence=lines[-1]["sequence"], hash=lines[-1]["hash"])
    )
    return len(queued)


def _lock(session: Session, brand_id: str) -> Row[int, str] | None:
    """The head of the chain under its lock; None while another sequencer holds it."""
    session.execute(_BEGIN, {"brand_id": brand_id})
    return session.execute(
        select(AuditHead.sequence, AuditHead.hash)
        .where(AuditHead.brand_id == brand_id)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _lines(queued: Any, sequence: int, previous: str) -> list[dict[str, Any]]:
    lines = []
    for place, row in enumerate(queued, sequence + 1):
        digest = digest_of(content_of(row))
        hash_ = link_hash(place, previous, digest)
        lines.append(
            {
                "sequence": place,
                "collaboration_id": row.collaboration_id,
                "event_sequence": row.event_sequence,
                "fact_id": row.fact_id,
                "digest": digest,
                "previous_hash": previous,
                "hash": hash_,
            }
        )
        previous = hash_
    return lines


def content_of(row: Any) -> dict[str, Any]:
    """The content of a line, from a row with the columns of `QUEUED`."""
    if row.fact_id is None:
        return event_content(
            brand_id=row.brand_id,
            collaboration_id=row.collaboration_id,
            event=row.name,
            event_sequence=row.event_sequence,
            event_hash=row.hash,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            at=row.at,
        )
    return fact_content(
        brand_id=row.brand_id,
        fact_id=row.fact_id,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        event=row.event,
        actor_kind=row.fact_actor_kind,
        actor_id=row.fact_actor_id,
        at=row.fact_at,
        data=row.data,
    )


def fact_of_line(session: Session, brand_id: str, fact_id: int) -> dict[str, Any]:
    """The content of the line that stands for a fact."""
    row = session.get_one(AuditFact, fact_id)
    return fact_content(
        brand_id=brand_id,
        fact_id=row.id,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        event=row.event,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        at=row.at,
        data=row.data,
    )
