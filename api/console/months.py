"""Months of the books: what is in the way of closing one, closing it, and opening the newest again."""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from activities import periods
from api.auth import OWNS, PAYS
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.naming import Actors
from api.console.route import console_router
from api.console.wording import knows, say
from api.differences import overview
from api.months import month_shown, months_shown
from api.schemas.periods import Month, Reopening
from domain.errors import NotFound, Refused
from domain.periods import CHECKS
from domain.reconciliation import KEEPS_OPEN

router = console_router()
PATH: Final = "/console/months"


@router.get("/months")
def months_page(view: ViewOf) -> Response:
    """Every month from the first entry to the present one, newest first."""
    before = view.asked.get("before") or None
    shown, more = months_shown(view.session, view.person.brand_id, before=before)
    return view.page(
        "months.html",
        months=shown,
        following=f"{PATH}?before={shown[-1].month}" if more else "",
        actors=Actors(view.session, view.person.brand_id),
    )


@router.get("/months/{month}")
def month_page(month: Month, view: ViewOf) -> Response:
    """The checklist of one month, or what it was closed with."""
    return _show(view, month)


@router.post("/months/{month}/close")
def close_month_here(month: Month, view: ViewOf) -> Response:
    """Close the books of the month. Closing it twice is closing it once."""
    person = view.person
    try:
        with view.all_or_nothing() as session:
            periods.close_period(session, person.brand_id, month, person.actor, view.now)
    except NotFound:
        raise
    except Refused as refused:
        return _show(view, month, "close", errors_of(refused), status_of(refused))
    return view.go(f"{PATH}/{month}", "month_closed")


@router.post("/months/{month}/reopen")
def reopen_month_here(month: Month, view: ViewOf) -> Response:
    """Open the newest closed month again, with a reason that stays in the record."""
    person = view.person
    try:
        reason = view.read(Reopening).reason
        with view.all_or_nothing() as session:
            periods.reopen_period(session, person.brand_id, month, person.actor, reason, view.now)
    except NotFound:
        raise
    except Refused as refused:
        return _show(view, month, "reopen", errors_of(refused), status_of(refused))
    return view.go(f"{PATH}/{month}", "month_reopened")


def _show(
    view: View, month: str, form: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    person = view.person
    shown = month_shown(view.session, person.brand_id, month)
    found = {one.code: one.detail for one in shown.in_the_way}
    seen = overview(view.session, person.brand_id)
    return view.page(
        "month.html",
        status,
        month=shown,
        checks=[(code, say(f"month.check.{code}"), _hint(code, found.get(code, ""))) for code in CHECKS],
        lists=[(each, seen.open[each]) for each in KEEPS_OPEN],
        compared_at=seen.complete_at,
        actors=Actors(view.session, person.brand_id),
        payers=PAYS,
        owners=OWNS,
        form=form,
        errors=errors or {},
        typed=view.fields if errors else {},
    )


def _hint(code: str, detail: str) -> str:
    """What is in the way, in words; empty when it is not."""
    known = f"month.hint.{code}"
    return say(known) if detail and knows(known) else detail
