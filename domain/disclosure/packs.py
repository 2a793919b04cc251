"""Rule packs (what one jurisdiction asks) and lexicons (how one language says it), read from data files.

A lexicon names meanings: words, phrases and denials. A pack gives each meaning a standing under its
law, and the rules of place. A jurisdiction is therefore added by a file, not by code. Files are read
once from the package; after that everything here is pure.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Generic, TypeVar

from domain.disclosure.pack_files import (
    DenialEntry,
    JoinedEntry,
    LabelEntry,
    LexiconFile,
    PackFile,
    PhraseEntry,
    Standing,
)
from domain.disclosure.text import BRAND, EMOJI, OTHER, SeenText
from domain.disclosure.text import WORD_START as _START

_SPACE: Final = rf"[\s{EMOJI}#,*_~\"()-]+"
_STEP: Final = rf"(?:(?<!#)[^\s.!?;:|#{EMOJI}]+[\s{EMOJI},]+)"
_NAMED: Final = rf"[{BRAND}{OTHER}]+(?:'s)?"
_WHO: Final = (
    r"(?:(?:(?:the|my|our) )?(?:(?:lovely|kind|good|nice|sweet|amazing|wonderful|generous) )*"
    r"(?:(?:team|folks|people|crew|friends|gang|humans|guys|ladies|peeps)(?: over)? "
    rf"(?:at|from|behind) )?{_NAMED})"
)
_FIRST_WORD: Final = re.compile(r"[a-z]+", re.ASCII)
_STARTS_WITH_WHO: Final = re.compile(r"^(\(\?:)?\{who\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One label or joined form of a pack, ready to be matched. `rule_id` is stable."""

    rule_id: str
    standing: Standing
    columns: frozenset[str]
    language: str
    languages: frozenset[str]
    confidence: str
    why: str


@dataclass(frozen=True, slots=True)
class Word:
    """A compiled word label."""

    rule: Rule
    tag_only: bool
    anywhere: bool
    spaced: bool
    not_next: frozenset[str]
    not_before: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """A compiled phrase label."""

    rule: Rule
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


@dataclass(frozen=True, slots=True)
class Joined:
    """A compiled joined hashtag."""

    rule: Rule
    entry: JoinedEntry


Entry = TypeVar("Entry", Phrase, Denial)


class Needed(Generic[Entry]):
    """Entries that are tried only when a text holds one of their `need` words, and one of `also`.

    '=word' asks for the whole word; anything else is how a word, or several words, begin.
    """

    def __init__(self, entries: Sequence[tuple[Entry, tuple[str, ...], tuple[str, ...]]]) -> None:
        self.entries: tuple[Entry, ...] = tuple(entry for entry, _, _ in entries)
        self._also = tuple(also for _, _, also in entries)
        self._words: dict[str, list[tuple[str, int]]] = {}
        self._starts: dict[str, list[tuple[str, int]]] = {}
        self._ascii: list[tuple[str, int]] = []
        self._other: list[tuple[str, int]] = []
        for index, (_, needs, _) in enumerate(entries):
            for need in needs:
                self._file(need, index)

    def _file(self, need: str, index: int) -> None:
        """Look a need up by its first word, by how that begins, or, where neither is sure, by itself."""
        first = _FIRST_WORD.match(need.removeprefix("="))
        word = first.group() if first is not None else ""
        if need.startswith("=") or (word and len(need) > len(word)):
            self._words.setdefault(word, []).append((need.removeprefix("="), index))
        elif len(word) >= _START:
            self._starts.setdefault(word[:_START], []).append((need, index))
        else:
            (self._ascii if need.isascii() else self._other).append((need, index))

    def for_text(self, seen: SeenText) -> list[Entry]:
        """The entries worth trying on a text, in their order."""
        plain = seen.plain
        found = {index for part, index in self._ascii if part in plain}
        if not plain.isascii():
            found.update(index for part, index in self._other if part in plain)
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
class Pack:
    """A jurisdiction's rules, compiled. Immutable; safe to share between threads."""

    file: PackFile
    words: dict[str, tuple[Word, ...]]
    tags: dict[str, tuple[Word, ...]]
    unspaced: tuple[tuple[str, Word], ...]
    phrases: Needed[Phrase]
    denials: Needed[Denial]
    denial_tags: tuple[tuple[str, Denial], ...]
    denial_tag_starts: tuple[str, ...]
    joined: tuple[Joined, ...]
    open_suffixes: tuple[str, ...]
    fingerprint: str
    common_words: dict[str, frozenset[str]]

    @property
    def code(self) -> str:
        """ISO 3166-1 code of the jurisdiction."""
        return self.file.code

    @property
    def version(self) -> str:
        """Version of the pack, and a fingerprint that changes with any change of its data."""
        return f"{self.file.version}+{self.fingerprint}"


