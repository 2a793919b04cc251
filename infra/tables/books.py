"""What belongs to the books beside the ledger itself: costs of parcels, months, Stripe's rows, differences.

No names, e-mails or addresses here, and no amount other than whole minor units.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class ShipmentCost(Table):
    """Freight or duty of one parcel, as it counts now."""

    __tablename__ = "shipment_costs"
    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipments.id"), primary_key=True)
    sort: Mapped[str] = mapped_column(primary_key=True)
    """freight or duty."""
    revision: Mapped[int]
    """How often it was told; the key of its entry carries it."""
    amount: Mapped[Minor]
    currency: Mapped[str]


class Period(Table):
    """One month of a brand's books that was closed at least once. A month without a row is open."""

    __tablename__ = "periods"
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    """YYYY-MM, in the brand's zone."""
    zone: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """First moment of the next month."""
    state: Mapped[str]
    """closed, or reopened."""
    totals: Mapped[list[Any]]
    """The trial balance by kind of account at its end, frozen when it was closed."""
    digest: Mapped[str]
    """SHA-256 of the balance of every account at its end, frozen when it was closed."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    """Why it was reopened; empty while it is closed."""


class StripeMovement(Table):
    """One balance transaction of Stripe, as Stripe tells it. Amounts in minor units, out is below zero."""

    __tablename__ = "stripe_movements"
    __table_args__ = (
        Index("ix_stripe_movements_source", "source"),
        Index("ix_stripe_movements_created_at", "created_at", "id"),
        Index("ix_stripe_movements_unmatched", "id", postgresql_where="matched_at IS NULL"),
    )
    id: Mapped[Key]
    type: Mapped[str]
    category: Mapped[str]
    """Stripe's reporting category."""
    amount: Mapped[Minor]
    fee: Mapped[Minor]
    net: Mapped[Minor]
    currency: Mapped[str]
    source: Mapped[str]
    """Id of what moved the money: a transfer, a reversal, a top-up, a payout."""
    transfer_group: Mapped[str] = mapped_column(default="")
    """Of a transfer: what it was made for, which of ours is the payout's id."""
    status: Mapped[str]
    """pending or available."""
    created_at: Mapped[datetime]
    available_on: Mapped[datetime]
    copied_at: Mapped[datetime]
    matched_to: Mapped[str] = mapped_column(default="")
    """What of ours it is: an attempt (payout/number), an entry, or the kind of row that needs none."""
    matched_at: Mapped[datetime | None]


class StripeCursor(Table):
    """How far Stripe's balance transactions are copied; one row."""

    __tablename__ = "stripe_cursors"
    name: Mapped[Key]
    newest_id: Mapped[str] = mapped_column(default="")
    oldest_id: Mapped[str] = mapped_column(default="")
    reached_begin: Mapped[bool] = mapped_column(default=False)
    """Whether everything older than `oldest_id` is copied, too."""
    complete_at: Mapped[datetime | None]
    """Everything that Stripe had at this moment is copied and compared."""
    rows: Mapped[int] = mapped_column(BigInteger, default=0)
    """Rows copied so far."""


class ReconciliationItem(Table):
    """One difference between Stripe's rows and ours, for a person. The program never mends money."""

    __tablename__ = "reconciliation_items"
    __table_args__ = (Index("ix_reconciliation_items_brand_id_state_id", "brand_id", "state", "id"),)
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    list: Mapped[str]
    """`domain.reconciliation.Which`."""
    subject: Mapped[str]
    """What differs: a transfer, a balance transaction, an attempt, a currency."""
    currency: Mapped[str]
    our_amount: Mapped[int | None] = mapped_column(BigInteger)
    their_amount: Mapped[int | None] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    """When the money moved; decides which period the difference keeps open."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="open")
    """open, settled (by a person, with a reason) or cleared (the difference is gone)."""
    owner: Mapped[str] = mapped_column(default="")
    """Who looks after it: a member or key."""
    note: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(default="")


class AccountCode(Table):
    """Under which code a brand's accounting keeps one kind of ledger account."""

    __tablename__ = "account_codes"
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    """Kind of account (`creator:owed`), or the world for one kind of entry (`world/goods_received`)."""
    code: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
