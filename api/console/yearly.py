"""What each creator got in a year, cash and gifts at fair value, with the legal thresholds. Reads only."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from fastapi.responses import Response

from api.auth import own_brand
from api.console.frame import View, ViewOf
from api.console.naming import creators_named
from api.console.route import console_router
from api.console.tables import ROWS, Listed
from domain.yearly import Warned, warnings
from infra.yearly import YearOf, yearly_totals

router = console_router()
PATH: Final = "/console/yearly-totals"
_YEARS: Final = 8
"""How many years back can be chosen."""


@router.get("/yearly-totals")
def yearly_page(view: ViewOf) -> Response:
    """Everybody who got something in the year; or only who is near a threshold, or over it."""
    brand = own_brand(view.session, view.person)
    this_year = view.now.astimezone(ZoneInfo(brand.zone)).year
    typed = view.asked.get("year", "")
    year = int(typed) if len(typed) == 4 and typed.isdecimal() else this_year
    if not 2000 <= year <= this_year:
        year = this_year
    only_warned = view.asked.get("warned") == "yes"
    found = [
        (one, warned)
        for one in yearly_totals(view.session, brand, year)
        if (warned := warnings(one.country, year, one.cash, one.gifts)) or not only_warned
    ]
    page = _page(view, found, {"year": str(year)} | ({"warned": "yes"} if only_warned else {}))
    return view.page(
        "yearly.html",
        year=year,
        years=[(str(one), str(one)) for one in range(this_year, this_year - _YEARS, -1)],
        warned="yes" if only_warned else "",
        page=page,
        names=creators_named(view, [one.creator_id for one, _ in page.rows]),
        count=len(found),
    )


def _page(
    view: View, found: list[tuple[YearOf, list[Warned]]], kept: dict[str, str]
) -> Listed[tuple[YearOf, list[Warned]]]:
    """The lines after the creator that the address names."""
    after = view.asked.get("after", "")
    rest = [line for line in found if line[0].creator_id > after]
    query = "&".join(f"{name}={value}" for name, value in kept.items())
    shown = rest[:ROWS]
    more = f"{PATH}?{query}&after={shown[-1][0].creator_id}" if len(rest) > ROWS else ""
    return Listed(shown, more, f"{PATH}?{query}" if after else "")
