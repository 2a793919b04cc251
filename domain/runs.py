"""When a brand's payments go out: at once, or once a day at a time of the brand's own clock.

A run is a moment, not a process: every payment that was ready before it goes then. A local time that does not
exist on a day (clocks go forward) is the first moment after the gap; one that exists twice counts once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.clocks import zone

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["10:00"])]


class PayoutRun(BaseModel):
    """Whether payments go as soon as nothing is in their way, or in the run of the day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Literal["at_once", "daily"] = "at_once"
    at: TimeOfDay = "10:00"
    """Local time of the brand."""


def next_run(after: datetime, at: str, zone_name: str) -> datetime:
    """The first run later than `after` (aware), in UTC."""
    place = zone(zone_name)
    hour, minute = (int(part) for part in at.split(":"))
    day = after.astimezone(place).date() - timedelta(days=1)
    while True:
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=place)
        moment = local.astimezone(UTC)
        if moment > after:
            return moment
        day += timedelta(days=1)
