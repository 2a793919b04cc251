"""What belongs to the books beside the ledger itself: costs of parcels.

No names, e-mails or addresses here, and no amount other than whole minor units.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Minor, Table


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
