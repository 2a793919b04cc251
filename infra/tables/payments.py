"""What people decide about payments: rules of approval, approvals, holds, overrides, and their words.

Rows of decisions are never changed, save that a hold gets its release. Only `activities/record.py` writes
decisions of a collaboration, in the transaction of its change; rules and remarks are written by the front.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class ApprovalRuleSet(Table):
    """A brand's rules of approval from one moment on; the newest version counts. Never changed."""

    __tablename__ = "approval_rules"
    __table_args__ = (UniqueConstraint("brand_id", "version"),)
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    version: Mapped[int]
    rules: Mapped[dict[str, Any]]
    """`domain.approvals.ApprovalRules`."""
    made_by: Mapped[str]
    """Actor in one word, as in the ledger."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Remark(Table):
    """A person's own words to a decision about money; the command carries only its id. Never changed."""

    __tablename__ = "remarks"
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    collaboration_id: Mapped[str | None] = mapped_column(ForeignKey("collaborations.id"), index=True)
    actor: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class TermsAuthor(Table):
    """Who set the terms of a campaign or the amount of one offer: not who may approve it. Never changed."""

    __tablename__ = "terms_authors"
    __table_args__ = (Index("ix_terms_authors_campaign_id", "campaign_id"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    collaboration_id: Mapped[str | None] = mapped_column(ForeignKey("collaborations.id"))
    """Set where only this creator's amount was set."""
    what: Mapped[str]
    """terms or amount."""
    actor_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class PayoutDecision(Table):
    """One person's approval or refusal of one payment, at one round. Never changed."""

    __tablename__ = "payout_decisions"
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    """Approvals of an earlier round count no more."""
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), primary_key=True)
    decision: Mapped[str]
    """approved or refused."""
    role: Mapped[str]
    """The person's role at that moment."""
    amount: Mapped[Minor]
    currency: Mapped[str]
    destination: Mapped[str]
    """The account that the approval is for: another one needs another approval."""
    rules_version: Mapped[int]
    """The version of the brand's rules; 0 when it had none."""
    reason: Mapped[str] = mapped_column(default="")
    remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))
    sequence: Mapped[int]
    """The event."""
    at: Mapped[datetime]


class PayoutHold(Table):
    """A stop of all payment for one collaboration, with its owner, until its release."""

    __tablename__ = "payout_holds"
    __table_args__ = (
        UniqueConstraint("collaboration_id", "number"),
        Index(
            "uq_payout_holds_open",
            "collaboration_id",
            unique=True,
            postgresql_where="released_at IS NULL",
        ),
        Index("ix_payout_holds_brand_id_held_at", "brand_id", "held_at"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"))
    number: Mapped[int]
    reason: Mapped[str]
    remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    """The member who looks after it; empty for all of finance."""
    held_by: Mapped[str]
    held_at: Mapped[datetime]
    released_by: Mapped[str] = mapped_column(default="")
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str] = mapped_column(default="")
    release_remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))


class GateOverride(Table):
    """One person answers for one gate of one payment. Never changed."""

    __tablename__ = "gate_overrides"
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    gate: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    reason: Mapped[str]
    remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]


class PaymentDocument(Table):
    """A file that proves a payment outside of Stripe, in the object store. Never changed."""

    __tablename__ = "payment_documents"
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), index=True)
    object_key: Mapped[str]
    file_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    uploaded_by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class OffPlatformPayment(Table):
    """What one person reported as paid outside of Stripe, and what another decided about it."""

    __tablename__ = "off_platform_payments"
    document_id: Mapped[str] = mapped_column(ForeignKey("payment_documents.id"), primary_key=True)
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), index=True)
    method: Mapped[str]
    state: Mapped[str]
    """asked, approved or refused."""
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(default="")
    decision_remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))


class Clawback(Table):
    """Money asked back of one payment: who asked, who decided, what Stripe answered."""

    __tablename__ = "clawbacks"
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[Minor]
    currency: Mapped[str]
    transfer_id: Mapped[str]
    state: Mapped[str]
    """asked, refused (by a person), approved (with Stripe), unknown, done or failed (refused by Stripe)."""
    reason: Mapped[str]
    remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(default="")
    decision_remark_id: Mapped[str | None] = mapped_column(ForeignKey("remarks.id"))
    reversal_id: Mapped[str | None] = mapped_column(unique=True)
    failure_code: Mapped[str] = mapped_column(default="")
    finished_at: Mapped[datetime | None]
