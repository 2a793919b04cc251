"""Closing a month and opening it again: both under a lock that every posting of the brand shares.

Whoever posts while a month is being closed either comes before it, and is in its totals, or after it, and is
dated in the open month. A month is closed with its totals, so that the check can prove that nothing moved.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from activities.persons import decider
from domain.errors import Invalid, NotFound, Refused
from domain.ledger import actor_text
from domain.periods import Standing, bounds, in_the_way, month_of, months_between
from domain.reconciliation import GRACE, KEEPS_OPEN
from domain.roles import Actor
from infra.audit.append import append_audit, words_digest
from infra.books import digest_of, totals_of, trial_balance
from infra.tables import Brand, Entry, Period, ReconciliationItem, StripeCursor

# The same lock that the trigger on `entries` shares.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('period/' || :brand_id, 0))")
_MOMENT: Final = timedelta(microseconds=1)


def months_of(session: Session, brand_id: str, now: datetime) -> list[str]:
    """Every month from the brand's first entry to the present one, newest first; none without an entry."""
    first = session.scalar(select(func.min(Entry.at)).where(Entry.brand_id == brand_id))
    if first is None:
        return []
    zone = session.get_one(Brand, brand_id).zone
    return months_between(month_of(first, zone), month_of(max(first, now), zone))[::-1]


def standing_of(session: Session, brand_id: str, month: str, now: datetime) -> tuple[Standing, Period | None]:
    """What is known of a month. Raises `NotFound` for one without books, `Invalid` for no month at all."""
    edges = bounds(month, session.get_one(Brand, brand_id).zone)
    months = months_of(session, brand_id, now)
    if month not in months:
        raise NotFound("there are no books of this month")
    closed = {
        row.month: row
        for row in session.scalars(
            select(Period).where(Period.brand_id == brand_id, Period.state == "closed")
        )
    }
    row = session.get(Period, (brand_id, month))
    ends_at = closed[month].ends_at if month in closed else edges.ends_at
    earlier = [one for one in reversed(months) if one < month and one not in closed]
    complete_at = session.scalar(select(func.max(StripeCursor.complete_at)))
    # What came in the last moments may still wait for its other side.
    compared = None if complete_at is None else complete_at - GRACE
    counts = dict.fromkeys((which.value for which in KEEPS_OPEN), 0)
    query = (
        select(ReconciliationItem.list, func.count().label("number"))
        .where(
            ReconciliationItem.brand_id == brand_id,
            ReconciliationItem.state == "open",
            ReconciliationItem.list.in_(counts),
            ReconciliationItem.occurred_at < ends_at,
        )
        .group_by(ReconciliationItem.list)
    )
    counts |= {row.list: row.number for row in session.execute(query)}
    return Standing(month, ends_at, earlier[0] if earlier else "", compared, counts), row


def close_period(session: Session, brand_id: str, month: str, actor: Actor, now: datetime) -> Period:
    """Close a month: from the commit on, no entry is dated in it. Closing a closed month changes nothing.

    A person does it, or a key that a person made. Raises `Forbidden` for anybody else, `Refused` with the
    code of the first thing in the way.
    """
    who = decider(session, brand_id, actor)
    session.execute(_LOCK, {"brand_id": brand_id})
    standing, row = standing_of(session, brand_id, month, now)
    if row is not None and row.state == "closed":
        return row
    reasons = in_the_way(standing, now)
    if reasons:
        raise reasons[0]
    zone = session.get_one(Brand, brand_id).zone
    lines = trial_balance(session, brand_id, at=standing.ends_at - _MOMENT, by="account")
    row = session.merge(
        Period(
            brand_id=brand_id,
            month=month,
            zone=zone,
            starts_at=_starts(session, brand_id, month, zone),
            ends_at=standing.ends_at,
            state="closed",
            totals=totals_of(lines),
            digest=digest_of(lines),
            changed_at=now,
            changed_by=actor_text(actor),
            reason="",
        )
    )
    session.flush()
    told = {"digest": row.digest} | who.told
    append_audit(session, brand_id, "period", month, "period_closed", actor, now, told)
    return row


def _starts(session: Session, brand_id: str, month: str, zone: str) -> datetime:
    """Where the closed month before it ended, also if the brand moved to another zone since."""
    before = select(func.max(Period.ends_at)).where(
        Period.brand_id == brand_id, Period.state == "closed", Period.month < month
    )
    return session.scalar(before) or bounds(month, zone).starts_at


def reopen_period(
    session: Session, brand_id: str, month: str, actor: Actor, reason: str, now: datetime
) -> Period:
    """Open the newest closed month again. By a person, as closing.

    Raises `Forbidden`, and `Refused` when it is not closed, or a later one is.
    """
    if not reason.strip():
        raise Invalid("say why", field="reason")
    who = decider(session, brand_id, actor)
    session.execute(_LOCK, {"brand_id": brand_id})
    _, row = standing_of(session, brand_id, month, now)
    if row is None or row.state != "closed":
        raise Refused(f"{month} is not closed", code="period_not_closed")
    later = session.scalar(
        select(func.max(Period.month)).where(
            Period.brand_id == brand_id, Period.state == "closed", Period.month > month
        )
    )
    if later is not None:
        raise Refused(f"{later} has to be opened first", code="later_period_closed")
    row.state, row.reason = "reopened", reason
    row.changed_at, row.changed_by = now, actor_text(actor)
    session.flush()
    # The words themselves stand in the period's own row.
    told = {"reason": words_digest(month, reason)} | who.told
    append_audit(session, brand_id, "period", month, "period_reopened", actor, now, told)
    return row