def compile_pattern(pattern: str, macros: dict[str, str]) -> re.Pattern[str]:
    """Compile a lexicon pattern: `{brand}`, `{who}`, `{w0-6}` (up to 6 words), macros, loose spaces."""
    for _ in range(4):
        for name, text in macros.items():
            pattern = pattern.replace("{" + name + "}", f"(?:{text})")
    pattern = _STARTS_WITH_WHO.sub(lambda m: (m[1] or "") + _NAMED, pattern)
    pattern = pattern.replace("{who}", _WHO).replace("{brand}", f"{BRAND}+").replace("{other}", f"{OTHER}+")
    pattern = re.sub(r"\{w(\d+)-(\d+)\}", lambda m: f"{_STEP}{{{m[1]},{m[2]}}}?", pattern)
    pattern = re.sub(r" ([?*])?", lambda m: f"(?:{_SPACE})?" if m[1] else _SPACE, pattern)
    return re.compile(pattern)


def _optional(pattern: str | None, macros: dict[str, str]) -> re.Pattern[str] | None:
    return None if pattern is None else compile_pattern(pattern, macros)


def _data(folder: str, name: str) -> dict[str, Any] | None:
    file = resources.files("domain.disclosure").joinpath(folder, f"{name}.toml")
    if not file.is_file():
        return None
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def load_lexicon(language: str) -> LexiconFile:
    """The lexicon of a language. Raises LookupError when the package has none."""
    data = _data("lexicons", language)
    if data is None:
        raise LookupError(f"no lexicon for language {language!r}")
    return LexiconFile.model_validate(data)


@cache
def load_pack(code: str) -> Pack | None:
    """The rule pack of a jurisdiction (ISO 3166-1 code), or None when there is none yet."""
    data = _data("packs", code.lower()) if re.fullmatch(r"[A-Za-z]{2}", code) else None
    return None if data is None else compile_pack(PackFile.model_validate(data))


def available() -> tuple[str, ...]:
    """The codes of all jurisdictions that have a pack, in order."""
    folder = resources.files("domain.disclosure").joinpath("packs")
    return tuple(sorted(f.name[:-5].upper() for f in folder.iterdir() if f.name.endswith(".toml")))


