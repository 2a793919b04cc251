"""Erasures of creators: asked for once, done step by step, certified at the end. No personal data here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Table


class Erasure(Table):
    """One creator's erasure, from the request to its certificate."""

    __tablename__ = "erasures"
    __table_args__ = (Index("ix_erasures_open", "id", postgresql_where="swept_at IS NULL"),)
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    creator_id: Mapped[str] = mapped_column(ForeignKey("creators.id"), unique=True)
    rule: Mapped[str]
    """Why: a code, such as creator_asked or no_longer_needed."""
    forced: Mapped[bool]
    """Whether money or a collaboration that was still open was no obstacle."""
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    asked_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]
    """What was destroyed, by kind."""
    destroyed_at: Mapped[datetime | None]
    """When the key and everything under it went."""
    certificate: Mapped[dict[str, Any] | None]
    certified_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    """When the object store was looked at for the last time: addresses to upload to outlive a request."""
