"""When a platform does not tell enough of a post, and the creator's own recording has to show the rest.

What was not told is never taken for absent: a verdict that rests on it waits for the proof and a person.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from domain.disclosure.models import Outcome, Reason

PROOF_NEEDED: Final = "proof_needed"
"""The reason of a look that waits for the creator's recording or screenshot."""
_MOVING: Final = frozenset({"reel", "short", "video", "live", "story"})
_IN_FRAMES: Final = frozenset(
    {
        Reason.MISSING,
        Reason.NOT_IN_VIDEO,
        Reason.PARTIAL_IN_VIDEO,
        Reason.NOT_SUPERIMPOSED,
        Reason.NOT_REPEATED,
        Reason.AMBIGUOUS_LABEL,
        Reason.BELOW_FOLD,
        Reason.END_OF_CAPTION,
        Reason.BURIED_IN_HASHTAGS,
        Reason.PLATFORM_LABEL_ONLY,
    }
)
"""Reasons that a word on the screen or a spoken word could undo."""
_IN_DESCRIPTION: Final = frozenset({Reason.MISSING, Reason.AMBIGUOUS_LABEL, Reason.NOT_IN_VIDEO})


def needs_proof(outcome: Outcome, reason: Reason, format_: str, unknown: Collection[str]) -> bool:
    """Whether this verdict rests on something that the platform did not tell.

    A pass without the date of the post waits too: it may be older than the agreement.
    """
    if outcome is Outcome.PASS:
        return "published_at" in unknown
    frames = format_ in _MOVING and bool({"overlay_text", "spoken_disclosure"} & set(unknown))
    described = "description" in unknown and reason in _IN_DESCRIPTION
    return described or (frames and reason in _IN_FRAMES)
