"""The rules of signing in: how long codes, invitations and sessions live, and what a code is still good for.

Passwords do not exist. Whoever can read the mail of a member's address is that member; everything here is
short-lived and counts once. Pure: the time is an argument.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

CODE_LIFE: Final = timedelta(minutes=15)
"""How long a mailed code and its link count."""
CODE_DIGITS: Final = 8
MOST_TRIES: Final = 5
"""Wrong codes after which a code counts no more: one in twenty million guesses is right."""
MOST_ASKED: Final = 5
"""Codes that one address is mailed within `CODE_LIFE`; more are not sent, and nobody is told."""
INVITATION_LIFE: Final = timedelta(days=7)
"""How long an invited person may join."""
LOG_KEPT: Final = timedelta(days=180)
"""How long a line of the sign-in log is kept."""
CODES_KEPT: Final = timedelta(days=1)
MAILS_KEPT: Final = timedelta(days=30)
HOME: Final = "/console"
_DOORS: Final = (f"{HOME}/sign-in", f"{HOME}/sign-out")
_LONGEST_NEXT: Final = 300


class How(StrEnum):
    """By what somebody came in, or tried to."""

    CODE = "code"
    LINK = "link"
    INVITATION = "invitation"
    SETUP = "setup"
    SWITCH = "switch"
    """From one of their brands to another."""
    SHELL = "shell"
    """An operator of the installation acts as this member, from its shell."""


class Result(StrEnum):
    """What came of a try to sign in, as the log and the pages name it."""

    SIGNED_IN = "signed_in"
    WRONG_CODE = "wrong_code"
    WORN = "worn"
    """Too many wrong codes."""
    USED = "used"
    EXPIRED = "expired"
    NOT_ASKED = "not_asked"
    """This browser asked for no code."""
    NO_MEMBER = "no_member"
    """The person was removed since."""
    SIGNED_OUT = "signed_out"
    ENDED = "ended"
    """The session was ended from elsewhere."""


def standing_of_code(*, used: bool, expires_at: datetime, tries: int, now: datetime) -> Result | None:
    """Why a mailed code counts no more; None when it does."""
    if used:
        return Result.USED
    if now >= expires_at:
        return Result.EXPIRED
    return Result.WORN if tries >= MOST_TRIES else None


class Standing(StrEnum):
    """What an invitation of a member is good for."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


def standing_of_invitation(
    *, accepted_at: datetime | None, revoked_at: datetime | None, expires_at: datetime, now: datetime
) -> Standing:
    """What this invitation is good for now."""
    if accepted_at is not None:
        return Standing.ACCEPTED
    if revoked_at is not None:
        return Standing.REVOKED
    return Standing.EXPIRED if now >= expires_at else Standing.OPEN


def network_of(address: str) -> str:
    """The network that an IP address is in: /24 or /48. Not a person any more; empty when unknown."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def browser_name(agent: str) -> str:
    """What a browser calls itself, in two words that tell one's own devices apart: 'Firefox, Linux'."""
    parts = [next((name for mark, name in table if mark in agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(part for part in parts if part) or "unknown browser"


def safe_next(path: str) -> str:
    """Where to go after signing in: a page of the console, never another site."""
    parts = urlsplit(path)
    within = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    plain = path.isascii() and path.isprintable() and not any(mark in path for mark in ("\\", "//", ".."))
    if parts.scheme or parts.netloc or not within or not plain or len(path) > _LONGEST_NEXT:
        return HOME
    at_the_door = parts.path in _DOORS or parts.path.startswith(f"{HOME}/sign-in/")
    return HOME if at_the_door else path
