"""Reading a text as a person sees it: one plain form to match on, with the way back to the original.

Styled letters become plain, invisible characters vanish, emoji become one separator, mentions of the
brand, of others, and links become marks of the same length. Letters that only some readers or devices
show as the label (other scripts, gothic, circled, reversed) are folded too, but remembered as odd.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

BRAND: Final = "\ue000"
OTHER: Final = "\ue001"
LINK: Final = "\ue002"
EMOJI: Final = "\ue003"
WORD_START: Final = 4
"""Letters by which words are looked up."""

_PLAIN, _ODD, _DROP, _BIDI, _MARK = range(5)
_BIDI_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT: Final = "\u202e"
_PUNCTUATION: Final = str.maketrans(
    dict.fromkeys("‘’‛ʼ`´＇", "'") | dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("“”„«»", '"')
)
_FOREIGN: Final = "аеорсухіјѕԁһԛԝкмнтвαορνικτυχλδօսոհɑɡıđɗðᎠᎪ"
_LATIN: Final = "aeopcyxijsdhqwkmhtbaopviktuxaaounhagidddda"
_LOOKALIKE: Final = dict(zip(_FOREIGN, _LATIN, strict=True))
_ODD_NAMES: Final = (
    "SCRIPT ",
    "FRAKTUR",
    "BLACK-LETTER",
    "DOUBLE-STRUCK",
    "CIRCLED",
    "SQUARED",
    "PARENTHESIZED",
    "SMALL CAPITAL",
    "MODIFIER LETTER",
    "SUBSCRIPT",
    "SUPERSCRIPT",
)
_LAST_LETTER: Final = re.compile(r"(?:LETTER|CAPITAL|SMALL) ([A-Z])$")

_EMOJI_STYLE: Final = "\ufe0f"
_STYLED_TEXT: Final = re.compile("[\\w#]\ufe0f")
_TOKEN: Final = re.compile(r"#?\w+")
_LINKS: Final = re.compile(r"https?://\S+|www\.\S+|(?<![@\w.])[\w-]+\.(?:com|net|org|co|shop|io)\b\S*")
_LINK_SIGNS: Final = ("http", "www.", ".co", ".net", ".org", ".shop", ".io")
_MENTION: Final = re.compile(r"(?<![\w.])@[\w.]*\w")
_WORD: Final = re.compile(r"\w+")
_OVERRIDDEN: Final = re.compile("\u202e([^\u202c\n]*)")
_REMARK: Final = re.compile(r"[(\[]([^()\[\]]{3,80})[)\]]")


class Token(NamedTuple):
    """One word, or one hashtag (`tag` is True, `start` is the '#')."""

    start: int
    end: int
    word: str
    tag: bool


@dataclass(slots=True)
class SeenText:
    """A text as it is read. `plain` is what is matched; `origin[i]` is where plain[i] came from."""

    original: str
    plain: str
    origin: list[int] | None = None
    odd: bytearray | None = None
    tokens: list[Token] = field(default_factory=list)
    words: frozenset[str] = frozenset()
    starts: frozenset[str] = frozenset()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that a span of `plain` came from."""
        if self.origin is None:
            return start, end
        if start >= end:
            return start, start
        places = self.origin[start:end]
        return min(places), max(places) + 1

    def is_odd(self, start: int, end: int) -> bool:
        """Whether a span holds letters that not every reader sees as the plain ones."""
        return self.odd is not None and any(self.odd[start:end])

    def is_upper(self, start: int, end: int) -> bool:
        """Whether the span is written in capitals in the original."""
        first, last = self.span(start, end)
        return unicodedata.normalize("NFKC", self.original[first:last]).isupper()


@lru_cache(maxsize=8192)
def _fold(char: str) -> tuple[str, int]:
    if char in _BIDI_CONTROLS:
        return "", _BIDI
    category = unicodedata.category(char)
    if char == "\n":
        return "\n", _PLAIN
    if category in {"Cf", "Cc"} or 0xFE00 <= ord(char) <= 0xFE0F:
        return (" ", _PLAIN) if char == "\t" else ("", _DROP)
    name = unicodedata.name(char, "")
    odd = any(mark in name for mark in _ODD_NAMES) or name.startswith("REGIONAL INDICATOR")
    plain = unicodedata.normalize("NFKC", char).casefold().translate(_PUNCTUATION)
    if odd:
        letter = _LAST_LETTER.search(name)
        if letter is not None:
            return letter.group(1).lower(), _ODD
        return (plain, _ODD) if plain.isalnum() else (EMOJI, _PLAIN)
    if category in {"Mn", "Me", "Mc"}:
        return plain, _MARK
    if category in {"So", "Sk", "Co", "Cn", "Cs"} and not plain.isascii():
        return EMOJI, _PLAIN
    return plain, _PLAIN


def _fold_simply(text: str) -> str | None:
    """The plain form when each character has one of its own and none is odd, else None."""
    table: dict[int, str] = {}
    for char in set(text):
        plain, kind = (EMOJI, _PLAIN) if char == _EMOJI_STYLE else _fold(char)
        if kind != _PLAIN or len(plain) != 1 or plain in _LOOKALIKE:
            return None
        table[ord(char)] = plain
    return None if _STYLED_TEXT.search(text) else text.translate(table)


def _fold_all(text: str) -> tuple[str, list[int], bytearray]:
    out: list[str] = []
    origin: list[int] = []
    odd = bytearray()
    depth = 0
    touched = False
    for index, char in enumerate(text):
        plain, kind = _fold(char)
        if kind == _BIDI:
            depth = max(0, depth + (-1 if char in "\u202c\u2069" else 1))
            touched = True
            if odd:
                odd[-1] = 1
            continue
        if kind == _MARK and out and out[-1].isascii() and out[-1].isalpha():
            composed = unicodedata.normalize("NFKC", out[-1] + plain)
            if len(composed) == 1:
                out[-1] = composed
            else:
                odd[-1] = 1
            continue
        for piece in plain:
            out.append(piece)
            origin.append(index)
            odd.append(1 if kind == _ODD or depth or touched else 0)
            touched = False
    return "".join(out), origin, odd


