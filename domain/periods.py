"""Months of the books: where one begins and ends in the brand's zone, and when it may be closed.

Months are closed in order and opened again from the newest backwards, so that what is closed is always the
whole past up to one moment. Pure: the time is an argument.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from domain.errors import Invalid, Refused

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class Bounds(NamedTuple):
    """First moment of a month and of the next one, UTC."""

    starts_at: datetime
    ends_at: datetime


def bounds(month: str, zone: str) -> Bounds:
    """When a month (`2026-11`) begins and ends in a zone. Raises `Invalid` for anything that is no month."""
    found = _MONTH.fullmatch(month)
    if found is None or not 1970 <= int(found[1]) <= 9000:
        raise Invalid("a month is written like 2026-11", field="month")
    return Bounds(_begins(month, zone), _begins(next_month(month), zone))


def month_of(moment: datetime, zone: str) -> str:
    """The month in which an aware moment falls, in a zone."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m")


def next_month(month: str) -> str:
    """The month after this one."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


def months_between(first: str, last: str) -> list[str]:
    """Every month from the first to the last, both included."""
    found, month = [], first
    while month <= last:
        found.append(month)
        month = next_month(month)
    return found


def _begins(month: str, zone: str) -> datetime:
    # Midnight that a change of the clocks skips counts as the moment of the change.
    day = date(int(month[:4]), int(month[5:]), 1)
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


class Standing(NamedTuple):
    """What is known of a month when somebody wants to close it."""

    month: str
    ends_at: datetime
    earlier_open: str
    """The oldest month before it that is not closed; empty when there is none."""
    compared_at: datetime | None
    """Stripe's rows are copied and compared up to this moment."""
    differences: dict[str, int]
    """Open items by list that the month has to be free of."""


CHECKS: Final = ("period_running", "earlier_period_open", "not_reconciled", "differences_open")
"""Codes of everything that can be in the way, in the order in which it is looked at."""


def in_the_way(standing: Standing, now: datetime) -> list[Refused]:
    """Everything that keeps a month from being closed, most fundamental first; empty when nothing does."""
    found: list[Refused] = []
    if now < standing.ends_at:
        found.append(
            Refused(f"{standing.month} runs until {standing.ends_at.isoformat()}", code="period_running")
        )
    if standing.earlier_open:
        found.append(Refused(f"{standing.earlier_open} has to be closed first", code="earlier_period_open"))
    if standing.compared_at is None or standing.compared_at < standing.ends_at:
        found.append(
            Refused(
                f"Stripe's rows are not compared up to the end of {standing.month}", code="not_reconciled"
            )
        )
    if any(standing.differences.values()):
        counts = ", ".join(f"{name}: {count}" for name, count in standing.differences.items() if count)
        found.append(Refused(f"differences are not settled ({counts})", code="differences_open"))
    return found
