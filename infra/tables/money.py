"""The ledger, payouts and their attempts.

`entries` and `movements` are append-only. A movement takes from one account and gives to another, so the
sum over all accounts is zero by construction. `accounts.balance` is kept under the row lock that every
posting takes, and `infra.ledger_check` proves it against the movements. No names, e-mails or addresses here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class Account(Table):
    """One ledger account. Names are built in `domain/ledger.py`."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("may_go_negative OR balance >= 0", name="covered"),)
    name: Mapped[Key]
    currency: Mapped[str]
    may_go_negative: Mapped[bool] = mapped_column(default=False)
    balance: Mapped[Minor] = mapped_column(default=0)


class Entry(Table):
    """One posting: a business key that counts once, and a hash of its content."""

    __tablename__ = "entries"
    __table_args__ = (Index("ix_entries_brand_id_at", "brand_id", "at", "number"),)
    id: Mapped[Key]
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    """Order of posting; entries of one moment are read in it."""
    key: Mapped[str] = mapped_column(unique=True)
    input_hash: Mapped[str]
    kind: Mapped[str]
    brand_id: Mapped[str]
    collaboration_id: Mapped[str | None] = mapped_column(index=True)
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id"), unique=True)
    reason: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    at: Mapped[datetime]


class Movement(Table):
    """One line of an entry: source gives, destination takes, amount above zero."""

    __tablename__ = "movements"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("source <> destination", name="moves"),
        Index("ix_movements_source", "source"),
        Index("ix_movements_destination", "destination"),
    )
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(ForeignKey("accounts.name"))
    destination: Mapped[str] = mapped_column(ForeignKey("accounts.name"))
    currency: Mapped[str]
    amount: Mapped[Minor]


class Payout(Table):
    """The promise to pay one creator for one collaboration."""

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("collaboration_id", "part"),
        Index("ix_payouts_brand_id_state_id", "brand_id", "state", "id"),
        Index("ix_payouts_brand_id_created_at_id", "brand_id", "created_at", "id"),
        Index("ix_payouts_brand_id_state_created_at_id", "brand_id", "state", "created_at", "id"),
        Index("ix_payouts_sums", "brand_id", "state", "currency", postgresql_include=["amount"]),
        Index("ix_payouts_creator_id", "creator_id"),
        Index("ix_payouts_confirmed_at", "confirmed_at"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str]
    collaboration_id: Mapped[str] = mapped_column(ForeignKey("collaborations.id"))
    part: Mapped[int] = mapped_column(default=1)
    """Which part of the collaboration's payments, from 1; most fees have one."""
    kind: Mapped[str] = mapped_column(default="fee")
    """fee, tail, late_fee or again (`domain.parts.PartKind`)."""
    of_part: Mapped[int | None]
    """The part that was late, or that came back."""
    creator_id: Mapped[str]
    amount: Mapped[Minor]
    currency: Mapped[str]
    state: Mapped[str]
    """ready, waiting (a finding on the post took the fee back), sending, unknown, sent, confirmed."""
    pay_by: Mapped[datetime]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class PayoutAttempt(Table):
    """One try at Stripe. Amount, currency and destination are frozen when it is opened.

    The foreign key to its report holds payout, amount, currency and destination together with `released`,
    which can only be true: no attempt can stand on a report in which a gate was in the way.
    """

    __tablename__ = "payout_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["report_id", "payout_id", "released", "amount", "currency", "destination"],
            [
                "gate_reports.id",
                "gate_reports.payout_id",
                "gate_reports.all_pass",
                "gate_reports.amount",
                "gate_reports.currency",
                "gate_reports.destination",
            ],
            name="released_by_report",
        ),
        Index("ix_payout_attempts_not_in_balance", "currency", "finished_at", "opened_at"),
    )
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    """open, unknown, sent, refused."""
    amount: Mapped[Minor]
    currency: Mapped[str]
    destination: Mapped[str]
    report_id: Mapped[str]
    """The all-pass gate report that released it."""
    released: Mapped[bool] = mapped_column(Computed("true", persisted=True))
    gates: Mapped[list[Any]]
    """The gates as they stood, frozen."""
    stripe_transfer_id: Mapped[str | None] = mapped_column(unique=True)
    failure_code: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
