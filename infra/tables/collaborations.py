"""Collaborations: the current state, its append-only history, and everything that hangs on it.

Only `activities/record.py` writes the state, the events and what follows from them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class OfferRow(Table):
    """What one creator is offered: data, the exact text shown, and its SHA-256. Never changed."""

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("collaboration_id", "version"),)
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    terms: Mapped[dict[str, Any]]
    """`domain.offer.Offer`."""
    text: Mapped[str]
    """The terms as shown, plain text, without personal data."""
    sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Collaboration(Table):
    """One creator in one campaign; one workflow."""

    __tablename__ = "collaborations"
    __table_args__ = (
        UniqueConstraint("campaign_id", "creator_id"),
        Index("ix_collaborations_campaign_id_id", "campaign_id", "id"),
        Index("ix_collaborations_campaign_id_stage_id", "campaign_id", "stage", "id"),
        Index("ix_collaborations_brand_id_id", "brand_id", "id"),
        Index("ix_collaborations_creator_id", "creator_id"),
        Index(
            "ix_collaborations_attention",
            "brand_id",
            "attention_since",
            postgresql_where="attention IS NOT NULL",
        ),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    creator_id: Mapped[str] = mapped_column(ForeignKey("creators.id"))
    offer_id: Mapped[str]
    stage: Mapped[str]
    since: Mapped[datetime]
    sequence: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(default="")
    """Hash of the newest event."""
    state: Mapped[dict[str, Any]]
    """`domain.state.State` in JSON."""
    attention: Mapped[str | None]
    attention_owner: Mapped[str | None]
    attention_since: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Event(Table):
    """One line of a collaboration's history, chained to the line before by its hash."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_collaboration_id_request_id", "collaboration_id", "request_id"),)
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str]
    """The id of the request that caused it: the same request is recorded once."""
    name: Mapped[str]
    stage: Mapped[str]
    command: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class Answer(Table):
    """A form that a creator sent, kept exactly as sent, sealed; counts only once a command names it."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_address", "id", postgresql_where="address_purged_at IS NULL"),)
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    creator_id: Mapped[str] = mapped_column(ForeignKey("creators.id"))
    kind: Mapped[str]
    """acceptance, decline, address or report."""
    offer_id: Mapped[str | None]
    offer_sha256: Mapped[str | None]
    variant_id: Mapped[str | None]
    sealed: Mapped[bytes]
    """Name, address, note, IP address and browser: JSON under the creator's own key."""
    country: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    """When a recorded change made it count."""
    address_purged_at: Mapped[datetime | None]
    """When the address in it was taken out, since nobody needs it any more."""


class Link(Table):
    """An e-mailed link: scoped to one collaboration, expires, can be revoked, bound to one browser."""

    __tablename__ = "links"
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    creator_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    browser_digest: Mapped[str | None]
    """SHA-256 of the cookie of the browser that first acted through it."""


