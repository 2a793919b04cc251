"""Does what was asked: purges objects, destroys the key, empties what names the person, certifies it.

Every step may be repeated after a crash at any point and ends the same way. The books, the history and the
audit log are not touched: they never knew who the creator is.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, select, text
from sqlalchemy.orm import Session, sessionmaker

from domain.audit import canonical, moment
from domain.errors import Defect
from domain.roles import Actor, ActorKind
from infra.audit.append import append_audit
from infra.audit.sequencer import sequence_brand
from infra.objects import ObjectStore
from infra.tables import Asset, AuditFact, AuditLine, Collaboration, DisclosureCheck, Erasure

FOLDER: Final = "erasures"
LAST_LOOK: Final = timedelta(hours=1)
"""How long after the destruction the object store is looked at once more: longer than an upload may take."""

STATEMENTS: Final = {
    "keys": "DELETE FROM creator_keys WHERE creator_id = :creator_id",
    "profiles": """
        UPDATE creators SET sealed = '', email_digest = 'erased:' || id, language = 'en', zone = 'UTC',
            niches = '[]'
        WHERE id = :creator_id AND sealed <> ''""",
    "forms": "UPDATE answers SET sealed = '' WHERE creator_id = :creator_id AND sealed <> ''",
    "platform_tokens": "DELETE FROM platform_tokens WHERE creator_id = :creator_id",
    "social_accounts": "DELETE FROM social_accounts WHERE creator_id = :creator_id",
    "posts": """
        UPDATE posts SET url = 'erased:' || posts.id FROM collaborations c
        WHERE c.id = posts.collaboration_id AND c.creator_id = :creator_id AND url NOT LIKE 'erased:%'""",
    "texts": """
        UPDATE submissions SET caption = '', feedback = ''
        WHERE creator_id = :creator_id AND (caption <> '' OR feedback <> '')""",
    "files": """
        UPDATE assets SET file_name = '', sha256 = '', state = 'refused' FROM collaborations c
        WHERE c.id = assets.collaboration_id AND c.creator_id = :creator_id AND file_name <> ''""",
    "looks_at_posts": """
        UPDATE disclosure_checks d SET input = '[]', findings = '[]' FROM collaborations c
        WHERE c.id = d.collaboration_id AND c.creator_id = :creator_id
            AND (d.input <> '[]' OR d.findings <> '[]')""",
    "remarks": """
        UPDATE remarks r SET text = '' FROM collaborations c
        WHERE c.id = r.collaboration_id AND c.creator_id = :creator_id AND r.text <> ''""",
    "notes_of_differences": """
        UPDATE reconciliation_items i SET note = '', reason = '' FROM payouts p
        LEFT JOIN payout_attempts a ON a.payout_id = p.id
        WHERE p.creator_id = :creator_id AND (i.note <> '' OR i.reason <> '')
            AND (strpos(i.subject, p.id) = 1 OR i.subject = a.stripe_transfer_id)""",
    "tracking_numbers": """
        UPDATE shipments SET tracking_number = NULL, tracking_url = ''
        WHERE creator_id = :creator_id AND (tracking_number IS NOT NULL OR tracking_url <> '')""",
    "browsers": """
        UPDATE links SET browser_digest = NULL
        WHERE creator_id = :creator_id AND browser_digest IS NOT NULL""",
    "kept_answers": """
        DELETE FROM idempotent_calls WHERE body IS NOT NULL AND strpos(body::text, :creator_id) > 0""",
}
"""What goes, by kind, in this order: the key first, since the guards ask whether it is gone."""


class Eraser:
    """Needs the database and the object store."""

    def __init__(self, sessions: sessionmaker[Session], objects: ObjectStore) -> None:
        self._sessions = sessions
        self._objects = objects

    def finish_due(self, now: datetime) -> int:
        """Go on with every erasure that has not ended; how many there were."""
        query = select(Erasure.id).where(Erasure.swept_at.is_(None)).order_by(Erasure.id)
        with self._sessions() as session:
            waiting = session.scalars(query).all()
        for erasure_id in waiting:
            self.finish(erasure_id, now)
        return len(waiting)

    def finish(self, erasure_id: str, now: datetime) -> Erasure:
        """Take an erasure as far as it can go now."""
        erasure = self._read(erasure_id)
        if erasure.destroyed_at is None:
            self._purge_objects(erasure)
            self._destroy(erasure, now)
            erasure = self._read(erasure_id)
        if erasure.certified_at is None:
            self._certify(erasure, now)
            erasure = self._read(erasure_id)
        if erasure.swept_at is None and erasure.destroyed_at and now >= erasure.destroyed_at + LAST_LOOK:
            self._purge_objects(erasure)
            self._set(erasure_id, swept_at=now)
        return self._read(erasure_id)

    def _read(self, erasure_id: str) -> Erasure:
        with self._sessions() as session:
            return session.get_one(Erasure, erasure_id)

    def _set(self, erasure_id: str, **values: Any) -> None:
        with self._sessions.begin() as session:
            erasure = session.get_one(Erasure, erasure_id)
            for name, value in values.items():
                setattr(erasure, name, value)

    # --- the steps ------------------------------------------------------------------------------

    def _purge_objects(self, erasure: Erasure) -> None:
        """Delete the creator's files and the snapshots of their posts. Counted before the first one goes."""
        keys = self._keys_of(erasure.creator_id)
        if erasure.destroyed_at is None:
            known = int(erasure.counts.get("objects", 0))
            self._set(erasure.id, counts=erasure.counts | {"objects": max(known, len(keys))})
        for key in keys:
            self._objects.delete(key)

    def _keys_of(self, creator_id: str) -> list[str]:
        with self._sessions() as session:
            collaborations = session.scalars(
                select(Collaboration.id).where(Collaboration.creator_id == creator_id)
            ).all()
            snapshots = session.scalars(
                select(DisclosureCheck.evidence_key).where(
                    DisclosureCheck.collaboration_id.in_(collaborations), DisclosureCheck.evidence_key != ""
                )
            ).all()
            uploads = session.scalars(
                select(Asset.key).where(Asset.collaboration_id.in_(collaborations))
            ).all()
        for key in uploads:
            if upload_id := self._objects.find_parts(key):
                self._objects.abandon_parts(key, upload_id)
        files = [key for one in collaborations for key in self._objects.keys(f"drafts/{one}/")]
        there = [key for key in {*snapshots, *uploads} if self._objects.head(key) is not None]
        return sorted({*files, *there})

    def _destroy(self, erasure: Erasure, now: datetime) -> None:
        """The key and every row that names the person, in one transaction."""
        with self._sessions.begin() as session:
            row = session.get_one(Erasure, erasure.id, with_for_update=True)
            if row.destroyed_at is not None:
                return
            counts: dict[str, Any] = dict(row.counts)
            for kind, statement in STATEMENTS.items():
                done = session.execute(text(statement), {"creator_id": erasure.creator_id})
                counts[kind] = done.rowcount if isinstance(done, CursorResult) else 0
            row.counts, row.destroyed_at = counts, now

    def _certify(self, erasure: Erasure, now: datetime) -> None:
        """Write the certificate into the audit log, then keep it with its place in the chain."""
        if erasure.destroyed_at is None:
            raise Defect("nothing was destroyed yet")
        body = {
            "asked_at": moment(erasure.asked_at),
            "asked_by": {"id": erasure.actor_id, "kind": erasure.actor_kind},
            "brand_id": erasure.brand_id,
            "creator_id": erasure.creator_id,
            "destroyed": dict(erasure.counts),
            "destroyed_at": moment(erasure.destroyed_at),
            "erasure_id": erasure.id,
            "forced": erasure.forced,
            "rule": erasure.rule,
        }
        digest = hashlib.sha256(canonical(body)).hexdigest()
        fact_id = self._tell(erasure, digest, now)
        sequence_brand(self._sessions, erasure.brand_id)
        with self._sessions() as session:
            line = session.scalar(select(AuditLine).where(AuditLine.fact_id == fact_id))
        if line is None:
            raise Defect(f"the line of {erasure.id} is being written; try again", code="audit_unchained")
        chain = {"fact": fact_id, "hash": line.hash, "sequence": line.sequence}
        certificate = body | {"sha256": digest, "audit": chain}
        self._keep(f"{FOLDER}/{erasure.brand_id}/{erasure.id}", canonical(certificate))
        self._set(erasure.id, certificate=certificate, certified_at=now)

    def _keep(self, place: str, certificate: bytes) -> None:
        """Under a key that is written once. One that was repeated after a restore stands beside the first."""
        number = 1
        while True:
            key = f"{place}.json" if number == 1 else f"{place}-{number}.json"
            if self._objects.put_once(key, certificate, "application/json"):
                return
            if self._objects.read(key) == certificate:
                return
            number += 1

    def _tell(self, erasure: Erasure, digest: str, now: datetime) -> int:
        """The fact `erased` with the digest of this certificate, written once."""
        with self._sessions.begin() as session:
            session.get_one(Erasure, erasure.id, with_for_update=True)
            known = session.scalar(
                select(AuditFact.id).where(
                    AuditFact.brand_id == erasure.brand_id,
                    AuditFact.subject_kind == "creator",
                    AuditFact.subject_id == erasure.creator_id,
                    AuditFact.event == "erased",
                    AuditFact.data["certificate_sha256"].astext == digest,
                )
            )
            if known is not None:
                return known
            actor = Actor(kind=ActorKind(erasure.actor_kind), id=erasure.actor_id)
            said = {"certificate_sha256": digest, "erasure_id": erasure.id}
            return append_audit(
                session, erasure.brand_id, "creator", erasure.creator_id, "erased", actor, now, said
            )