def _fold_lookalikes(plain: str, odd: bytearray) -> str:
    """Fold letters of other scripts inside otherwise Latin words; whole foreign words stay."""
    if not any(c in _LOOKALIKE for c in set(plain)):
        return plain
    latin = sum(c.isascii() and c.isalpha() for c in plain)
    mostly_latin = latin * 2 > sum(c.isalpha() for c in plain)
    chars = list(plain)
    for word in _WORD.finditer(plain):
        letters = word.group()
        if letters.isascii() or not any(c in _LOOKALIKE for c in letters):
            continue
        if not all(c.isascii() or c in _LOOKALIKE for c in letters):
            continue
        if not mostly_latin and not any(c.isascii() and c.isalpha() for c in letters):
            continue
        for index in range(word.start(), word.end()):
            if chars[index] in _LOOKALIKE:
                chars[index] = _LOOKALIKE[chars[index]]
                odd[index] = 1
    return "".join(chars)


def squeeze(name: str) -> str:
    """A name with nothing but its letters and digits, as it stands in a hashtag or handle."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


@dataclass(frozen=True, slots=True)
class BrandNames:
    """Every way in which the brand on record may be written."""

    handles: frozenset[str]
    phrases: tuple[str, ...]
    tags: frozenset[str]
    stems: tuple[str, ...]


@lru_cache(maxsize=4096)
def brand_names(name: str, handles: tuple[str, ...]) -> BrandNames:
    """The written forms of a brand: handles, name, and the stems that joined hashtags start with."""
    clean = tuple(h.lstrip("@").casefold() for h in handles if h.strip("@ "))
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_PUNCTUATION).strip()
    first = squeeze(plain.split()[0]) if plain.split() else ""
    squeezed = {squeeze(plain), *(squeeze(h) for h in clean)} - {""}
    stems = squeezed | ({first} if len(first) >= 4 else set())
    phrases = {plain, *clean} - {""}
    return BrandNames(
        handles=frozenset(clean),
        phrases=tuple(sorted(phrases, key=len, reverse=True)),
        tags=frozenset(squeezed),
        stems=tuple(sorted(stems, key=len, reverse=True)),
    )


def _masked(plain: str, brand: BrandNames) -> str:
    if any(sign in plain for sign in _LINK_SIGNS):
        plain = _LINKS.sub(lambda m: LINK * len(m.group()), plain)
    if "@" in plain:

        def mention(match: re.Match[str]) -> str:
            known = match.group()[1:].rstrip("._") in brand.handles or match.group()[1:] in brand.handles
            return (BRAND if known else OTHER) * len(match.group())

        plain = _MENTION.sub(mention, plain)
    for phrase in brand.phrases:
        at = plain.find(phrase)
        while at >= 0:
            end = at + len(phrase)
            before, after = plain[at - 1 : at], plain[end : end + 1]
            if not (before.isalnum() or before in ("_", "#")) and not (after.isalnum() or after == "_"):
                plain = plain[:at] + BRAND * len(phrase) + plain[end:]
            at = plain.find(phrase, end)
    return plain


def read(text: str, brand: BrandNames) -> SeenText:
    """Read a text as a person who knows the brand would. Linear in its length."""
    simple = text.lower() if text.isascii() else _fold_simply(text)
    if simple is not None:
        seen = SeenText(text, simple)
    else:
        plain, origin, odd = _fold_all(text)
        if not plain.isascii():
            plain = _fold_lookalikes(plain, odd)
        seen = SeenText(text, plain, origin, odd if any(odd) else None)
    plain = _masked(seen.plain, brand)
    tokens = []
    for match in _TOKEN.finditer(plain):
        start, end = match.span()
        word = match.group()
        tag = word[0] == "#"
        if tag:
            word = word[1:]
            if start and plain[start - 1].isalnum():
                start, tag = start + 1, False
            elif word in brand.tags:
                plain = plain[:start] + BRAND * (end - start) + plain[end:]
        tokens.append(Token(start, end, word.strip("_") if "_" in word else word, tag))
    seen.plain = plain
    seen.tokens = tokens
    seen.words = frozenset([token.word for token in tokens])
    seen.starts = frozenset([word[:WORD_START] for word in seen.words])
    return seen


def read_mirrored(text: str, brand: BrandNames) -> SeenText | None:
    """The text with its right-to-left overridden parts turned round, or None if it has none."""
    if _RIGHT_TO_LEFT not in text:
        return None
    order = list(range(len(text)))
    for part in _OVERRIDDEN.finditer(text):
        order[part.start(1) : part.end(1)] = reversed(order[part.start(1) : part.end(1)])
    turned = read("".join(text[index] for index in order).replace(_RIGHT_TO_LEFT, "\u202d"), brand)
    turned.origin = [order[place] for place in turned.origin or []]
    turned.original = text
    return turned


def remarks(text: str, words: re.Pattern[str]) -> tuple[str, list[str]]:
    """Split observations in brackets ("(on screen all stream)") from the text on the screen.

    The remarks are blanked, not removed, so that positions stay true.
    """
    found: list[str] = []

    def blank(match: re.Match[str]) -> str:
        if words.search(match.group(1).casefold()) is None:
            return match.group()
        found.append(match.group(1).casefold())
        return " " * len(match.group())

    return _REMARK.sub(blank, text), found
