"""Texts, money and moments as a page writes them. Every text of the pages stands in one catalogue.

A text is looked up by its name and filled in; an unknown name is a defect that the tests find. Texts carry
no markup. Money and dates follow the reader's country, moments the reader's zone.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from domain.clocks import zone
from domain.money import Money, as_decimal

CATALOGUE: Final = Path(__file__).resolve().parents[2] / "templates" / "pages" / "texts.en.toml"
_UNITS: Final = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_END_OF_DAY: Final = time(23, 59, 59)


@cache
def catalogue() -> dict[str, str]:
    """All texts by dotted name."""
    return texts_of(CATALOGUE)


def texts_of(file: Path) -> dict[str, str]:
    """The texts of one catalogue file by dotted name."""
    return dict(_flat("", tomllib.loads(file.read_text(encoding="utf-8"))))


def _flat(prefix: str, table: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flat(f"{prefix}{name}.", value)
        else:
            found.append((prefix + name, value))
    return found


def say(name: str, /, **facts: object) -> str:
    """The text of this name, filled in. Raises KeyError for a name that the catalogue lacks."""
    return catalogue()[name].format(**facts)


def knows(name: str) -> bool:
    """Whether the catalogue has this name."""
    return name in catalogue()


class Reader:
    """How one person reads money and time: country, zone."""

    def __init__(self, country: str, zone_name: str) -> None:
        self.zone_name = zone_name
        self._zone = zone(zone_name)
        self._locale = _locale(country)

    def money(self, amount: int, currency: str) -> str:
        """An amount of minor units in the reader's format."""
        value = as_decimal(Money(amount=amount, currency=currency))
        return format_currency(value, currency, locale=self._locale)

    def day(self, moment: datetime) -> str:
        """The day, with its weekday: Friday, 12 March 2027."""
        return format_date(moment.astimezone(self._zone).date(), "full", locale=self._locale)

    def moment(self, moment: datetime) -> str:
        """Day and time, short."""
        return format_datetime(moment.astimezone(self._zone), "medium", locale=self._locale)

    def by(self, moment: datetime) -> str:
        """A deadline: the end of a day is said as that day, anything else with its time."""
        local = moment.astimezone(self._zone)
        if local.time().replace(microsecond=0) == _END_OF_DAY:
            return say("time.end_of_day", day=self.day(moment), place=self.place)
        return say("time.at", moment=self.moment(moment), place=self.place)

    @property
    def place(self) -> str:
        """The zone in words a person knows: the city of its name."""
        return self.zone_name.rpartition("/")[2].replace("_", " ")


def span(text: str) -> str:
    """A span of the policy in words: 21d is '21 days'."""
    count, unit = int(text[:-1]), _UNITS[text[-1]]
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _locale(country: str) -> Locale:
    for name in (f"en_{country}", "en_001", "en"):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")
