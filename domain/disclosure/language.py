"""Guessing the language of a post whose language is not given.

Scripts decide where they can; otherwise the common words of the lexicons are counted. A guess is made
only when it is clear: an unknown language is better than a wrong one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
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
_ENOUGH: Final = 1.0
_CLEARLY: Final = 1.3
_ALIKE: Final = frozenset({"da", "nb"})
_LETTERS: Final = {
    "ß": ("de",),
    "ü": ("de", "tr"),
    "ä": ("de", "sv", "fi"),
    "ö": ("de", "sv", "fi"),
    "å": ("sv", "da", "nb"),
    "ø": ("da", "nb"),
    "æ": ("da", "nb"),
    "ł": ("pl",),
    "ż": ("pl",),
    "ą": ("pl",),
    "ę": ("pl",),
    "ś": ("pl",),
    "ñ": ("es",),
    "¿": ("es",),
    "¡": ("es",),
    "ã": ("pt",),
    "õ": ("pt",),
    "ê": ("fr", "pt"),
    "ç": ("fr", "pt"),
    "è": ("fr", "it"),
    "à": ("fr", "it"),
    "ù": ("fr", "it"),
    "ò": ("it",),
    "ì": ("it",),
    "œ": ("fr",),
    "î": ("fr", "ro"),
    "ş": ("tr",),
    "ğ": ("tr",),
    "ı": ("tr",),
    "ř": ("cs",),
    "ě": ("cs",),
    "ő": ("hu",),
    "ű": ("hu",),
}
_SAME: Final = {"no": "nb", "nn": "nb", "in": "id", "iw": "he", "fil": "tl", "jp": "ja", "kr": "ko"}


def primary(tag: str) -> str:
    """The primary subtag of a BCP 47 tag: 'en' of 'en-US'. Both written forms of Norwegian are one."""
    subtag = tag.replace("_", "-").split("-")[0].casefold()
    return _SAME.get(subtag, subtag)


@lru_cache(maxsize=8192)
def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0] if char.isalpha() else ""


def guess(seen: SeenText, likely: Collection[str] = ()) -> str | None:
    """The language of a text (ISO 639-1), or None when it cannot be told. `likely` ones win a draw."""
    if not seen.plain.isascii():
        letters = [c for c in seen.plain if c.isalpha()]
        scripts = [_script(c) for c in letters]
        foreign = [_SCRIPTS[s] for s in scripts if s in _SCRIPTS]
        if foreign and len(foreign) * 3 > len(letters):
            return "ja" if "ja" in foreign else max(set(foreign), key=foreign.count)
    scores = dict.fromkeys(common_words(), 0.0)
    for token in seen.tokens:
        spoken_in = () if token.tag else _languages_of().get(token.word, ())
        for code in spoken_in:
            scores[code] += 1 / len(spoken_in)
    for letter in set(seen.original.casefold()) & _LETTERS.keys():
        for code in _LETTERS[letter]:
            scores[code] = scores.get(code, 0.0) + 1 / len(_LETTERS[letter])
    best = max(scores.values())
    if best < _ENOUGH:
        return None
    near = [code for code, score in scores.items() if score * _CLEARLY > best]
    own = [code for code in near if code in likely]
    if len(near) > 1 and not set(near) <= _ALIKE and not own:
        return None
    return max(own or near, key=lambda code: scores[code])


@cache
def _languages_of() -> dict[str, tuple[str, ...]]:
    """The languages that each common word belongs to."""
    found: dict[str, list[str]] = {}
    for code, common in common_words().items():
        for word in common:
            found.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in found.items()}
