"""What comes in from outside before it is worked, answers kept for repeats, and the pace of our own calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Table


class Inbox(Table):
    """One verified message of Stripe or a carrier: stored once by its id, answered at once, worked later."""

    __tablename__ = "inbox"
    __table_args__ = (Index("ix_inbox_due", "due_at", postgresql_where="handled_at IS NULL"),)
    source: Mapped[str] = mapped_column(primary_key=True)
    """stripe, stripe_connect, stripe_thin, or carrier."""
    external_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[dict[str, Any]]
    """Only the ids and codes that its handler needs; never a person's data."""
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0)
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")
    """What came of it: done, ignored, or the last error, bounded."""


class IdempotentCall(Table):
    """The answer to an API call that carried an Idempotency-Key, for the same call sent again."""

    __tablename__ = "idempotent_calls"
    api_key_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StripePace(Table):
    """When the next call to Stripe may begin, for all workers together (`infra/stripe_pace.py`)."""

    __tablename__ = "stripe_pace"
    name: Mapped[Key]
    next_at: Mapped[datetime]
