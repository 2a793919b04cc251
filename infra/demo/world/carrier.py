"""The carrier's fate of each parcel: when it is scanned, where it ends. Independent of who waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Final

import httpx

DOMESTIC: Final = 2.0
ABROAD: Final = 4.0
"""Mean seconds under way."""
LONGEST: Final = 9.0


class Fate(StrEnum):
    """What becomes of a first parcel."""

    ARRIVES = "arrives"
    LOST = "lost"
    RETURNED = "returned"
    ATTEMPT_FAILED = "attempt_failed"


Plan = Sequence[tuple[float, str]]


def plan(fate: Fate, *, domestic: bool, chance: Random) -> Plan:
    """Seconds and tracking codes. The time under way is gamma distributed, cut at `LONGEST`."""
    mean = DOMESTIC if domestic else ABROAD
    whole = max(1.0, min(LONGEST, chance.gammavariate(4.0, mean / 4.0)))
    begun = [(0.0, "label_created"), (round(whole * 0.3, 2), "in_transit")]
    if fate is Fate.LOST:
        return [*begun, (round(whole + 3.0, 2), "lost")]
    if fate is Fate.RETURNED:
        return [*begun, (round(whole, 2), "attempt_failed"), (round(whole + 2.0, 2), "returned")]
    if fate is Fate.ATTEMPT_FAILED:
        begun.append((round(whole * 0.6, 2), "attempt_failed"))
        whole += 1.5
    return [*begun, (round(whole * 0.8, 2), "out_for_delivery"), (round(whole, 2), "delivered")]


class Carrier:
    """The counter at which parcels are handed in."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def be_human(self, *, seed: int, duplicate: float, out_of_order: float, missing: float) -> None:
        """From now on some news comes twice, late, or never (what ends a parcel's way always comes)."""
        modes = {
            "seed": seed,
            "duplicate": duplicate,
            "out_of_order": out_of_order,
            "missing": missing,
            "hold": 1.5,
        }
        (await self._client.put(f"{self._url}/_carrier/modes", json=modes)).raise_for_status()

    async def take(self, reference: str, country: str, steps: Plan) -> tuple[str, str]:
        """Hand in a parcel; answers its tracking number and the address where it can be followed."""
        given = {
            "reference": reference,
            "country": country,
            "plan": [{"after": after, "code": code} for after, code in steps],
        }
        answer = await self._client.post(f"{self._url}/_carrier/shipments", json=given)
        answer.raise_for_status()
        parcel = answer.json()
        return str(parcel["tracking_number"]), str(parcel["tracking_url"])
