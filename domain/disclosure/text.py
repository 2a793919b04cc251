"""Reading a text as a person sees it: one plain form to match on, with the way back to the original.

Styled letters become plain, invisible characters vanish, emoji become one separator, mentions of the
brand, of others, and links become marks of the same length. Letters that only some readers or devices
show as the label (other scripts, gothic, circled, reversed) are folded too, but remembered as odd.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

BRAND: Final = "\ue000"
OTHER: Final = "\ue001"
LINK: Final = "\ue002"
EMOJI: Final = "\ue003"
WORD_START: Final = 4
"""Letters by which words are looked up."""

_PLAIN, _ODD, _DROP, _BIDI, _MARK, _ACCENT, _FLAG = range(7)
_BIDI_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT: Final = "\u202e"
_PUNCTUATION: Final = str.maketrans(
    dict.fromkeys("‘’‛ʼ`´＇", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("“”„«»", '"')
    | dict(zip("。｡、،؟।・‧∙", "..,,?.···", strict=True))
)
_LATIN_BASE: Final = dict(zip("łøđıħŧ", "lodiht", strict=True))
_NEW_LINES: Final = frozenset("\n\x0b\x0c\x85\u2028\u2029")
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
MARKS: Final = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963\u0981-\u0983\u09bc-\u09d7"
    "\u0a01-\u0a51\u0a81-\u0ae3\u0b01-\u0b57\u0b82-\u0bd7\u0c00-\u0c56\u0c81-\u0ce3\u0d00-\u0d63\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
"""Signs that belong to the letter before them, so that they do not end a word (Devanagari, Thai, Arabic)."""
_TOKEN: Final = re.compile(rf"#?[\w{MARKS}]+")
_ASCII_TOKEN: Final = re.compile(r"#?\w+", re.ASCII)
_LINKS: Final = re.compile(r"https?://\S+|www\.\S+|(?<![@\w.])[\w-]+\.(?:com|net|org|co|shop|io)\b\S*")
_LINK_SIGNS: Final = ("http", "www.", ".co", ".net", ".org", ".shop", ".io")
_MENTION: Final = re.compile(r"(?<![A-Za-z0-9_.])@(?:[a-z0-9._]*[a-z0-9_]|[\w.]*\w)")
_WORD: Final = re.compile(r"\w+")
_UNSPACED: Final = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0e7f]")
_ENDING: Final = 4
_OVERRIDDEN: Final = re.compile("\u202e([^\u202c\n]*)")
_REMARK: Final = re.compile(r"[(\[（]([^()\[\]（）]{3,80})[)\]）]")


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
    accented: bytearray | None = None
    tokens: list[Token] = field(default_factory=list)
    words: frozenset[str] = frozenset()
    starts: frozenset[str] = frozenset()
    _shouted: bool | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that a span of `plain` came from."""
        if self.origin is None:
            return start, end
        if start >= end:
            return start, start
        places = self.origin[start:end]
        return min(places), max(places) + 1

    @property
    def is_shouted(self) -> bool:
        """Whether at least half of the letters are capitals."""
        if self._shouted is None:
            letters = [c for c in self.original if c.isalpha()]
            self._shouted = sum(c.isupper() for c in letters) * 2 >= len(letters)
        return self._shouted

    def is_odd(self, start: int, end: int) -> bool:
        """Whether a span holds letters that not every reader sees as the plain ones."""
        return self.odd is not None and any(self.odd[start:end])

    def is_accented(self, start: int, end: int) -> bool:
        """Whether a span holds Latin letters whose accents were left out of the plain form."""
        return self.accented is not None and any(self.accented[start:end])

    def is_upper(self, start: int, end: int) -> bool:
        """Whether the span is written in capitals in the original."""
        first, last = self.span(start, end)
        return unicodedata.normalize("NFKC", self.original[first:last]).isupper()


@lru_cache(maxsize=16384)
def _fold(char: str) -> tuple[str, int]:
    """The plain form of one character (or of a letter with its marks), and what kind of character it is."""
    if char in _BIDI_CONTROLS:
        return "", _BIDI
    if char in _NEW_LINES:
        return "\n", _PLAIN
    if len(char) > 1:
        return _unaccented(unicodedata.normalize("NFKC", char).casefold())
    category = unicodedata.category(char)
    if category in {"Cf", "Cc"} or 0xFE00 <= ord(char) <= 0xFE0F:
        return (" ", _PLAIN) if char == "\t" else ("", _DROP)
    name = unicodedata.name(char, "")
    flag = name.startswith("REGIONAL INDICATOR")
    plain = unicodedata.normalize("NFKC", char).casefold().translate(_PUNCTUATION)
    if flag or any(mark in name for mark in _ODD_NAMES):
        letter = _LAST_LETTER.search(name)
        if letter is not None:
            return letter.group(1).lower(), _FLAG if flag else _ODD
        return (plain, _ODD) if plain.isalnum() else (EMOJI, _PLAIN)
    if category in {"Mn", "Me", "Mc"}:
        return plain, _MARK
    if category in {"So", "Sk", "Co", "Cn", "Cs"} and not plain.isascii():
        return EMOJI, _PLAIN
    return (plain, _PLAIN) if plain.isascii() else _unaccented(plain)


