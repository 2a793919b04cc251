"""The audit log: one hash chain per brand over the events of every subject.

Events of collaborations stand in `events`, those of all other subjects in `audit_facts`; both are put into
the queue by trigger in their own transaction. The sequencer (`infra/audit/sequencer.py`) alone moves what is
queued into `audit_lines`. No names, e-mails or addresses here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Table


class AuditFact(Table):
    """An event of a subject that is not a collaboration: a member, key, policy, hold, period, erasure."""

    __tablename__ = "audit_facts"
    __table_args__ = (Index("ix_audit_facts_subject", "brand_id", "subject_kind", "subject_id", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    event: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    """Ids, codes, moments and amounts; personal data only as keyed digests."""
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditQueued(Table):
    """An event that is committed and not yet in its brand's chain: written by trigger."""

    __tablename__ = "audit_queue"
    __table_args__ = (
        CheckConstraint("(fact_id IS NULL) <> (collaboration_id IS NULL)", name="one_source"),
        Index("ix_audit_queue_brand_id_id", "brand_id", "id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    brand_id: Mapped[str]
    collaboration_id: Mapped[str | None]
    event_sequence: Mapped[int | None]
    fact_id: Mapped[int | None] = mapped_column(BigInteger)


class AuditLine(Table):
    """One link of a brand's chain. Its content is the event or the fact that it names."""

    __tablename__ = "audit_lines"
    __table_args__ = (
        CheckConstraint("(fact_id IS NULL) <> (collaboration_id IS NULL)", name="one_source"),
        UniqueConstraint("collaboration_id", "event_sequence"),
    )
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    collaboration_id: Mapped[str | None]
    event_sequence: Mapped[int | None]
    fact_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    digest: Mapped[str]
    """SHA-256 of the canonical JSON of the line's content."""
    previous_hash: Mapped[str]
    hash: Mapped[str]


class AuditHead(Table):
    """Where a brand's chain ends; the sequencer's lock."""

    __tablename__ = "audit_heads"
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    hash: Mapped[str] = mapped_column(default="")


class AuditRoot(Table):
    """A signed head of a brand's chain, stored outside too; `document` is exactly what was signed."""

    __tablename__ = "audit_roots"
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    first_sequence: Mapped[int] = mapped_column(BigInteger)
    """First line that this root covers and the root before it does not."""
    hash: Mapped[str]
    document: Mapped[dict[str, Any]]
    """`domain.audit.Root` with its signature."""
    object_key: Mapped[str]
    made_at: Mapped[datetime]


class AuditCopy(Table):
    """Whether a root has reached the object store (and the mailbox that wants it)."""

    __tablename__ = "audit_copies"
    root_id: Mapped[Key]
    stored_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]


class EvidenceBundle(Table):
    """One evidence bundle of a payout: first collected, then sealed once a root covers its line."""

    __tablename__ = "evidence_bundles"
    __table_args__ = (
        UniqueConstraint("payout_id", "number"),
        Index("ix_evidence_bundles_open", "brand_id", "id", postgresql_where="sealed_at IS NULL"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"))
    number: Mapped[int]
    """From 1; a later one was collected after something had changed."""
    fact_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    """The line of the audit log that names the content."""
    inputs_sha256: Mapped[str]
    """Of what was collected, without the moment: the same again is not collected again."""
    content_sha256: Mapped[str]
    content_key: Mapped[str]
    object_key: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(default=0)
    """Bytes of the whole bundle."""
    collected_at: Mapped[datetime]
    sealed_at: Mapped[datetime | None]
