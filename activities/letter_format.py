"""Dates, money, spans and pieces as a reader writes them: English words in the formats of their country.

A deadline is always told with its time zone, in the reader's own day. Nothing here knows the clock, the
database or the mail.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.runtime import Context

from domain.clocks import zone
from domain.money import Money, as_decimal
from domain.offer import Deliverable, Format, Platform, UsageRights
from domain.terms import in_words

PLATFORM_NAMES: Final = {
    Platform.INSTAGRAM: "Instagram",
    Platform.TIKTOK: "TikTok",
    Platform.YOUTUBE: "YouTube",
}
FORMAT_NAMES: Final = {
    Format.POST: ("post", "posts"),
    Format.REEL: ("reel", "reels"),
    Format.STORY: ("story", "stories"),
    Format.VIDEO: ("video", "videos"),
    Format.SHORT: ("Short", "Shorts"),
    Format.LIVE: ("live stream", "live streams"),
}
_BLANKS: Final = re.compile(r"[ \t\r\n\f\v]+")
_OFFSET: Final = re.compile(r"^(GMT|UTC)?[+-]\d|[(+]|Unknown")
T = TypeVar("T", bound=str)


@lru_cache(maxsize=1024)
def locale_of(language: str, country: str) -> str:
    """The English locale whose formats this reader uses: their country's where English knows it.

    de-AT gives en_AT (24 March 2026, 23:59, € 220,00); a country without one gets international English.
    """
    tag = language.replace("_", "-").split("-")
    spoken = next((part.upper() for part in tag[1:] if len(part) == 2), "")
    for region in (country.upper(), spoken, "001"):
        if not re.fullmatch(r"[A-Z]{2}|001", region):
            continue
        try:
            return str(Locale("en", region))
        except UnknownLocaleError:
            continue
    return "en_001"


@lru_cache(maxsize=4096)
def day(moment: datetime, locale: str, zone_name: str) -> str:
    """The local day: Tuesday, 24 March 2026."""
    return format_date(moment.astimezone(zone(zone_name)), "full", locale)


@lru_cache(maxsize=4096)
def by(moment: datetime, locale: str, zone_name: str) -> str:
    """A deadline, to stand after 'by': the end of Tuesday, 24 March 2026 (Central European Time)."""
    local = moment.astimezone(zone(zone_name))
    when = day(moment, locale, zone_name)
    if (local.hour, local.minute) == (23, 59):
        return f"the end of {when} ({zone_title(zone_name, locale)})"
    return f"{when}, {format_time(local, 'short', locale=locale)} ({zone_title(zone_name, locale)})"


@lru_cache(maxsize=1024)
def zone_title(zone_name: str, locale: str) -> str:
    """What people call the zone: Central European Time, Japan Time, Buenos Aires time."""
    if zone(zone_name).key == "UTC":
        return "UTC"
    name = get_timezone_name(ZoneInfo(zone_name), zone_variant="generic", locale=locale)
    if _OFFSET.search(name):
        return zone_name.rpartition("/")[2].replace("_", " ") + " time"
    return name


@lru_cache(maxsize=4096)
def money(amount: Money, locale: str) -> str:
    """An amount with its currency: $220.00, € 220,00."""
    return format_currency(as_decimal(amount), amount.currency, locale=locale)


def pieces(deliverables: list[Deliverable]) -> str:
    """What is made: '1 Instagram reel and 2 Instagram stories'."""
    named = [
        f"{piece.quantity} {PLATFORM_NAMES[piece.platform]} {FORMAT_NAMES[piece.format][piece.quantity > 1]}"
        for piece in deliverables
    ]
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]


def rights(granted: UsageRights) -> str:
    """What the brand may do with the content, in one line."""
    channels = ", ".join(granted.channels)
    ads = "also in paid advertising" if granted.paid_media else "not in paid advertising"
    return f"show it for {in_words(granted.length)} ({channels}; {granted.territory}; {ads})"


def plainly(code: str) -> str:
    """A reason code as words: 'content_not_suitable' as 'content not suitable'."""
    return code.replace("_", " ").replace(".", ": ")


def flow(words: T) -> T:
    """The words with single spaces, on one line; markup stays markup, and no-break spaces stay."""
    return type(words)(_BLANKS.sub(" ", words).strip(" "))


def one_line(address: str) -> str:
    """A postal address on one line, its lines separated by commas."""
    return ", ".join(line.strip().rstrip(",") for line in address.splitlines() if line.strip())


@pass_context
def _by(context: Context, moment: datetime) -> str:
    return by(moment, context["locale"], context["zone"])


@pass_context
def _day(context: Context, moment: datetime) -> str:
    return day(moment, context["locale"], context["zone"])


@pass_context
def _money(context: Context, amount: Money) -> str:
    return money(amount, context["locale"])


FILTERS: Final[dict[str, Any]] = {
    "by": _by,
    "day": _day,
    "money": _money,
    "span": in_words,
    "pieces": pieces,
    "rights": rights,
    "plainly": plainly,
    "flow": flow,
    "one_line": one_line,
}
"""What the letters' templates may use, by name."""
