"""Yearly totals of a brand's creators, from ledger and parcels: cash as it was sent, gifts at fair value.

A year begins and ends in the brand's zone. What came back is taken off in the year in which it came back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.clocks import zone
from infra.tables import Brand

_CASH: Final = text(r"""
    SELECT split_part(line.name, ':', 2) AS creator_id, line.currency, sum(line.amount) AS amount
    FROM (
        SELECT m.destination AS name, m.currency, m.amount, m.entry_id FROM movements m
        WHERE m.destination LIKE 'creator:%\:paid%'
        UNION ALL
        SELECT m.source, m.currency, -m.amount, m.entry_id FROM movements m
        WHERE m.source LIKE 'creator:%\:paid%'
    ) line
    JOIN entries e ON e.id = line.entry_id
    WHERE e.brand_id = :brand_id AND e.at >= :since AND e.at < :until
        AND (CAST(:creator_id AS text) IS NULL OR split_part(line.name, ':', 2) = :creator_id)
    GROUP BY 1, 2
""")
_GIFTS: Final = text("""
    SELECT s.creator_id, b.currency, sum(v.retail_amount) AS amount, count(*) AS pieces
    FROM shipments s JOIN variants v ON v.id = s.variant_id JOIN brands b ON b.id = s.brand_id
    WHERE s.brand_id = :brand_id AND s.delivered_at >= :since AND s.delivered_at < :until
        AND s.state = 'delivered'
        AND (CAST(:creator_id AS text) IS NULL OR s.creator_id = :creator_id)
    GROUP BY 1, 2
""")
_COUNTRIES: Final = text("SELECT id, country FROM creators WHERE brand_id = :brand_id AND id = ANY(:ids)")


class YearOf(NamedTuple):
    """One creator's year, minor units by currency."""

    creator_id: str
    country: str
    cash: dict[str, int]
    gifts: dict[str, int]
    pieces: int


def yearly_totals(session: Session, brand: Brand, year: int, creator_id: str | None = None) -> list[YearOf]:
    """Everybody who got something in this year, by id; or one of them."""
    begin = datetime(year, 1, 1, tzinfo=zone(brand.zone)).astimezone(UTC)
    end = datetime(year + 1, 1, 1, tzinfo=zone(brand.zone)).astimezone(UTC)
    wanted: dict[str, Any] = {
        "brand_id": brand.id,
        "since": begin,
        "until": end,
        "creator_id": creator_id,
    }
    cash: dict[str, dict[str, int]] = {}
    gifts: dict[str, dict[str, int]] = {}
    pieces: dict[str, int] = {}
    for row in session.execute(_CASH, wanted):
        cash.setdefault(row.creator_id, {})[row.currency] = int(row.amount)
    for row in session.execute(_GIFTS, wanted):
        gifts.setdefault(row.creator_id, {})[row.currency] = int(row.amount)
        pieces[row.creator_id] = int(row.pieces)
    ids = sorted({*cash, *gifts})
    countries = {
        row.id: row.country for row in session.execute(_COUNTRIES, {"brand_id": brand.id, "ids": ids})
    }
    return [
        YearOf(one, countries.get(one, ""), cash.get(one, {}), gifts.get(one, {}), pieces.get(one, 0))
        for one in ids
    ]
