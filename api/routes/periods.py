"""Months of the books. Reading is for everybody of the brand, closing for finance, reopening for owners."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query

from activities import periods as months
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.months import month_shown, months_shown
from api.problems import answers
from api.schemas.periods import Month, PeriodDetail, Periods, Reopening

router = APIRouter(
    tags=["periods"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)
_LARGEST_PAGE: Final = 200


@router.get("/periods", summary="Months")
def list_periods(
    caller: CallerOf,
    session: SessionOf,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="`next_cursor` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_LARGEST_PAGE, description="Months a page")] = 24,
) -> Periods:
    """Every month from the brand's first entry to the present one, newest first."""
    shown, more = months_shown(session, caller.brand_id, before=cursor, limit=limit)
    return Periods(items=shown, next_cursor=shown[-1].month if more else None)


@router.get("/periods/{month}", summary="One month", responses=answers(404))
def get_period(month: Month, caller: CallerOf, session: SessionOf) -> PeriodDetail:
    """Where the month stands, and everything that is in the way of closing it."""
    return month_shown(session, caller.brand_id, month)


@router.post(
    "/periods/{month}/close",
    summary="Close a month",
    dependencies=REPEATABLE,
    responses=answers(400, 404, 409, 413),
)
def close_period(month: Month, caller: CallerOf, session: SessionOf) -> PeriodDetail:
    """Close the books of a month: from now on no entry is dated in it. Closing it twice is closing it once.

    Refused while the month runs (`period_running`), an earlier one is open (`earlier_period_open`), Stripe's
    rows are not compared up to its end (`not_reconciled`), or differences are open (`differences_open`).
    """
    months.close_period(session, caller.brand_id, month, caller.actor, datetime.now(UTC))
    return month_shown(session, caller.brand_id, month)


@router.post(
    "/periods/{month}/reopen",
    summary="Open a closed month again",
    dependencies=REPEATABLE,
    responses=answers(400, 404, 409, 413),
)
def reopen_period(month: Month, given: Reopening, caller: CallerOf, session: SessionOf) -> PeriodDetail:
    """Open the newest closed month again, with a reason that stays in the record."""
    months.reopen_period(session, caller.brand_id, month, caller.actor, given.reason, datetime.now(UTC))
    return month_shown(session, caller.brand_id, month)
