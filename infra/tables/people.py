"""Brands, their members and API keys, and creators with what is known of them.

A creator's personal data (name, e-mail, phone, addresses) is stored only as a sealed document under a key
of that creator (`infra/vault.py`); the e-mail can be found by its keyed digest.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Table


class Brand(Table):
    """The tenant."""

    __tablename__ = "brands"
    id: Mapped[Key]
    name: Mapped[str]
    sender_name: Mapped[str]
    """Who the e-mails are from."""
    sender_email: Mapped[str]
    currency: Mapped[str]
    postal_address: Mapped[str] = mapped_column(default="")
    """Printed at the foot of e-mails, as anti-spam law asks."""
    zone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    """IANA time zone in which the brand's months begin and end."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Member(Table):
    """A person of the brand, with a role."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("brand_id", "email"),
        Index("ix_members_email", text("lower(email)")),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    name: Mapped[str]
    email: Mapped[str]
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    removed_at: Mapped[datetime | None]


class ApiKey(Table):
    """A key of the API: shown once, stored as a SHA-256, bound to one brand and one role."""

    __tablename__ = "api_keys"
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    made_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"), index=True)
    """The member who made it, also by way of another key of theirs; empty for keys from the shell."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Creator(Table):
    """A person or company with social accounts, a country and a language."""

    __tablename__ = "creators"
    __table_args__ = (
        UniqueConstraint("brand_id", "email_digest"),
        Index("ix_creators_brand_id_id", "brand_id", "id"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    sealed: Mapped[bytes]
    """Name, e-mail, phone: JSON under the creator's own key (`vault.Profile`)."""
    email_digest: Mapped[str]
    country: Mapped[str]
    """ISO 3166-1 alpha-2."""
    language: Mapped[str]
    """BCP 47, for example de-AT."""
    zone: Mapped[str]
    """IANA time zone."""
    tier: Mapped[str]
    niches: Mapped[list[str]] = mapped_column(server_default="[]")
    do_not_contact: Mapped[str] = mapped_column(default="")
    """Why the creator must not be contacted; empty when they may."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CreatorKey(Table):
    """The creator's own data key, wrapped by the vault key; destroying it erases the person."""

    __tablename__ = "creator_keys"
    creator_id: Mapped[str] = mapped_column(ForeignKey("creators.id"), primary_key=True)
    wrapped: Mapped[bytes]


class SocialAccount(Table):
    """A handle on a platform."""

    __tablename__ = "social_accounts"
    __table_args__ = (UniqueConstraint("creator_id", "platform"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    creator_id: Mapped[str] = mapped_column(ForeignKey("creators.id"))
    platform: Mapped[str]
    handle: Mapped[str]
    followers: Mapped[int]
    engagement_basis_points: Mapped[int | None]
    """Engagement rate by followers, in hundredths of a percent."""


class Payee(Table):
    """Where a creator's money goes at Stripe, and whether Stripe would take it now."""

    __tablename__ = "payees"
    creator_id: Mapped[str] = mapped_column(ForeignKey("creators.id"), primary_key=True)
    stripe_account_id: Mapped[str] = mapped_column(unique=True)
    can_receive: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(default="")
    requirements: Mapped[list[str]] = mapped_column(server_default="[]")
    ready_at: Mapped[datetime | None]
    """When it could receive money for the first time."""
    replaced_at: Mapped[datetime | None]
    """When the account, or the bank behind it, was changed after it could receive: payments rest a while."""
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Suppression(Table):
    """An address that must not be written to: unsubscribed, bounced or complained."""

    __tablename__ = "suppressions"
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    email_digest: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    """unsubscribed, bounced or complained."""
    at: Mapped[datetime] = mapped_column(server_default=func.now())
