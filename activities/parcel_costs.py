"""Freight and duty of a parcel: told with its tracking, booked once, corrected by an entry that takes back.

The parcel's row must be locked by the caller, so that two uploads of one parcel come one after the other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from activities.ledger import post
from domain.costs import CostSort, parcel_cost_booked, parcel_cost_reversed
from domain.money import Money
from domain.roles import Actor
from infra.tables import Shipment, ShipmentCost


def tell_cost(
    session: Session, parcel: Shipment, sort: CostSort, cost: Money, *, actor: Actor, at: datetime
) -> bool:
    """What this parcel's freight or duty is now; whether that is news. An amount of zero takes it back."""
    row = session.get(ShipmentCost, (parcel.id, sort))
    if row is None and cost.amount == 0:
        return False
    if row is not None:
        told = Money(amount=row.amount, currency=row.currency)
        if told == cost or (told.amount == 0 and cost.amount == 0):
            return False
        if told.amount:
            entry = parcel_cost_reversed(
                sort, parcel.id, parcel.collaboration_id, told, row.revision, "corrected"
            )
            post(session, entry, brand_id=parcel.brand_id, actor=actor, at=at)
    else:
        row = ShipmentCost(shipment_id=parcel.id, sort=sort, revision=0, amount=0, currency=cost.currency)
        session.add(row)
    row.revision, row.amount, row.currency = row.revision + 1, cost.amount, cost.currency
    session.flush()
    if cost.amount:
        entry = parcel_cost_booked(sort, parcel.id, parcel.collaboration_id, cost, row.revision)
        post(session, entry, brand_id=parcel.brand_id, actor=actor, at=at)
    return True