def compile_pack(file: PackFile) -> Pack:
    """Make a pack ready to use. Raises ValueError when it names a meaning that no lexicon has."""
    words: dict[str, list[Word]] = {}
    tags: dict[str, list[Word]] = {}
    unspaced: list[tuple[str, Word]] = []
    phrases: list[tuple[Phrase, tuple[str, ...], tuple[str, ...]]] = []
    denials: list[tuple[Denial, tuple[str, ...], tuple[str, ...]]] = []
    lexicons = {name: load_lexicon(name) for name in file.lexicons}
    rules = {label.concept: label for label in file.label}
    known: set[str] = set()
    for name, lexicon in lexicons.items():
        macros = lexicon.macros
        for word in lexicon.word:
            known.add(f"{name}.{word.id}")
            label = rules.get(f"{name}.{word.id}")
            if label is None:
                continue
            compiled = Word(
                rule=_rule(file, label, lexicon.language),
                tag_only=word.tag_only,
                anywhere=word.anywhere,
                spaced=lexicon.spaced,
                not_next=frozenset(word.not_next),
                not_before=_optional(word.not_before, macros),
            )
            for form in word.forms:
                words.setdefault(form, []).append(compiled)
                if not lexicon.spaced:
                    unspaced.append((form, compiled))
            for form in (*word.forms, *word.tags):
                tags.setdefault(form, []).append(compiled)
        for phrase in lexicon.phrase:
            known.add(f"{name}.{phrase.id}")
            label = rules.get(f"{name}.{phrase.id}")
            if label is not None:
                compiled_phrase = _phrase(phrase, _rule(file, label, lexicon.language), macros)
                phrases.append((compiled_phrase, phrase.need, phrase.also))
        denials.extend((_denial(name, d, macros), d.need, d.also) for d in lexicon.denial)
    if unknown := sorted(set(rules) - known):
        raise ValueError(f"pack {file.code} names meanings that no lexicon has: {', '.join(unknown)}")
    return Pack(
        file=file,
        words={form: tuple(found) for form, found in words.items()},
        tags={form: tuple(found) for form, found in tags.items()},
        unspaced=tuple(unspaced),
        phrases=Needed(phrases),
        denials=Needed(denials),
        denial_tags=tuple((tag, d) for d, _, _ in denials for tag in d.entry.tags),
        denial_tag_starts=tuple(tag for d, _, _ in denials for tag in d.entry.tags),
        joined=tuple(_joined(file, entry) for entry in file.joined),
        open_suffixes=(
            "ad",
            *(suffix for entry in file.joined if not entry.needs_brand for suffix in entry.suffixes),
        ),
        fingerprint=_fingerprint(file, *lexicons.values()),
        common_words={
            lexicon.language: frozenset(lexicon.common_words)
            for lexicon in lexicons.values()
            if lexicon.common_words
        },
    )


def _fingerprint(*files: PackFile | LexiconFile) -> str:
    """The first 12 hex digits of the SHA-256 over the content of the files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.model_dump_json().encode())
    return digest.hexdigest()[:12]


def _rule(file: PackFile, label: LabelEntry, language: str) -> Rule:
    return Rule(
        rule_id=f"{file.code}/label/{label.concept}",
        standing=label.standing,
        columns=frozenset(label.relationship),
        language=language,
        languages=frozenset(label.languages or (language,)),
        confidence=label.confidence,
        why=label.why,
    )


def _phrase(entry: PhraseEntry, rule: Rule, macros: dict[str, str]) -> Phrase:
    return Phrase(
        rule=rule,
        patterns=tuple(compile_pattern(p, macros) for p in entry.patterns),
        not_before=_optional(entry.not_before, macros),
        not_after=_optional(entry.not_after, macros),
        needs_brand=entry.needs_brand,
        names_sponsor=entry.names_sponsor,
    )


def _denial(lexicon: str, entry: DenialEntry, macros: dict[str, str]) -> Denial:
    return Denial(
        entry=entry,
        rule_id=f"denial/{lexicon}.{entry.id}",
        patterns=tuple(compile_pattern(p, macros) for p in entry.patterns),
        not_before=_optional(entry.not_before, macros),
        not_after=_optional(entry.not_after, macros),
    )


def _joined(file: PackFile, entry: JoinedEntry) -> Joined:
    rule = Rule(
        rule_id=f"{file.code}/joined/{entry.id}",
        standing=entry.standing,
        columns=frozenset(entry.relationship),
        language="*",
        languages=frozenset(),
        confidence=entry.confidence,
        why=entry.why,
    )
    return Joined(rule=rule, entry=entry)
