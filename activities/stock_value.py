"""The value of free pieces: what a variant's stock is worth at cost, kept true by every change of either.

The variant's row is locked first, so that nobody takes a piece while its cost changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from activities.ledger import post
from domain.goods import stock_counted
from domain.roles import Actor
from infra.ids import new_id


class Counted(NamedTuple):
    """Pieces that there are, of which so many are promised, and what one costs in minor units."""

    stock: int
    reserved: int
    cost: int

    @property
    def value(self) -> int:
        """What the free pieces cost."""
        return (self.stock - self.reserved) * self.cost


def count_stock(
    session: Session,
    variant_id: str,
    currency: str,
    before: Counted,
    after: Counted,
    *,
    brand_id: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Post the difference between what the free pieces were worth and what they are worth now."""
    entry = stock_counted(variant_id, currency, after.value - before.value, new_id("entry"))
    if entry is not None:
        post(session, entry, brand_id=brand_id, actor=actor, at=at)
