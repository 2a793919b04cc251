"""Goods at cost: where the value of a piece stands while its parcel travels.

The value follows the state of the parcel and nothing else, at the unit cost of the moment at which the piece
was set aside. What a piece is worth to a creator (fair retail value) stands in the offer, never here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from domain.ledger import (
    Deal,
    EntryKind,
    Line,
    NewEntry,
    collaboration_goods,
    collaboration_lost,
    creator_gifts,
    shipment_under_way,
    variant_stock,
    world,
)
from domain.money import Money


class Place(StrEnum):
    """Where the value of one piece stands."""

    STOCK = "stock"
    RESERVED = "reserved"
    UNDER_WAY = "under_way"
    GIVEN = "given"
    LOST = "lost"


PLACE_OF: Final[dict[str, Place]] = {
    "preparing": Place.RESERVED,
    "address_rejected": Place.RESERVED,
    "returned": Place.RESERVED,
    "shipped": Place.UNDER_WAY,
    "disputed": Place.UNDER_WAY,
    "delivered": Place.GIVEN,
    "lost": Place.LOST,
    "damaged": Place.LOST,
    "cancelled": Place.STOCK,
}
"""State of a parcel to the place of its value."""

_KIND: Final[dict[Place, EntryKind]] = {
    Place.STOCK: "goods_released",
    Place.RESERVED: "goods_returned",
    Place.UNDER_WAY: "goods_sent",
    Place.GIVEN: "goods_given",
    Place.LOST: "goods_lost",
}


class Parcel(NamedTuple):
    """Whose piece it is, which, and at what cost it was set aside."""

    id: str
    variant_id: str
    deal: Deal
    cost: Money

    def account(self, place: Place) -> str:
        """The account of a place, for this parcel."""
        currency = self.cost.currency
        return {
            Place.STOCK: variant_stock(self.variant_id, currency),
            Place.RESERVED: collaboration_goods(self.deal.collaboration_id, currency),
            Place.UNDER_WAY: shipment_under_way(self.id, currency),
            Place.GIVEN: creator_gifts(self.deal.creator_id, currency),
            Place.LOST: collaboration_lost(self.deal.collaboration_id, currency),
        }[place]


def goods_reserved(parcel: Parcel) -> NewEntry | None:
    """stock -> reserved, when a piece is set aside; None for a piece that costs nothing."""
    if parcel.cost.amount == 0:
        return None
    return NewEntry(
        key=f"goods/{parcel.id}/0",
        kind="goods_reserved",
        collaboration_id=parcel.deal.collaboration_id,
        lines=(_line(parcel.account(Place.STOCK), parcel.account(Place.RESERVED), parcel.cost),),
    )


def goods_moved(parcel: Parcel, before: str, after: str, step: int, *, cost_now: int) -> NewEntry | None:
    """The value goes where the parcel's new state says; None when nothing of worth moves.

    `step` tells one move of a parcel from another (the sequence number of the change). A piece that comes
    back into stock counts there at what a piece costs now (`cost_now`, minor units); the difference goes to,
    or comes from, outside.
    """
    source, destination = PLACE_OF[before], PLACE_OF[after]
    if source is destination:
        return None
    lines = []
    if parcel.cost.amount:
        lines.append(_line(parcel.account(source), parcel.account(destination), parcel.cost))
    if destination is Place.STOCK:
        lines += _revalued(parcel, cost_now)
    if not lines:
        return None
    return NewEntry(
        key=f"goods/{parcel.id}/{step}/{after}",
        kind=_KIND[destination],
        collaboration_id=parcel.deal.collaboration_id,
        lines=tuple(lines),
        reason=after,
    )


def _revalued(parcel: Parcel, cost_now: int) -> list[Line]:
    stock, outside = parcel.account(Place.STOCK), world(parcel.cost.currency)
    difference = cost_now - parcel.cost.amount
    if difference == 0:
        return []
    money = Money(amount=abs(difference), currency=parcel.cost.currency)
    return [_line(outside, stock, money) if difference > 0 else _line(stock, outside, money)]


def stock_counted(variant_id: str, currency: str, change: int, token: str) -> NewEntry | None:
    """world -> stock for more pieces or a higher cost, the other way for less; None for no change.

    `change` is in minor units, below zero for less. `token` names the change that caused it.
    """
    if change == 0:
        return None
    money = Money(amount=abs(change), currency=currency)
    stock, outside = variant_stock(variant_id, currency), world(currency)
    more = change > 0
    return NewEntry(
        key=f"stock/{variant_id}/{token}",
        kind="goods_received" if more else "goods_written_down",
        lines=(_line(outside, stock, money) if more else _line(stock, outside, money),),
    )


def _line(source: str, destination: str, money: Money) -> Line:
    return Line(source=source, destination=destination, amount=money.amount, currency=money.currency)
