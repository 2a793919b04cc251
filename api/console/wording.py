"""Texts and moments of the staff's pages. Every text stands in `templates/console/texts`, one file a subject.

What the creators' pages say too (`templates/pages/texts.en.toml`) is said with the same words. Staff have no
zone of their own: moments are written in UTC, and a script shows them in the browser's zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from api.pages.wording import Reader, texts_of
from api.pages.wording import catalogue as pages_catalogue

FOLDER: Final = Path(__file__).resolve().parents[2] / "templates" / "console"
_READER: Final = Reader("US", "UTC")


@cache
def catalogue() -> dict[str, str]:
    """All texts by dotted name. A name may stand in one file only."""
    found: dict[str, str] = {}
    for file in sorted((FOLDER / "texts").glob("*.en.toml")):
        texts = texts_of(file)
        if twice := found.keys() & texts.keys():
            raise ValueError(f"{file.name} repeats {', '.join(sorted(twice))}")
        found |= texts
    return found


def say(name: str, /, **facts: object) -> str:
    """The text of this name, filled in. Raises KeyError for a name that no catalogue has."""
    text = catalogue().get(name)
    return (pages_catalogue()[name] if text is None else text).format(**facts)


def knows(name: str) -> bool:
    """Whether the console's catalogue has this name."""
    return name in catalogue()


def moment(at: datetime) -> str:
    """Day and time, UTC: 25 Nov 2026, 22:40 UTC."""
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def day(at: datetime) -> str:
    """The day, UTC: 25 Nov 2026."""
    return f"{at.astimezone(UTC):%-d %b %Y}"


def money(amount: int, currency: str) -> str:
    """An amount of minor units, with its currency; what goes out is below zero."""
    return f"{'-' if amount < 0 else ''}{_READER.money(abs(amount), currency)}"
