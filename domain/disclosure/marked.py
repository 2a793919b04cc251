"""A post's texts with the words that decided marked in them, for pages that show a verdict.

Only where an evidence says; a text that does not hold its words at that place is shown without a mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.disclosure.models import Evidence, Surface


class Piece(NamedTuple):
    """A stretch of text, and whether its words decided."""

    text: str
    decided: bool


def marked_caption(caption: str, evidence: Iterable[Evidence]) -> list[Piece]:
    """The caption in pieces. Title and description of YouTube are parts of it, and count in it."""
    return list(_pieces(caption, [one for one in evidence if one.surface is not Surface.OVERLAY]))


def marked_overlay(overlay_text: str, evidence: Iterable[Evidence]) -> list[Piece]:
    """The text on the picture in pieces."""
    return list(_pieces(overlay_text, [one for one in evidence if one.surface is Surface.OVERLAY]))


def _pieces(text: str, evidence: list[Evidence]) -> Iterator[Piece]:
    at = 0
    for one in sorted(evidence, key=lambda each: each.start):
        if one.start < at or not one.text or text[one.start : one.end] != one.text:
            continue
        if one.start > at:
            yield Piece(text[at : one.start], decided=False)
        yield Piece(one.text, decided=True)
        at = one.end
    if at < len(text):
        yield Piece(text[at:], decided=False)
