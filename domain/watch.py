"""The watch over a verified post: when it is looked at again, and what a look means.

Moments and meanings only; reading is `activities/watch.py`, waiting is `workflows/watch.py`. A look that
could not be made is never a finding, and a change that leaves the post honest is never anybody's trouble.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from domain.clocks import length, zone
from domain.commands import CheckOutcome
from domain.disclosure.models import Outcome

LONGEST_DELAY: Final = timedelta(hours=6)
"""The most by which a look comes later than its span says."""
_SHARE: Final = 10
"""A look comes later by up to a tenth of its span."""
_STEPS: Final = 2**32


def look_moments(verified_at: datetime, spans: Sequence[str], zone_name: str, seed: str) -> list[datetime]:
    """When a post verified at `verified_at` is looked at again, in order (UTC).

    A span of days ends at the same time of the creator's day, whatever the clocks do in between; the others
    are exact. Each look is delayed by a part of its span that follows from `seed`, so that the posts of one
    launch are not read in one minute and nobody can foresee the minute; never early.
    """
    moments = {_after(verified_at, span, zone_name) + _delay(span, seed) for span in spans}
    return sorted(moments)


def _after(start: datetime, span: str, zone_name: str) -> datetime:
    if not span.endswith("d"):
        return start.astimezone(UTC) + length(span)
    local = start.astimezone(zone(zone_name)).replace(tzinfo=None) + length(span)
    return local.replace(tzinfo=zone(zone_name)).astimezone(UTC)


def _delay(span: str, seed: str) -> timedelta:
    most = min(length(span) / _SHARE, LONGEST_DELAY)
    digest = hashlib.sha256(f"{seed}/{span}".encode()).digest()
    return timedelta(seconds=int(most.total_seconds() * int.from_bytes(digest[:4]) / _STEPS))


class Seen(BaseModel):
    """What a look at a post saw and a change is told by. None: the platform does not tell."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    caption: str | None = None
    overlay_text: str | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool | None = None
    media_sha256: str | None = None

    @property
    def words(self) -> tuple[object, ...]:
        """What the engine judges."""
        return (self.caption, self.overlay_text, self.spoken_disclosure, self.platform_label)


class Meaning(NamedTuple):
    """What a look comes to. A reason is a stable code: the engine's own, or one of the four below."""

    outcome: CheckOutcome
    reason: str


UNCHANGED: Final = Meaning(CheckOutcome.PASS, "unchanged")
EDITED: Final = Meaning(CheckOutcome.PASS, "edited")
"""Other words, and honest still."""
MEDIA_CHANGED: Final = Meaning(CheckOutcome.NEEDS_REVIEW, "media_changed")
NO_BASELINE: Final = Meaning(CheckOutcome.NEEDS_REVIEW, "no_baseline")
"""Nothing to compare with, and not honest by itself: a person took it for reasons of their own."""


def media_changed(before: Seen, now: Seen) -> bool:
    """Whether both looks know the picture or film, and it is another one."""
    return None not in (before.media_sha256, now.media_sha256) and before.media_sha256 != now.media_sha256


def compare(before: Seen | None, now: Seen, verdict: Outcome, reason: str) -> Meaning:
    """What it means that a verified post looks like this now, and is judged so.

    A post that is as it was verified is fine, also when a person verified it in spite of a verdict.
    """
    if before is None:
        return EDITED if verdict is Outcome.PASS else NO_BASELINE
    if before.words == now.words:
        return MEDIA_CHANGED if media_changed(before, now) else UNCHANGED
    if verdict is Outcome.FAIL:
        return Meaning(CheckOutcome.FAIL, reason)
    if media_changed(before, now):
        return MEDIA_CHANGED
    if verdict is Outcome.NEEDS_REVIEW:
        return Meaning(CheckOutcome.NEEDS_REVIEW, reason)
    return EDITED
