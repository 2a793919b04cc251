"""Yearly totals of creators, cash and gifts at fair value, with the thresholds of their countries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.auth import own_brand
from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.common import Shown
from domain.yearly import Warned, warnings
from infra.yearly import yearly_totals

router = APIRouter(
    tags=["payouts"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


class YearShown(Shown):
    """What one creator got in one year."""

    creator_id: str
    country: str
    cash: dict[str, int] = Field(description="Sent, less what came back; minor units by currency")
    gifts: dict[str, int] = Field(description="Fair value of what arrived; minor units by currency")
    pieces: int = Field(description="Products that arrived")
    warnings: list[Warned]


class YearsShown(Shown):
    """Everybody who got something in this year."""

    year: int
    items: list[YearShown]


@router.get("/yearly-totals", summary="Yearly totals of creators")
def list_yearly_totals(
    caller: CallerOf,
    session: SessionOf,
    year: Annotated[int, Query(ge=2000, le=2999, description="Calendar year in the brand's zone")],
    creator_id: Annotated[
        str | None, Query(pattern=r"^creator_[0-9a-z]{26}$", description="Only this creator")
    ] = None,
    warned: Annotated[bool, Query(description="Only who is near a threshold, or over it")] = False,
) -> YearsShown:
    """Cash as it was sent and gifts at fair value, with warnings at legal thresholds. Not advice."""
    items = [
        YearShown(
            creator_id=one.creator_id,
            country=one.country,
            cash=one.cash,
            gifts=one.gifts,
            pieces=one.pieces,
            warnings=warnings(one.country, year, one.cash, one.gifts),
        )
        for one in yearly_totals(session, own_brand(session, caller), year, creator_id)
    ]
    return YearsShown(year=year, items=[one for one in items if one.warnings or not warned])
