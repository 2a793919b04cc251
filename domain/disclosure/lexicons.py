"""Lexicons: how a language labels, hints and denies, read from data files and made ready to match.

A lexicon knows meanings only; what each is worth is said by the pack of a jurisdiction. Patterns are
tried only on texts that hold a piece without which they cannot match. Files are read once.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final, Generic, TypeVar

from domain.disclosure.pack_files import DenialEntry, Kind, LexiconFile, PhraseEntry, WordEntry
from domain.disclosure.pieces import pieces_of
from domain.disclosure.text import BRAND, EMOJI, OTHER, SeenText, plainly
from domain.disclosure.text import WORD_START as _START

_SPACE: Final = rf"[\s{EMOJI}#,*_~\"()-]+"
_STEP: Final = rf"(?:(?<!#)[^\s.!?;:|#{EMOJI}]+[\s{EMOJI},]+)"
_MINE: Final = (
    r"(?!(?:my|our|your|his|her|meine?[rmn]?|unsere?[rmn]?|mia|mio|miei|mi|mis|minha|meu|mijn|onze|min|mitt|mina|mine|"
    r"moja|moj|mojej|mon|ma|mes|notre)\b)"
)
_NEAR: Final = rf"(?:{_MINE}(?<!#)[^\s.!?;:|#,{EMOJI}]+[\s{EMOJI}]+)"
_NAMED: Final = rf"[{BRAND}{OTHER}]+(?:'s)?"
_WHO: Final = (
    r"(?:(?:(?:the|my|our) )?(?:(?:lovely|kind|good|nice|sweet|amazing|wonderful|generous) )*"
    r"(?:(?:team|folks|people|crew|friends|gang|humans|guys|ladies|peeps)(?: over)? "
    rf"(?:at|from|behind) )?{_NAMED})"
)
_FIRST_WORD: Final = re.compile(r"[a-z]+", re.ASCII)
_STARTS_WITH_WHO: Final = re.compile(r"^(\(\?:)?\{who\}")
_LONG: Final = 6
_PACKAGE: Final = "domain.disclosure"


@dataclass(frozen=True, slots=True)
class Word:
    """A compiled word label."""

    concept: str
    kind: Kind
    language: str
    tag_only: bool
    not_next: frozenset[str]
    not_before: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """A compiled phrase label."""

    concept: str
    kind: Kind
    language: str
    patterns: tuple[re.Pattern[str], ...]
    not_before: re.Pattern[str] | None
    not_after: re.Pattern[str] | None
    needs_brand: bool
    names_sponsor: bool


@dataclass(frozen=True, slots=True)
class Denial:
    """A compiled way to deny."""

    entry: DenialEntry
    rule_id: str
    patterns: tuple[re.Pattern[str], ...]
    not_before: re.Pattern[str] | None
    not_after: re.Pattern[str] | None


Entry = TypeVar("Entry", Phrase, Denial)
Needs = tuple[tuple[str, ...], tuple[str, ...]]
"""Pieces of text of which one must occur, and others of which one must occur too."""


class Needed(Generic[Entry]):
    """Entries that are tried only when a text holds one of their pieces, and one of the others.

    '=word' asks for the whole word; anything else is how a word, or several words, begin, or any piece.
    """

    def __init__(self, entries: Sequence[tuple[Entry, Needs, bool]]) -> None:
        self.entries: tuple[Entry, ...] = tuple(entry for entry, _, _ in entries)
        self._also = tuple(needs[1] for _, needs, _ in entries)
        self._words: dict[str, list[tuple[str, int]]] = {}
        self._starts: dict[str, list[tuple[str, int]]] = {}
        self._pieces: dict[str, list[int]] = {}
        self._ascii: list[tuple[str, list[int]]] = []
        self._other: list[tuple[str, list[int]]] = []
        for index, (_, needs, derived) in enumerate(entries):
            for need in needs[0]:
                if derived:
                    self._pieces.setdefault(need, []).append(index)
                else:
                    self._file(need, index)
        for piece, indexes in self._pieces.items():
            (self._ascii if piece.isascii() else self._other).append((piece, indexes))

    def _file(self, need: str, index: int) -> None:
        """Look a need up by its first word, by how that begins, or, where neither is sure, by itself."""
        first = _FIRST_WORD.match(need.removeprefix("="))
        word = first.group() if first is not None else ""
        if need.startswith("=") or (word and len(need) > len(word)):
            self._words.setdefault(word, []).append((need.removeprefix("="), index))
        elif len(word) >= _START:
            self._starts.setdefault(word[:_START], []).append((need, index))
        else:
            self._pieces.setdefault(need, []).append(index)

    def for_text(self, seen: SeenText) -> list[Entry]:
        """The entries worth trying on a text, in their order."""
        plain = seen.plain
        found: set[int] = set()
        for piece, indexes in self._ascii:
            if piece in plain:
                found.update(indexes)
        if not plain.isascii():
            for piece, indexes in self._other:
                if piece in plain:
                    found.update(indexes)
        for word in seen.words & self._words.keys():
            found.update(index for need, index in self._words[word] if need in plain)
        for start in seen.starts & self._starts.keys():
            found.update(index for need, index in self._starts[start] if need in plain)
        if not found:
            return []
        asked: dict[tuple[str, ...], bool] = {(): True}
        for index in found:
            also = self._also[index]
            if also not in asked:
                asked[also] = any(part in plain for part in also)
        return [self.entries[index] for index in sorted(found) if asked[self._also[index]]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language, compiled."""

    language: str
    words: dict[str, tuple[Word, ...]]
    tags: dict[str, tuple[Word, ...]]
    phrases: tuple[tuple[Phrase, Needs, bool], ...]
    denials: tuple[tuple[Denial, Needs, bool], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The lexicons with which one post is read, put together."""

    words: dict[str, tuple[Word, ...]]
    tags: dict[str, tuple[Word, ...]]
    phrases: Needed[Phrase]
    denials: Needed[Denial]
    denial_tags: tuple[tuple[str, Denial], ...]
    denial_tag_starts: tuple[str, ...]
    ordinary_words: frozenset[str]


def compile_pattern(pattern: str, macros: dict[str, str]) -> re.Pattern[str]:
    """Compile a lexicon pattern: `{brand}`, `{who}`, macros, loose spaces, and words in between.

    `{w0-6}` are up to 6 words of the clause, `{n0-2}` up to 2 that may stand before a name ("the team at",
    not "my sister").
    """
    for _ in range(5):
        for name, text in macros.items():
            pattern = pattern.replace("{" + name + "}", f"(?:{text})")
    pattern = _STARTS_WITH_WHO.sub(lambda m: (m[1] or "") + _NAMED, pattern)
    pattern = pattern.replace("{named}", _NAMED).replace("{who}", _WHO)
    pattern = pattern.replace("{brand}", f"{BRAND}+").replace("{other}", f"{OTHER}+")
    pattern = re.sub(r"\{w(\d+)-(\d+)\}", lambda m: f"{_STEP}{{{m[1]},{m[2]}}}?", pattern)
    pattern = re.sub(r"\{n(\d+)-(\d+)\}", lambda m: f"{_NEAR}{{{m[1]},{m[2]}}}?", pattern)
    pattern = re.sub(r" ([?*])?", lambda m: f"(?:{_SPACE})?" if m[1] else _SPACE, pattern)
    return re.compile(pattern)


def _bare(text: str) -> str:
    """A pattern without the accents that posts are matched without. Escapes keep their case."""
    return text if text.isascii() else "".join(c if c.isascii() else plainly(c) for c in text)


def _optional(pattern: str | None, macros: dict[str, str]) -> re.Pattern[str] | None:
    return None if pattern is None else compile_pattern(_bare(pattern), macros)


def read_data(folder: str, name: str) -> dict[str, Any] | None:
    """A data file of the package, or None when there is none of that name."""
    file = resources.files(_PACKAGE).joinpath(folder, f"{name}.toml")
    if not file.is_file():
        return None
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def languages() -> tuple[str, ...]:
    """All languages that have a lexicon, in order."""
    folder = resources.files(_PACKAGE).joinpath("lexicons")
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def lexicons_digest() -> bytes:
    """A digest over the content of all lexicons."""
    digest = hashlib.sha256()
    for language in languages():
        file = resources.files(_PACKAGE).joinpath("lexicons", f"{language}.toml")
        digest.update(file.read_bytes())
    return digest.digest()


@cache
def load_lexicon(language: str) -> LexiconFile:
    """The lexicon of a language. Raises LookupError when the package has none."""
    data = read_data("lexicons", language)
    if data is None:
        raise LookupError(f"no lexicon for language {language!r}")
    return LexiconFile.model_validate(data)


@cache
def _compiled(language: str) -> Lexicon:
    file = load_lexicon(language)
    macros = {name: _bare(text) for name, text in file.macros.items()}
    words: dict[str, list[Word]] = {}
    tags: dict[str, list[Word]] = {}
    for entry in file.word:
        word = _word(file, entry, macros)
        for form in map(plainly, entry.forms):
            words.setdefault(form, []).append(word)
        for form in dict.fromkeys(map(plainly, (*entry.forms, *entry.tags))):
            tags.setdefault(form, []).append(word)
    return Lexicon(
        language=file.language,
        words={form: tuple(found) for form, found in words.items()},
        tags={form: tuple(found) for form, found in tags.items()},
        phrases=tuple(_phrase(file, entry, macros) for entry in file.phrase),
        denials=tuple(_denial(file, entry, macros) for entry in file.denial),
    )


def _word(file: LexiconFile, entry: WordEntry, macros: dict[str, str]) -> Word:
    return Word(
        concept=f"{file.language}.{entry.id}",
        kind=entry.kind,
        language=file.language,
        tag_only=entry.tag_only,
        not_next=frozenset(map(plainly, entry.not_next)),
        not_before=_optional(entry.not_before, macros),
    )


def _patterns(patterns: Sequence[str], macros: dict[str, str]) -> tuple[re.Pattern[str], ...]:
    return tuple(compile_pattern(_bare(pattern), macros) for pattern in patterns)


def _needs(
    entry: PhraseEntry | DenialEntry, patterns: Sequence[re.Pattern[str]]
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], bool]:
    """The pieces as the file gives them, else as they follow from the patterns."""
    if entry.need or not patterns:
        return (tuple(map(_bare, entry.need)), tuple(map(_bare, entry.also))), False
    found = sorted({piece for pattern in patterns for piece in pieces_of(pattern)})
    return (tuple(found), tuple(map(_bare, entry.also))), True


def _phrase(file: LexiconFile, entry: PhraseEntry, macros: dict[str, str]) -> tuple[Phrase, Needs, bool]:
    patterns = _patterns(entry.patterns, macros)
    phrase = Phrase(
        concept=f"{file.language}.{entry.id}",
        kind=entry.kind,
        language=file.language,
        patterns=patterns,
        not_before=_optional(entry.not_before, macros),
        not_after=_optional(entry.not_after, macros),
        needs_brand=entry.needs_brand,
        names_sponsor=entry.names_sponsor,
    )
    return (phrase, *_needs(entry, patterns))


def _denial(file: LexiconFile, entry: DenialEntry, macros: dict[str, str]) -> tuple[Denial, Needs, bool]:
    patterns = _patterns(entry.patterns, macros)
    denial = Denial(
        entry=entry.model_copy(update={"tags": tuple(map(plainly, entry.tags))}),
        rule_id=f"denial/{file.language}.{entry.id}",
        patterns=patterns,
        not_before=_optional(entry.not_before, macros),
        not_after=_optional(entry.not_after, macros),
    )
    return (denial, *_needs(entry, patterns))


@lru_cache(maxsize=256)
def reading(codes: tuple[str, ...]) -> Reading:
    """Several languages put together; those without a lexicon are left out.

    The plain words for advertising of all other languages are known too, so that a label in a language
    that does not fit the post is seen as such.
    """
    lexicons = [_compiled(code) for code in dict.fromkeys(codes) if code in languages()]
    words: dict[str, tuple[Word, ...]] = {}
    tags: dict[str, tuple[Word, ...]] = {}
    for lexicon in lexicons:
        for form, found in lexicon.words.items():
            words[form] = words.get(form, ()) + found
        for form, found in lexicon.tags.items():
            tags[form] = tags.get(form, ()) + found
    for form, word in _foreign_labels().items():
        words.setdefault(form, (word,))
        tags.setdefault(form, (word,))
    denials = [each for lexicon in lexicons for each in lexicon.denials]
    denial_tags = tuple((tag, denial) for denial, _, _ in denials for tag in denial.entry.tags)
    return Reading(
        words=words,
        tags=tags,
        phrases=Needed([each for lexicon in lexicons for each in lexicon.phrases]),
        denials=Needed(denials),
        denial_tags=denial_tags,
        denial_tag_starts=tuple(dict.fromkeys(tag for tag, _ in denial_tags)),
        ordinary_words=frozenset(load_lexicon(codes[0]).ordinary_words if codes[0] in languages() else ()),
    )


@cache
def _foreign_labels() -> dict[str, Word]:
    """Long plain words for advertising in any language; short ones mean too much else."""
    found: dict[str, Word] = {}
    for language in languages():
        file = load_lexicon(language)
        for entry in file.word:
            for form in map(plainly, entry.forms if entry.kind == "ad" and language != "en" else ()):
                if len(form) >= _LONG or not form.isascii():
                    found.setdefault(form, _word(file, entry, file.macros))
    return found


@cache
def common_words() -> dict[str, frozenset[str]]:
    """The words by which each language is told, for languages that have any."""
    files = [load_lexicon(language) for language in languages()]
    return {file.language: frozenset(map(plainly, file.common_words)) for file in files if file.common_words}
