"""Months of the books. Reading is for everybody of the brand, closing for finance, reopening for owners."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from activities import periods as months
from api.auth import Caller, own_brand
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.periods import InTheWay, Month, PeriodDetail, Periods, PeriodShown, Reopening
from domain.periods import bounds, in_the_way
from infra.tables import Period

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
    found = months.months_of(session, caller.brand_id, datetime.now(UTC))
    found = [month for month in found if cursor is None or month < cursor]
    rows = {
        row.month: row for row in session.scalars(select(Period).where(Period.brand_id == caller.brand_id))
    }
    zone = own_brand(session, caller).zone
    shown = [_shown(month, rows.get(month), zone) for month in found[:limit]]
    return Periods(items=shown, next_cursor=shown[-1].month if len(found) > limit else None)


@router.get("/periods/{month}", summary="One month", responses=answers(404))
def get_period(month: Month, caller: CallerOf, session: SessionOf) -> PeriodDetail:
    """Where the month stands, and everything that is in the way of closing it."""
    return _detail(session, caller, month)


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
    return _detail(session, caller, month)


@router.post(
    "/periods/{month}/reopen",
    summary="Open a closed month again",
    dependencies=REPEATABLE,
    responses=answers(400, 404, 409, 413),
)
def reopen_period(month: Month, given: Reopening, caller: CallerOf, session: SessionOf) -> PeriodDetail:
    """Open the newest closed month again, with a reason that stays in the record."""
    months.reopen_period(session, caller.brand_id, month, caller.actor, given.reason, datetime.now(UTC))
    return _detail(session, caller, month)


def _shown(month: str, row: Period | None, zone: str) -> PeriodShown:
    closed = row is not None and row.state == "closed"
    edges = bounds(month, zone)
    return PeriodShown(
        month=month,
        state=row.state if row else "open",
        starts_at=row.starts_at if row and closed else edges.starts_at,
        ends_at=row.ends_at if row and closed else edges.ends_at,
        changed_at=row.changed_at if row else None,
        changed_by=row.changed_by if row else "",
        reason=row.reason if row else "",
    )


def _detail(session: Session, caller: Caller, month: str) -> PeriodDetail:
    now = datetime.now(UTC)
    standing, row = months.standing_of(session, caller.brand_id, month, now)
    closed = row is not None and row.state == "closed"
    reasons = [] if closed else in_the_way(standing, now)
    shown = _shown(month, row, own_brand(session, caller).zone)
    return PeriodDetail(
        **shown.model_dump(),
        in_the_way=[InTheWay(code=one.code, detail=one.message) for one in reasons],
        totals=row.totals if row and closed else [],
        digest=row.digest if row and closed else "",
    )