def _unaccented(plain: str) -> tuple[str, int]:
    """Latin letters without their accents, since people type labels with and without them."""
    base = "".join(_LATIN_BASE.get(c) or unicodedata.normalize("NFD", c)[0] for c in plain)
    return (base, _ACCENT) if base != plain and base.isascii() else (plain, _PLAIN)


def plainly(text: str) -> str:
    """A text in the plain form that posts are matched in. Marks that stand for the pack's own use stay."""
    text = unicodedata.normalize("NFC", text).casefold().translate(_PUNCTUATION)
    return text if text.isascii() else "".join(_unaccented(c)[0] for c in text)


def _fold_simply(text: str) -> tuple[str, bytearray | None] | None:
    """The plain form when each character has one of its own and none is odd, else None."""
    if not unicodedata.is_normalized("NFC", text):
        return None
    chars = set(text)
    for char in chars - _simple.keys():
        plain, kind = (EMOJI, _PLAIN) if char == _EMOJI_STYLE else _fold(char)
        if kind not in {_PLAIN, _ACCENT} or len(plain) != 1 or plain in _LOOKALIKE:
            return None
        _simple[char] = plain
        if kind == _ACCENT:
            _with_accent.add(char)
    if _EMOJI_STYLE in chars and _STYLED_TEXT.search(text):
        return None
    accented = bytearray(c in _with_accent for c in text) if chars & _with_accent else None
    return text.translate({ord(char): _simple[char] for char in chars}), accented


_simple: dict[str, str] = {}
_with_accent: set[str] = set()


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Characters with their places; letters that are written in parts (Hangul, accents) as one."""
    if unicodedata.is_normalized("NFC", text):
        yield from enumerate(text)
        return
    for part in _PARTS.finditer(text):
        whole = unicodedata.normalize("NFC", part.group())
        if len(whole) == 1:
            yield part.start(), part.group() if len(part.group()) == 1 else whole
        else:
            yield from enumerate(part.group(), start=part.start())


_PARTS: Final = re.compile(
    "[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|\\w[\u0300-\u036f\u3099\u309a]|.", re.DOTALL
)


def _fold_all(text: str) -> tuple[str, list[int], bytearray, bytearray]:
    out: list[str] = []
    origin: list[int] = []
    odd = bytearray()
    accented = bytearray()
    depth = 0
    touched = False
    last = _PLAIN
    for index, char in _clusters(text):
        plain, kind = _fold(char)
        if kind == _BIDI:
            depth = max(0, depth + (-1 if char in "\u202c\u2069" else 1))
            touched = True
            if odd:
                odd[-1] = 1
            continue
        if kind == _MARK and out and out[-1].isascii() and out[-1].isalpha():
            if len(unicodedata.normalize("NFC", out[-1] + plain)) == 1:
                accented[-1] = 1
            else:
                odd[-1] = 1
            continue
        if (
            kind != _DROP
            and (kind == _FLAG) != (last == _FLAG)
            and out
            and plain.isalnum()
            and out[-1].isalnum()
        ):
            plain = EMOJI + plain
        last = last if kind == _DROP else kind
        for piece in plain:
            out.append(piece)
            origin.append(index)
            odd.append(1 if kind in {_ODD, _FLAG} or depth or touched else 0)
            accented.append(kind == _ACCENT)
            touched = False
    return "".join(out), origin, odd, accented


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
    return "".join(c for c in plainly(unicodedata.normalize("NFKC", name)) if c.isalnum())


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
    plain = plainly(unicodedata.normalize("NFKC", name)).strip()
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
            before, after = plain[at - 1 : at], _ending(plain, end, len(phrase))
            if before not in ("_", "#") and not _joins(before, phrase[0]) and after is not None:
                plain = plain[:at] + BRAND * (after - at) + plain[after:]
            at = plain.find(phrase, end)
    return plain


def _joins(one: str, other: str) -> bool:
    """Whether two characters belong to one word, as far as their scripts mark words at all."""
    if not one or not other or not (one.isalnum() or one == "_") or not (other.isalnum() or other == "_"):
        return False
    return not _UNSPACED.match(one) and not _UNSPACED.match(other)


def _ending(plain: str, end: int, length: int) -> int | None:
    """Where a brand's name ends that was found to end at `end`, with a case ending; None inside a word."""
    after = end
    while after < len(plain) and _joins(plain[after - 1], plain[after]):
        after += 1
    if after == end:
        return end
    long_enough = length > _ENDING and after - end <= _ENDING and plain[end:after].isalpha()
    return after if long_enough else None


def read(text: str, brand: BrandNames) -> SeenText:
    """Read a text as a person who knows the brand would. Linear in its length."""
    simple = (text.lower(), None) if text.isascii() else _fold_simply(text)
    if simple is not None:
        seen = SeenText(text, simple[0], accented=simple[1])
    else:
        plain, origin, odd, accented = _fold_all(text)
        if not plain.isascii():
            plain = _fold_lookalikes(plain, odd)
        seen = SeenText(text, plain, origin, odd if any(odd) else None, accented if any(accented) else None)
    plain = _masked(seen.plain, brand)
    tokens = []
    for match in (_ASCII_TOKEN if text.isascii() else _TOKEN).finditer(plain):
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
        noted = plainly(match.group(1))
        if words.search(noted) is None:
            return match.group()
        found.append(noted)
        return " " * len(match.group())

    return _REMARK.sub(blank, text), found
