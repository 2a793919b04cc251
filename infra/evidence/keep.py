"""Builds evidence bundles in two steps, each of which can be repeated after a crash.

Collecting puts the content into the object store and its digest into the audit log. Sealing waits until a
root covers that line, and then adds the proof. From then on the bundle is the same bytes for ever. Nothing of
the record is changed here.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from domain import bundle_verifier as verifier
from domain.audit import merkle_path
from domain.bundle_verifier import MANIFEST, PROOF, canonical, pack, readable
from domain.errors import Defect, NotFound
from domain.ids import derived_id
from domain.roles import HANDSEL
from infra.audit.append import append_audit
from infra.audit.roots import Roots, hashes_between
from infra.audit.sequencer import fact_of_line, sequence_brand
from infra.audit.signing import Signer
from infra.evidence.collect import Collected, collect
from infra.evidence.page import render_page
from infra.objects import ObjectStore
from infra.tables import AuditLine, AuditRoot, EvidenceBundle, Payout
from infra.vault import Annex, Vault, key_of

FOLDER: Final = "evidence/payouts"
AT_ONCE: Final = 50
"""Payouts collected in one round."""
BY_ITSELF: Final = timedelta(days=30)
"""How long after its confirmation a payout is looked for; older ones are built on demand."""


class Evidence:
    """Needs the database, the vault, the object store and the key that signs roots."""

    def __init__(
        self, sessions: sessionmaker[Session], vault: Vault, objects: ObjectStore, signer: Signer
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._objects = objects
        self._roots = Roots(sessions, signer)

    # --- by itself ------------------------------------------------------------------------------

    def collect_due(self, now: datetime) -> int:
        """Collect for payouts that were confirmed and have no bundle yet; how many there were."""
        query = (
            select(Payout.id)
            .outerjoin(EvidenceBundle, EvidenceBundle.payout_id == Payout.id)
            .where(Payout.confirmed_at > now - BY_ITSELF, EvidenceBundle.id.is_(None))
            .order_by(Payout.confirmed_at, Payout.id)
            .limit(AT_ONCE)
        )
        with self._sessions() as session:
            due = session.scalars(query).all()
        for payout_id in due:
            self.collect(payout_id, now)
        return len(due)

    def seal_due(self, now: datetime) -> int:
        """Seal what a root covers by now; how many there were."""
        query = (
            select(EvidenceBundle.id)
            .join(AuditLine, AuditLine.fact_id == EvidenceBundle.fact_id)
            .join(
                AuditRoot,
                (AuditRoot.brand_id == AuditLine.brand_id) & (AuditRoot.sequence >= AuditLine.sequence),
            )
            .where(EvidenceBundle.sealed_at.is_(None))
            .distinct()
            .order_by(EvidenceBundle.id)
            .limit(AT_ONCE)
        )
        with self._sessions() as session:
            due = session.scalars(query).all()
        for bundle_id in due:
            self.seal(bundle_id, now)
        return len(due)

    # --- on demand ------------------------------------------------------------------------------

    def build(self, payout_id: str, now: datetime) -> EvidenceBundle:
        """The bundle of a payout as the record stands, sealed now; the same one while nothing changed."""
        collected = self.collect(payout_id, now)
        return collected if collected.sealed_at else self.seal(collected.id, now)

    def month(self, brand_id: str, month: str, now: datetime) -> Iterator[EvidenceBundle]:
        """Bundles of all payouts of the brand that were confirmed in this month (`2026-11`, UTC).

        Each is built when it is missing, and left as it is when it is there. Raises ValueError for no month.
        """
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        query = (
            select(Payout.id)
            .where(Payout.brand_id == brand_id, Payout.confirmed_at >= first, Payout.confirmed_at < after)
            .order_by(Payout.confirmed_at, Payout.id)
        )
        with self._sessions() as session:
            payouts = session.scalars(query).all()
        waiting = [self._latest(payout_id) or self.collect(payout_id, now) for payout_id in payouts]
        if any(bundle.sealed_at is None for bundle in waiting):
            self._roots.make(brand_id, now)
        for bundle in waiting:
            yield bundle if bundle.sealed_at else self.seal(bundle.id, now)

    def content(self, bundle: EvidenceBundle) -> bytes:
        """The sealed bundle's bytes. Raises `Defect` when the store has lost or changed them."""
        stored = self._objects.read(bundle.object_key)
        if stored is None or hashlib.sha256(stored).hexdigest() != bundle.sha256:
            raise Defect(f"{bundle.object_key} is not what was stored", code="evidence_lost")
        return stored

    def personal(self, bundle: bytes, creator_id: str) -> dict[str, Any]:
        """The personal parts of a bundle, for who may see them. Raises `NotFound` (code `erased`)."""
        with self._sessions() as session:
            wrapped = key_of(session, creator_id)
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            annex = self._vault.open(wrapped, archive.read("sealed/personal.bin"), Annex)
        return {name: part.model_dump(mode="json") for name, part in annex.parts.items()}

    # --- the two steps --------------------------------------------------------------------------

    def collect(self, payout_id: str, now: datetime) -> EvidenceBundle:
        """Collect the content and write its digest into the audit log, unless that was done for the same."""
        with self._sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            collected = collect(session, self._vault, payout_id)
        latest = self._latest(payout_id)
        if latest is not None and latest.inputs_sha256 == collected.inputs_sha256:
            return latest
        number = 1 if latest is None else latest.number + 1
        bundle_id = derived_id("bundle", payout_id, number, collected.inputs_sha256)
        files = _files(collected, bundle_id, number, now)
        content_key = f"evidence/content/{bundle_id}.zip"
        self._objects.put(content_key, pack(files), "application/zip")
        self._write(collected, bundle_id, number, now, files, content_key)
        found = self._latest(payout_id)
        if found is None:
            raise Defect(f"the bundle of {payout_id} was not written")
        return found

    def _write(
        self,
        collected: Collected,
        bundle_id: str,
        number: int,
        now: datetime,
        files: dict[str, bytes],
        content_key: str,
    ) -> None:
        manifest = _manifest(collected, bundle_id, number, now, files)
        with self._sessions.begin() as session:
            # Two at once: the second waits here, finds the number taken, and adds nothing.
            session.execute(select(Payout.id).where(Payout.id == collected.payout_id).with_for_update())
            taken = session.scalar(
                select(EvidenceBundle.id).where(
                    EvidenceBundle.payout_id == collected.payout_id, EvidenceBundle.number >= number
                )
            )
            if taken is not None:
                return
            said = {
                "bundle_id": bundle_id,
                "content_sha256": manifest["content_sha256"],
                "events": collected.events,
                "head": collected.head,
            }
            fact_id = append_audit(
                session,
                collected.brand_id,
                "payout",
                collected.payout_id,
                "evidence_collected",
                HANDSEL,
                now,
                said,
            )
            session.execute(
                insert(EvidenceBundle).values(
                    id=bundle_id,
                    brand_id=collected.brand_id,
                    payout_id=collected.payout_id,
                    number=number,
                    fact_id=fact_id,
                    inputs_sha256=collected.inputs_sha256,
                    content_sha256=manifest["content_sha256"],
                    content_key=content_key,
                    collected_at=now,
                )
            )

    def seal(self, bundle_id: str, now: datetime) -> EvidenceBundle:
        """Add the proof up to the first root that covers the bundle's line, and store the whole."""
        with self._sessions() as session:
            bundle = session.get(EvidenceBundle, bundle_id)
        if bundle is None:
            raise NotFound("no such bundle")
        if bundle.sealed_at is not None:
            return bundle
        data = self._sealed_bytes(bundle, now)
        object_key = f"{FOLDER}/{bundle.payout_id}/{bundle.number:04d}.zip"
        stored = self._objects.put_once(object_key, data, "application/zip")
        if not stored and self._objects.read(object_key) != data:
            raise Defect(f"another bundle stands at {object_key}", code="evidence_lost")
        with self._sessions.begin() as session:
            session.execute(
                update(EvidenceBundle)
                .where(EvidenceBundle.id == bundle_id, EvidenceBundle.sealed_at.is_(None))
                .values(
                    sealed_at=now,
                    object_key=object_key,
                    sha256=hashlib.sha256(data).hexdigest(),
                    size=len(data),
                )
            )
        self._objects.delete(bundle.content_key)
        with self._sessions() as session:
            return session.get_one(EvidenceBundle, bundle_id)

    def _sealed_bytes(self, bundle: EvidenceBundle, now: datetime) -> bytes:
        stored = self._objects.read(bundle.content_key)
        if stored is None:
            raise Defect(f"{bundle.content_key} is gone", code="evidence_lost")
        with zipfile.ZipFile(io.BytesIO(stored)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        data = pack(files | {PROOF: readable(self._proof(bundle, now))})
        if problems := verifier.verify(data):
            raise Defect(f"the bundle of {bundle.payout_id} does not verify: {problems[0]}")
        return data

    def _proof(self, bundle: EvidenceBundle, now: datetime) -> dict[str, Any]:
        sequence_brand(self._sessions, bundle.brand_id)
        with self._sessions() as session:
            line = session.scalar(select(AuditLine).where(AuditLine.fact_id == bundle.fact_id))
        if line is None:
            raise Defect(f"the line of {bundle.id} is being written; try again", code="audit_unchained")
        root = self._roots.make_covering(bundle.brand_id, line.sequence, now)
        with self._sessions() as session:
            hashes = hashes_between(session, bundle.brand_id, root.first_sequence, root.sequence)
            content = fact_of_line(session, bundle.brand_id, bundle.fact_id)
        path = merkle_path(hashes, line.sequence - root.first_sequence)
        return {
            "content": content,
            "line": {
                "digest": line.digest,
                "hash": line.hash,
                "previous_hash": line.previous_hash,
                "sequence": line.sequence,
            },
            "path": [step.model_dump() for step in path],
            "root": root.document,
        }

    def _latest(self, payout_id: str) -> EvidenceBundle | None:
        with self._sessions() as session:
            return session.scalar(
                select(EvidenceBundle)
                .where(EvidenceBundle.payout_id == payout_id)
                .order_by(EvidenceBundle.number.desc())
                .limit(1)
            )


def _files(collected: Collected, bundle_id: str, number: int, now: datetime) -> dict[str, bytes]:
    """Every file but the proof."""
    about = {"payout_id": collected.payout_id, "collected_at": now.isoformat(timespec="seconds")}
    files = collected.files() | {
        "index.html": render_page(collected.documents, collected.terms.decode(), about),
        "verify.py": Path(verifier.__file__).read_bytes(),
    }
    return files | {MANIFEST: readable(_manifest(collected, bundle_id, number, now, files))}


def _manifest(
    collected: Collected, bundle_id: str, number: int, now: datetime, files: dict[str, bytes]
) -> dict[str, Any]:
    """What the bundle is, every file's hash, and the hash of all that."""
    listed = {name: verifier.sha256(data) for name, data in files.items() if name not in (MANIFEST, PROOF)}
    sealed = {
        "version": 1,
        "brand_id": collected.brand_id,
        "bundle_id": bundle_id,
        "collaboration_id": collected.collaboration_id,
        "collected_at": now.astimezone(UTC).isoformat(timespec="microseconds"),
        "files": listed,
        "number": number,
        "payout_id": collected.payout_id,
    }
    return sealed | {"content_sha256": verifier.sha256(canonical(sealed))}