class Shipment(Table):
    """One parcel."""

    __tablename__ = "shipments"
    __table_args__ = (
        UniqueConstraint("collaboration_id", "number"),
        Index("ix_shipments_brand_id_state_id", "brand_id", "state", "id"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str]
    campaign_id: Mapped[str]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"))
    creator_id: Mapped[str]
    number: Mapped[int]
    kind: Mapped[str]
    """first, replacement or resent."""
    state: Mapped[str]
    """preparing, address_rejected, shipped, delivered, lost, damaged, returned, disputed, cancelled."""
    variant_id: Mapped[str] = mapped_column(ForeignKey("variants.id"))
    answer_id: Mapped[str | None]
    """The answer whose address this parcel goes to."""
    cost_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What the piece cost when it was set aside, minor units."""
    cost_currency: Mapped[str] = mapped_column(server_default="")
    carrier: Mapped[str] = mapped_column(default="")
    tracking_number: Mapped[str | None] = mapped_column(index=True)
    tracking_url: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class ShipmentEvent(Table):
    """One message of a carrier about a parcel, as it came."""

    __tablename__ = "shipment_events"
    carrier: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    shipment_id: Mapped[str] = mapped_column(index=True)
    code: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]


class Submission(Table):
    """A draft or a live post handed in, for all deliverables of the collaboration together."""

    __tablename__ = "submissions"
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    creator_id: Mapped[str]
    kind: Mapped[str]
    """draft or live."""
    state: Mapped[str] = mapped_column(default="new")
    """new, in_review, changes_requested, approved, live, accepted or rejected."""
    caption: Mapped[str] = mapped_column(default="")
    feedback: Mapped[str] = mapped_column(default="")
    """What the brand wrote when it asked for changes."""
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")


class Asset(Table):
    """A file in the object store that a creator uploaded."""

    __tablename__ = "assets"
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submissions.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    file_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column()
    """Bytes, as announced; checked against the object after the upload."""
    sha256: Mapped[str]
    """Hex, as announced by the browser; checked against the object after the upload."""
    state: Mapped[str] = mapped_column(default="expected")
    """expected, stored or refused."""
    created_at: Mapped[datetime]
    stored_at: Mapped[datetime | None]


class Post(Table):
    """A live post: where it is, and which deliverable it answers."""

    __tablename__ = "posts"
    __table_args__ = (UniqueConstraint("submission_id", "deliverable"),)
    id: Mapped[Key]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    deliverable: Mapped[int]
    """Position in the offer's list of pieces, from 0."""
    platform: Mapped[str]
    format: Mapped[str]
    url: Mapped[str] = mapped_column(index=True)


class DisclosureCheck(Table):
    """One look at a draft or a live post: what was seen, which rules, which verdict. Never changed."""

    __tablename__ = "disclosure_checks"
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    submission_id: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="live")
    """draft (advice), live (what money waits for) or watch (what came later)."""
    number: Mapped[int]
    """From 1, within its kind; within one watch for its looks."""
    outcome: Mapped[str]
    """`domain.commands.CheckOutcome`: the worst over all posts."""
    reason: Mapped[str]
    pack: Mapped[str]
    """Rule pack and version, for example US@2026-11."""
    findings: Mapped[list[Any]]
    """One per post: verdict, reason, rule, matched text and place, what to change."""
    input: Mapped[list[Any]]
    """What was seen, one per post."""
    input_sha256: Mapped[str]
    evidence_key: Mapped[str] = mapped_column(default="")
    """Object key of the stored snapshot."""
    checked_at: Mapped[datetime]


class Notice(Table):
    """One e-mail to a creator: written in the transaction of its cause, delivered from here."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("collaboration_id", "kind", "step"),
        Index("ix_notices_due", "due_at", postgresql_where="state IN ('queued', 'sending')"),
    )
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"))
    brand_id: Mapped[str]
    kind: Mapped[str]
    step: Mapped[int]
    state: Mapped[str] = mapped_column(default="queued")
    """queued, sending, sent, skipped (overtaken or suppressed) or failed."""
    reason: Mapped[str] = mapped_column(default="")
    """Why it was skipped or failed."""
    event_sequence: Mapped[int]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    message_id: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class GateReport(Table):
    """The payment gates of one collaboration as they stood at one moment. Never changed.

    `all_pass` cannot say more than the gates do: the table checks it.
    """

    __tablename__ = "gate_reports"
    __table_args__ = (
        UniqueConstraint(
            "id", "payout_id", "all_pass", "amount", "currency", "destination", name="uq_gate_reports_release"
        ),
        CheckConstraint(
            "NOT all_pass OR (jsonb_array_length(gates) > 0 AND NOT jsonb_path_exists("
            """gates, '$[*] ? (!(@.result == "pass" || @.result == "overridden"))'))""",
            name="all_pass_is_true",
        ),
    )
    id: Mapped[Key]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"), index=True)
    sequence: Mapped[int]
    """The collaboration's sequence number that it was made for."""
    payout_id: Mapped[str]
    """The payment that it is about."""
    gates: Mapped[list[Any]]
    all_pass: Mapped[bool]
    destination: Mapped[str]
    amount: Mapped[Minor]
    currency: Mapped[str]
    at: Mapped[datetime]
