"""The time zone that most people of a country live in, where that is beyond doubt.

From the zone table of the IANA database: a country with one zone has that one; a few with small outliers have
their main one. A country spread over several (US, CA, AU, BR, ...) has none, and the zone has to be given.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

_MAIN: Final = {
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PS": "Asia/Gaza",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
"""Countries with outlying zones that few live in."""


@cache
def _zones() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _place, zone = line.split("\t")[:3]
            found.setdefault(country, []).append(zone)
    return found


def usual_zone(country: str) -> str:
    """The usual IANA zone of this country (ISO alpha-2), or empty where there is no single one."""
    zones = _zones().get(country, [])
    return _MAIN.get(country) or (zones[0] if len(zones) == 1 else "")
