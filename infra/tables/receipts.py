"""What transfers were when they arrived, as Stripe says: recorded, never computed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class TransferReceipt(Table):
    """One transfer in the creator's account at Stripe. Never changed."""

    __tablename__ = "transfer_receipts"
    __table_args__ = (Index("ix_transfer_receipts_payout_id", "payout_id"),)
    transfer_id: Mapped[Key]
    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"))
    account: Mapped[str]
    payment_id: Mapped[str]
    row_id: Mapped[str] = mapped_column(unique=True)
    """The balance transaction of the payment in that account."""
    amount: Mapped[Minor]
    currency: Mapped[str]
    """What it arrived in; the transfer's own where nothing was converted."""
    fee: Mapped[Minor]
    exchange_rate: Mapped[str]
    """As Stripe wrote it, decimal; empty when nothing was converted."""
    at: Mapped[datetime]
    """When it arrived."""
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
