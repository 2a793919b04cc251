"""Where a label stands in a caption: in sight, behind "more", among hashtags, or tacked on at the end.

The numbers are engineering choices on top of guidance that gives principles, kept as data in
`platforms.toml`. Nothing here knows what a label means.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from domain.disclosure.marks import Hit
from domain.disclosure.models import CheckInput, Outcome, Reason, Surface
from domain.disclosure.packs import Pack
from domain.disclosure.text import BRAND, OTHER, SeenText, Token
from domain.offer import Format

_BLOCK = 4
_MENTIONS = frozenset({BRAND, OTHER})


@dataclass(frozen=True, slots=True)
class Place:
    """What the place of a label makes of it, with the message that explains it."""

    outcome: Outcome
    reason: Reason
    message: str


GOOD = Place(Outcome.PASS, Reason.OK, "ok")


@lru_cache(maxsize=1)
def _platforms() -> dict[str, Any]:
    file = resources.files("domain.disclosure").joinpath("platforms.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def platform_terms(platform: str) -> dict[str, Any]:
    """The platform's own label: its name, and the relationships it is asked for."""
    terms: dict[str, Any] = _platforms()["label"][platform]
    return terms


@cache
def _fold(format_: Format, surface: Surface) -> dict[str, int]:
    folds = _platforms()["fold"]
    if surface in {Surface.TITLE, Surface.DESCRIPTION}:
        kind = surface.value
    else:
        kind = {Format.POST: "post", Format.STORY: "post", Format.REEL: "reel"}.get(format_, "video")
    found: dict[str, int] = folds[kind]
    return found


def place_of(hit: Hit, check: CheckInput, pack: Pack) -> Place:
    """Judge the place of a label in a caption, title or description (not on a picture)."""
    rules = pack.file.placement
    block, index = _hashtag_block(hit)
    fold = _fold(check.format, hit.surface)
    line = hit.seen.plain.count("\n", 0, hit.start) + 1
    hidden = hit.start >= fold["hidden_chars"] or line >= fold["hidden_line"]
    if block >= _BLOCK and index >= max(1, rules.first_tags):
        if index < block - 1 or hidden or rules.last_in_block is Outcome.FAIL:
            return Place(Outcome.FAIL, Reason.BURIED_IN_HASHTAGS, "buried_in_hashtags")
        return Place(rules.last_in_block, Reason.BURIED_IN_HASHTAGS, "last_in_block")
    if hidden:
        return Place(Outcome.FAIL, Reason.BELOW_FOLD, "below_fold")
    if hit.start >= fold["safe_chars"] or line > fold["safe_lines"]:
        return Place(Outcome.NEEDS_REVIEW, Reason.BELOW_FOLD, "below_fold_grey")
    if block >= _BLOCK:
        outcome = rules.first_in_block
        reason = Reason.OK if outcome is Outcome.PASS else Reason.BURIED_IN_HASHTAGS
        return Place(outcome, reason, "ok" if outcome is Outcome.PASS else "first_in_block")
    if hit.surface is Surface.CAPTION and _tacked_on(hit, block):
        return Place(Outcome.NEEDS_REVIEW, Reason.END_OF_CAPTION, "end_of_caption")
    if rules.not_first_word is not Outcome.PASS and not stands_first(hit):
        return Place(rules.not_first_word, Reason.AMBIGUOUS_LABEL, "not_first_word")
    return GOOD


def stands_first(hit: Hit) -> bool:
    """Whether a label is the first word of its text: nothing but marks and emoji before it."""
    return not any(c.isalnum() or c in _MENTIONS for c in hit.seen.plain[: hit.start])


def buried_on_picture(hit: Hit) -> bool:
    """Whether a label on a picture is lost in a row of hashtags."""
    block, index = _hashtag_block(hit)
    return block >= _BLOCK and index > 0


def _hashtag_block(hit: Hit) -> tuple[int, int]:
    """Length of the run of hashtags that the label stands in, and its place in the run (0 first).

    A label without '#' before a run of hashtags is not part of the run.
    """
    tags = [t for t in hit.seen.tokens if t.tag]
    if not tags:
        return 1, 0
    before = 0
    edge = hit.start
    for token in reversed([t for t in tags if t.end <= hit.start]):
        if _words_between(hit.seen, token.end, edge):
            break
        before += 1
        edge = token.start
    after = 0
    edge = hit.end
    for token in (t for t in tags if t.start >= hit.end):
        if _words_between(hit.seen, edge, token.start):
            break
        after += 1
        edge = token.end
    if not hit.tag and not before:
        return 1, 0
    return before + 1 + after, before


def _words_between(seen: SeenText, start: int, end: int) -> bool:
    return any(c.isalnum() for c in seen.plain[start:end])


def _tacked_on(hit: Hit, block: int) -> bool:
    """Whether the label is only the last words of a caption that says something before it."""
    if block >= _BLOCK:
        return False
    before = None
    for token in reversed(hit.seen.tokens):
        if token.tag:
            continue
        if token.start >= hit.end:
            return False
        if token.end <= hit.start:
            before = token
            break
    if before is None:
        return False
    if hit.rule.kind == "commission":
        return False
    return not hit.phrase or _breaks(hit.seen, before, hit.start)


def _breaks(seen: SeenText, last: Token, start: int) -> bool:
    """Whether a sentence or line ends between a word and the phrase."""
    return any(not c.isalnum() and c not in " \t'\"*_~#:" for c in seen.plain[last.end : start])
