"""Makes roots, and takes them out of our own reach: into the object store under keys that are written once.

A root covers all lines up to it; making one twice at the same line gives the same root. A copy that could
not be stored yet is tried again at the next round. Nothing here changes a line.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from domain.audit import Root, canonical, merkle_root, moment
from domain.errors import Defect
from domain.ids import derived_id
from domain.roles import HANDSEL
from infra.audit.append import append_audit
from infra.audit.sequencer import sequence_brand
from infra.audit.signing import Signer
from infra.objects import ObjectStore
from infra.tables import AuditCopy, AuditHead, AuditLine, AuditRoot

FOLDER: Final = "audit/roots"


def root_key(brand_id: str, sequence: int) -> str:
    """Where the root at this line stands in the object store; sorts by line."""
    return f"{FOLDER}/{brand_id}/{sequence:012d}.json"


class Roots:
    """Needs the database and the key that signs."""

    def __init__(self, sessions: sessionmaker[Session], signer: Signer) -> None:
        self._sessions = sessions
        self._signer = signer

    def make_due(self, now: datetime, every: timedelta) -> list[AuditRoot]:
        """A root for each brand whose newest is older than `every` and that has lines since."""
        newest = (
            select(AuditRoot.brand_id, func.max(AuditRoot.sequence).label("sequence"),
                   func.max(AuditRoot.made_at).label("made_at"))
            .group_by(AuditRoot.brand_id)
            .subquery()
        )  # fmt: skip
        query = (
            select(AuditHead.brand_id)
            .outerjoin(newest, newest.c.brand_id == AuditHead.brand_id)
            .where(AuditHead.sequence > func.coalesce(newest.c.sequence, 0))
            .where(func.coalesce(newest.c.made_at, datetime.min.replace(tzinfo=UTC)) <= now - every)
        )
        with self._sessions() as session:
            brands = session.scalars(query.order_by(AuditHead.brand_id)).all()
        made = [self.make(brand_id, now) for brand_id in brands]
        return [root for root in made if root is not None]

    def make_covering(self, brand_id: str, sequence: int, now: datetime) -> AuditRoot:
        """The first root that covers this line; made now when there is none."""
        found = self._covering(brand_id, sequence) or self.make(brand_id, now)
        if found is None or found.sequence < sequence:
            raise Defect(f"{brand_id} has no line {sequence}", code="audit_unchained")
        return found

    def _covering(self, brand_id: str, sequence: int) -> AuditRoot | None:
        with self._sessions() as session:
            return session.scalar(
                select(AuditRoot)
                .where(AuditRoot.brand_id == brand_id, AuditRoot.sequence >= sequence)
                .order_by(AuditRoot.sequence)
                .limit(1)
            )

    def make(self, brand_id: str, now: datetime) -> AuditRoot | None:
        """A root at the newest line; the one that stands there already, or None without any line.

        After a change of keys there is a new line: the one that says so. The root of it carries the handover.
        """
        self._note_handover(brand_id, now)
        sequence_brand(self._sessions, brand_id)
        with self._sessions.begin() as session:
            head = session.scalar(select(AuditHead).where(AuditHead.brand_id == brand_id).with_for_update())
            if head is None or head.sequence == 0:
                return None
            before = session.scalar(
                select(func.max(AuditRoot.sequence)).where(AuditRoot.brand_id == brand_id)
            )
            if before != head.sequence:
                self._write(session, head, (before or 0) + 1, now)
            return session.get_one(AuditRoot, (brand_id, head.sequence))

    def _note_handover(self, brand_id: str, now: datetime) -> None:
        with self._sessions.begin() as session:
            newest = session.scalar(
                select(AuditRoot)
                .where(AuditRoot.brand_id == brand_id)
                .order_by(AuditRoot.sequence.desc())
                .limit(1)
            )
            using, *older = self._signer.public_keys
            before = newest.document["public_key"] if newest is not None else ""
            if before in older:
                said = {"from": before, "to": using}
                append_audit(session, brand_id, "audit_key", using, "handed_over", HANDSEL, now, said)

    def _write(self, session: Session, head: AuditHead, first: int, now: datetime) -> None:
        hashes = hashes_between(session, head.brand_id, first, head.sequence)
        if len(hashes) != head.sequence - first + 1 or hashes[-1] != head.hash:
            raise Defect(f"the chain of {head.brand_id} does not fit its head", code="audit_broken")
        root = Root(
            brand_id=head.brand_id,
            first_sequence=first,
            sequence=head.sequence,
            hash=head.hash,
            merkle_root=merkle_root(hashes),
            made_at=moment(now),
        )
        root_id = derived_id("audit_root", head.brand_id, head.sequence)
        row = AuditRoot(
            brand_id=head.brand_id,
            sequence=head.sequence,
            id=root_id,
            first_sequence=first,
            hash=head.hash,
            document=self._signer.sign(root),
            object_key=root_key(head.brand_id, head.sequence),
            made_at=now,
        )
        session.add(row)
        session.flush()
        session.execute(insert(AuditCopy).values(root_id=root_id).on_conflict_do_nothing())

    def store(self, objects: ObjectStore, now: datetime) -> int:
        """Bring the roots that are not outside yet into the object store; how many were."""
        waiting = self._waiting(AuditCopy.stored_at)
        for root in waiting:
            body = canonical(root.document)
            if not objects.put_once(root.object_key, body, "application/json"):
                self._require_same(objects, root, body)
            self._mark(root.id, stored_at=now)
        return len(waiting)

    def mail(self, send: Callable[[AuditRoot], None], now: datetime) -> int:
        """Send the roots that nobody was sent yet."""
        waiting = self._waiting(AuditCopy.mailed_at)
        for root in waiting:
            send(root)
            self._mark(root.id, mailed_at=now)
        return len(waiting)

    def _waiting(self, column: Any) -> list[AuditRoot]:
        with self._sessions() as session:
            return list(
                session.scalars(
                    select(AuditRoot)
                    .join(AuditCopy, AuditCopy.root_id == AuditRoot.id)
                    .where(column.is_(None))
                    .order_by(AuditRoot.made_at, AuditRoot.id)
                )
            )

    def _require_same(self, objects: ObjectStore, root: AuditRoot, body: bytes) -> None:
        if objects.read(root.object_key) != body:
            raise Defect(f"another root stands at {root.object_key}", code="audit_broken")

    def _mark(self, root_id: str, **moments: datetime) -> None:
        with self._sessions.begin() as session:
            session.execute(update(AuditCopy).where(AuditCopy.root_id == root_id).values(**moments))


def hashes_between(session: Session, brand_id: str, first: int, last: int) -> list[str]:
    """Hashes of these lines in order."""
    query = (
        select(AuditLine.hash)
        .where(AuditLine.brand_id == brand_id, AuditLine.sequence.between(first, last))
        .order_by(AuditLine.sequence)
    )
    return list(session.scalars(query))
