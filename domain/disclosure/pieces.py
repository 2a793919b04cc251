"""Pieces of text without which a pattern cannot match, so that most patterns need not be tried.

Works on the parsed pattern, as the standard library parses it. It may find fewer or shorter pieces than
there are, never one that a match could do without; a pattern without any is refused.
"""

from __future__ import annotations

import re
from re import _constants as _kinds  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from domain.disclosure.text import BRAND, OTHER

_MOST = 40
_NAMES = frozenset({BRAND, OTHER})


def pieces_of(pattern: re.Pattern[str]) -> frozenset[str]:
    """Pieces of which every match holds at least one. Raises ValueError when there are none."""
    found = _sequence(list(_parser.parse(pattern.pattern)))
    if found is None:
        raise ValueError(f"nothing in this pattern is always there: {pattern.pattern}")
    return found


def _sequence(items: list[Any]) -> frozenset[str] | None:
    candidates: list[frozenset[str]] = []
    run = ""
    for kind, value in [*items, (None, None)]:
        if kind is _kinds.LITERAL and chr(value) not in _NAMES:
            run += chr(value)
            continue
        if run:
            candidates.append(frozenset({run}))
            run = ""
        inner = _item(kind, value)
        if inner is not None:
            candidates.append(inner)
    candidates = [found for found in candidates if len(found) <= _MOST]
    return max(candidates, key=_worth, default=None)


def _item(kind: Any, value: Any) -> frozenset[str] | None:
    if kind is _kinds.SUBPATTERN:
        return _sequence(list(value[-1]))
    if kind is _kinds.BRANCH:
        branches = [_sequence(list(branch)) for branch in value[1]]
        if any(branch is None for branch in branches):
            return None
        return frozenset(piece for branch in branches if branch is not None for piece in branch)
    if kind in {_kinds.MAX_REPEAT, _kinds.MIN_REPEAT} and value[0] > 0:
        return _sequence(list(value[2]))
    return None


def _worth(found: frozenset[str]) -> tuple[int, int]:
    """Long pieces first, then few of them: those are in the fewest texts."""
    return min(4, min(len(piece) for piece in found)), -len(found)
