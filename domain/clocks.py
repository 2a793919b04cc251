"""Clocks: how long something may take, and when that is over in the creator's own day.

A span of days is a calendar span: it ends with the last second of a local day, whatever the clocks do
in between (so a night of 23 or 25 hours moves nothing). A span of hours, minutes or seconds is exact.
Spans are data of a campaign's policy; a campaign whose spans are seconds simply runs in seconds.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field

_UNITS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_FORM: Final = re.compile(r"^([0-9]{1,5})([dhms])$")

Span = Annotated[
    str,
    Field(
        pattern=_FORM.pattern,
        description="A whole number and d (calendar days), h, m or s",
        examples=["21d", "36h", "45s"],
    ),
]


def _known_zone(name: str) -> str:
    if name not in _zone_names():
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin")
    return name


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


ZoneName = Annotated[str, AfterValidator(_known_zone), Field(examples=["Europe/Berlin"])]


def _parts(span: str) -> tuple[int, str]:
    match = _FORM.fullmatch(span)
    if match is None:
        raise ValueError(f"{span!r} is not a span; write for example 21d, 36h or 45s")
    return int(match.group(1)), match.group(2)


def length(span: str) -> timedelta:
    """The nominal length of a span; a day counts 24 hours."""
    count, unit = _parts(span)
    return timedelta(seconds=count * _UNITS[unit])


def zone(name: str) -> ZoneInfo:
    """The IANA zone of this name; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def end_of_day(day: date, zone_name: str) -> datetime:
    """The last second of this local day, in UTC. When that hour occurs twice, the later one."""
    local = datetime.combine(day, time(23, 59, 59), tzinfo=zone(zone_name)).replace(fold=1)
    return local.astimezone(UTC)


def later(start: datetime, span: str, zone_name: str) -> datetime:
    """The moment (UTC) at which a span that began at `start` (aware) is over.

    '21d' from any time on 3 March ends at 23:59:59 on 24 March in the zone; '36h' is 36 hours later.
    """
    count, unit = _parts(span)
    if unit == "d":
        day = start.astimezone(zone(zone_name)).date() + timedelta(days=count)
        return end_of_day(day, zone_name)
    return start.astimezone(UTC) + length(span)


def earlier(end: datetime, span: str) -> datetime:
    """The moment this nominal span before `end`: where a reminder is due."""
    return end - length(span)
