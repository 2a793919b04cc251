"""Guessing the language of a post whose language is not given.

Scripts decide where they can; otherwise the common words of the lexicons are counted. A guess is made
only when it is clear: an unknown language is better than a wrong one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from domain.disclosure.lexicons import common_words
from domain.disclosure.text import SeenText

_SCRIPTS: Final = {
    "THAI": "th",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "GUJARATI": "gu",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GURMUKHI": "pa",
    "HEBREW": "he",
    "GREEK": "el",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "CJK": "zh",
}
_ENOUGH: Final = 2
_SAME: Final = {"no": "nb", "nn": "nb", "in": "id", "iw": "he", "fil": "tl", "jp": "ja", "kr": "ko"}


def primary(tag: str) -> str:
    """The primary subtag of a BCP 47 tag: 'en' of 'en-US'. Both written forms of Norwegian are one."""
    subtag = tag.replace("_", "-").split("-")[0].casefold()
    return _SAME.get(subtag, subtag)


@lru_cache(maxsize=8192)
def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0] if char.isalpha() else ""


def guess(seen: SeenText) -> str | None:
    """The language of a text (ISO 639-1), or None when it cannot be told."""
    if not seen.plain.isascii():
        letters = [c for c in seen.plain if c.isalpha()]
        scripts = [_script(c) for c in letters]
        foreign = [_SCRIPTS[s] for s in scripts if s in _SCRIPTS]
        if foreign and len(foreign) * 3 > len(letters):
            return "ja" if "ja" in foreign else max(set(foreign), key=foreign.count)
    words = [t.word for t in seen.tokens if not t.tag]
    counts = sorted(
        ((sum(w in common for w in words), code) for code, common in common_words().items()),
        reverse=True,
    )
    if not counts or counts[0][0] < _ENOUGH:
        return None
    return counts[0][1] if len(counts) == 1 or counts[0][0] > counts[1][0] else None
