"""Months of the books as the API and the pages of finance show them. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities import periods as months
from api.schemas.periods import InTheWay, PeriodDetail, PeriodShown
from domain.periods import bounds, in_the_way
from infra.tables import Brand, Period


def months_shown(
    session: Session, brand_id: str, *, before: str | None = None, limit: int = 24
) -> tuple[list[PeriodShown], bool]:
    """Months from the newest back, and whether there are more."""
    found = months.months_of(session, brand_id, datetime.now(UTC))
    found = [month for month in found if before is None or month < before]
    rows = {row.month: row for row in session.scalars(select(Period).where(Period.brand_id == brand_id))}
    zone = session.get_one(Brand, brand_id).zone
    return [_shown(month, rows.get(month), zone) for month in found[:limit]], len(found) > limit


def month_shown(session: Session, brand_id: str, month: str) -> PeriodDetail:
    """One month, and everything that is in the way of closing it. Raises `NotFound` for one without books."""
    now = datetime.now(UTC)
    standing, row = months.standing_of(session, brand_id, month, now)
    closed = row is not None and row.state == "closed"
    reasons = [] if closed else in_the_way(standing, now)
    shown = _shown(month, row, session.get_one(Brand, brand_id).zone)
    return PeriodDetail(
        **shown.model_dump(),
        in_the_way=[InTheWay(code=one.code, detail=one.message) for one in reasons],
        totals=row.totals if row and closed else [],
        digest=row.digest if row and closed else "",
    )


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
