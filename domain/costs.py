"""Costs beside fees and goods: freight and duty of a parcel, and what Stripe charges.

A cost that was booked wrongly is taken back by an entry of its own and booked anew; an entry is never edited.
"""

from __future__ import annotations

from typing import Final, Literal

from domain.ledger import (
    EntryKind,
    Line,
    NewEntry,
    brand_stripe_fees,
    shipment_cost,
    world,
)
from domain.money import Money

CostSort = Literal["freight", "duty"]
_KINDS: Final[dict[CostSort, EntryKind]] = {"freight": "freight_booked", "duty": "duty_booked"}


def parcel_cost_booked(
    sort: CostSort, shipment_id: str, collaboration_id: str, cost: Money, revision: int
) -> NewEntry:
    """world -> the parcel's freight or duty; `revision` counts the corrections of this cost."""
    destination = shipment_cost(shipment_id, sort, cost.currency)
    return NewEntry(
        key=f"{sort}/{shipment_id}/{revision}",
        kind=_KINDS[sort],
        collaboration_id=collaboration_id,
        lines=(_line(world(cost.currency), destination, cost),),
    )


def parcel_cost_reversed(
    sort: CostSort, shipment_id: str, collaboration_id: str, cost: Money, revision: int, reason: str
) -> NewEntry:
    """The parcel's freight or duty -> world: takes back what was booked under this revision."""
    source = shipment_cost(shipment_id, sort, cost.currency)
    return NewEntry(
        key=f"{sort}_reversed/{shipment_id}/{revision}",
        kind="cost_reversed",
        collaboration_id=collaboration_id,
        lines=(_line(source, world(cost.currency), cost),),
        reverses=f"{sort}/{shipment_id}/{revision}",
        reason=reason,
    )


def stripe_fee_booked(
    brand_id: str, transaction_id: str, fee: Money, collaboration_id: str | None
) -> NewEntry:
    """world -> the brand's Stripe fees: the fee of one balance transaction, under its id."""
    return NewEntry(
        key=f"stripe_fee/{transaction_id}",
        kind="stripe_fee_booked",
        collaboration_id=collaboration_id,
        lines=(_line(world(fee.currency), brand_stripe_fees(brand_id, fee.currency), fee),),
        reason=transaction_id,
    )


def _line(source: str, destination: str, money: Money) -> Line:
    return Line(source=source, destination=destination, amount=money.amount, currency=money.currency)
