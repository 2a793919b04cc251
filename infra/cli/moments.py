"""How the shell takes moments: `2026-11-30T12:00:00Z`, or a day of the brand's zone.

A day that a balance is asked for includes its last moment and nothing of the next day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from infra.cli.api import Api, fail

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def moment(api: Api, text: str, edge: Literal["first", "last", "next"]) -> str | None:
    """The moment as the API takes it; None for an empty text. Ends the program when it cannot be read.

    A day is its first moment, its last one, or the first of the next day.
    """
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=int(edge != "first"))
            begins = datetime.combine(day, time(), ZoneInfo(api.get("/brand")["zone"])).astimezone(UTC)
            return (begins - timedelta(microseconds=int(edge == "last"))).isoformat()
        given = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is neither a day (2026-11-30) nor a moment (2026-11-30T12:00:00Z).", 2)
    if given.tzinfo is None:
        fail(f"{text!r} needs a zone: 2026-11-30T12:00:00Z or ...+01:00.", 2)
    return given.isoformat()
