"""Payout runs: which payments go together, what they need, and the paying balance as it was last seen.

Written by `activities/payout_line.py` alone, under the lock of the balance's row. The figures of a run are
counted anew from its items at each change, so that a retry, or a second worker, cannot count anything twice.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class PayingBalance(Table):
    """What could be spent at Stripe in one currency when it was last seen. All brands pay from it."""

    __tablename__ = "paying_balances"
    currency: Mapped[Key]
    """ISO 4217, capitals."""
    available: Mapped[int | None] = mapped_column(BigInteger)
    """Minor units; empty when nobody has looked, or when what was seen turned out to be wrong."""
    seen_at: Mapped[datetime | None]
    """The moment before Stripe was asked."""


class PayoutRunRow(Table):
    """One run of one brand in one currency: from its first payment until none of its payments waits."""

    __tablename__ = "payout_runs"
    __table_args__ = (
        CheckConstraint("(state = 'finished') = (ended_at IS NOT NULL)", name="ends_once"),
        Index(
            "uq_payout_runs_open",
            "brand_id",
            "currency",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_payout_runs_brand_id_id", "brand_id", "id"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    currency: Mapped[str]
    state: Mapped[str]
    """open, parked (the balance does not cover all of it) or finished."""
    opened_at: Mapped[datetime]
    due_count: Mapped[int] = mapped_column(default=0)
    """Payments that belong to it; one that leaves it (held, taken back, refused for good) counts no more."""
    due_total: Mapped[Minor] = mapped_column(default=0)
    paid_count: Mapped[int] = mapped_column(default=0)
    paid_total: Mapped[Minor] = mapped_column(default=0)
    parked_count: Mapped[int] = mapped_column(default=0)
    """Payments that the balance does not cover."""
    shortage: Mapped[Minor] = mapped_column(default=0)
    """What the balance lacks for all of them together."""
    balance_seen: Mapped[int | None] = mapped_column(BigInteger)
    """The balance by which it was judged last."""
    balance_seen_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    """When the people of finance were told of this shortage; empty while nothing is short."""
    ended_at: Mapped[datetime | None]


class PayoutRunItem(Table):
    """One payment in the line: nothing but money, or the hour of the run, is in its way."""

    __tablename__ = "payout_run_items"
    __table_args__ = (
        Index(
            "uq_payout_run_items_waiting",
            "payout_id",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_payout_run_items_line", "currency", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_payout_run_items_run_id", "run_id", "pay_by"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"))
    brand_id: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Minor]
    pay_by: Mapped[datetime]
    due_at: Mapped[datetime]
    """From when on it may go: at once, or with the run of the day."""
    run_id: Mapped[str | None] = mapped_column(ForeignKey("payout_runs.id"))
    """Empty until its hour has come."""
    granted_at: Mapped[datetime | None]
    """When every gate passed, and the money was promised to it."""
    state: Mapped[str]
    """waiting, paid or left."""
    ended_at: Mapped[datetime | None]
