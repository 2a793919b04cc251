"""Rule packs: what one jurisdiction asks, read from data files and made ready to decide with.

A pack gives the meanings that lexicons define a standing under its law, and the rules of place. A
jurisdiction is therefore added by a file, not by code. Files are read once; after that everything is pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from domain.disclosure.lexicons import (
    Phrase,
    Reading,
    Word,
    languages,
    lexicons_digest,
    load_lexicon,
    read_data,
    reading,
)
from domain.disclosure.models import Reason
from domain.disclosure.pack_files import COLUMNS, JoinedEntry, Kind, LabelEntry, PackFile, Standing

_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a pack makes of one meaning or joined form. `rule_id` is stable."""

    rule_id: str
    concept: str
    kind: Kind
    standing: Standing
    columns: frozenset[str]
    language: str
    languages: frozenset[str]
    confidence: str
    why: str = ""
    hashtag_required: bool = False
    beside_brand: bool = False
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """A joined hashtag with its rule."""

    rule: Rule
    entry: JoinedEntry


@dataclass(frozen=True, slots=True)
class Pack:
    """A jurisdiction's rules. Safe to share between threads: what is remembered is always the same."""

    file: PackFile
    joined: tuple[Joined, ...]
    open_suffixes: tuple[str, ...]
    fingerprint: str
    _named: dict[str, LabelEntry]
    _rules: dict[str, Rule] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """ISO 3166-1 code of the jurisdiction."""
        return self.file.code

    @property
    def version(self) -> str:
        """Version of the pack, and a fingerprint that changes with any change of its data."""
        return f"{self.file.version}+{self.fingerprint}"

    def rule(self, entry: Word | Phrase) -> Rule:
        """What this pack makes of a meaning: as it says itself, else by what the wording says."""
        known = self._rules.get(entry.concept)
        if known is None:
            known = self._rules[entry.concept] = self._new_rule(entry)
        return known

    def _new_rule(self, entry: Word | Phrase) -> Rule:
        label = self._named.get(entry.concept)
        standing: Standing = getattr(self.file.unlisted, entry.kind) if label is None else label.standing
        columns = COLUMNS[entry.kind] if label is None or label.relationship is None else label.relationship
        return Rule(
            rule_id=f"{self.file.code}/label/{entry.concept}",
            concept=entry.concept,
            kind=entry.kind,
            standing=standing,
            columns=frozenset(columns),
            language=entry.language,
            languages=frozenset((label.languages if label else ()) or (entry.language,)),
            confidence="general" if label is None else label.confidence,
            why="" if label is None else label.why,
            hashtag_required=label is not None and label.hashtag == "required",
            beside_brand=label is not None and label.beside_brand,
            reason=None if label is None else label.reason,
        )

    def reading(self, language: str | None) -> Reading:
        """The lexicons for a post in a language: that one, this jurisdiction's own, and English."""
        others = [code for code in self.file.language.own if code != language]
        return reading(tuple(dict.fromkeys((*((language,) if language else ()), *others, _ENGLISH))))


@cache
def load_pack(code: str) -> Pack | None:
    """The rule pack of a jurisdiction (ISO 3166-1 code), or None when there is none yet."""
    data = read_data("packs", code.lower()) if re.fullmatch(r"[A-Za-z]{2}", code) else None
    return None if data is None else compile_pack(PackFile.model_validate(data))


@cache
def available() -> tuple[str, ...]:
    """The codes of all jurisdictions that have a pack, in order."""
    folder = resources.files("domain.disclosure").joinpath("packs")
    return tuple(sorted(f.name[:-5].upper() for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def fallback_pack(code: str) -> Pack | None:
    """The pack that stands in for a jurisdiction without its own (never to pass a post), or None."""
    packs = [load_pack(other) for other in available()]
    return next((pack for pack in packs if pack is not None and code in pack.file.fallback_for), None)


def compile_pack(file: PackFile) -> Pack:
    """Make a pack ready to use. Raises ValueError when it names a meaning that no lexicon has."""
    named = {label.concept: label for label in file.label}
    combined = {concept for each in file.combination for concept in each.concepts}
    if unknown := sorted(concept for concept in {*named, *combined} if not _is_known(concept)):
        raise ValueError(f"pack {file.code} names meanings that no lexicon has: {', '.join(unknown)}")
    return Pack(
        file=file,
        joined=tuple(_joined(file, entry) for entry in file.joined),
        open_suffixes=(
            "ad",
            *(suffix for entry in file.joined if not entry.needs_brand for suffix in entry.suffixes),
        ),
        fingerprint=hashlib.sha256(file.model_dump_json().encode() + lexicons_digest()).hexdigest()[:12],
        _named=named,
    )


@cache
def _is_known(concept: str) -> bool:
    language, _, meaning = concept.partition(".")
    if language not in languages():
        return False
    file = load_lexicon(language)
    return meaning in {word.id for word in file.word} | {phrase.id for phrase in file.phrase}


def _joined(file: PackFile, entry: JoinedEntry) -> Joined:
    rule = Rule(
        rule_id=f"{file.code}/joined/{entry.id}",
        concept=f"joined.{entry.id}",
        kind="hint",
        standing=entry.standing,
        columns=frozenset(entry.relationship),
        language="*" if entry.language is None else entry.language,
        languages=frozenset({"*"} if entry.language is None else {entry.language}),
        confidence=entry.confidence,
        why=entry.why,
    )
    return Joined(rule=rule, entry=entry)
