"""Tiers of creators by followers. The field disagrees on the bounds, so they are data.

Default: nano below 10,000, micro below 100,000, mid below 500,000, macro from there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Tier(StrEnum):
    """How large an audience is."""

    NANO = "nano"
    MICRO = "micro"
    MID = "mid"
    MACRO = "macro"


DEFAULT_BOUNDS: Final = {Tier.MICRO: 10_000, Tier.MID: 100_000, Tier.MACRO: 500_000}
"""The followers from which a creator belongs to a tier; below the first is nano."""


def tier_of(followers: int, bounds: dict[Tier, int] = DEFAULT_BOUNDS) -> Tier:
    """The tier of an audience of this size."""
    reached = [tier for tier, least in sorted(bounds.items(), key=lambda item: item[1]) if followers >= least]
    return reached[-1] if reached else Tier.NANO
