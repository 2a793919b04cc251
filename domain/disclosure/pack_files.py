"""The shape of the data files: rule packs of jurisdictions, lexicons of languages.

Every field of a file is declared here and checked when the file is read, so a mistake in the data is
named at once. Nothing here compiles or decides.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.disclosure.models import Outcome

Confidence = Literal["verified", "verified_secondary", "verified_opening_only", "general"]
Column = Literal["paid", "gift", "affiliate"]
Standing = Literal["accepted", "review", "insufficient"]

_STRICT = ConfigDict(frozen=True, extra="forbid")


class WordEntry(BaseModel):
    """A label of one word, such as 'ad', as a hashtag or standing where a label stands."""

    model_config = _STRICT
    id: str
    forms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tag_only: bool = False
    anywhere: bool = False
    not_next: tuple[str, ...] = ()
    not_before: str | None = None


class PhraseEntry(BaseModel):
    """A label of several words, given as patterns that match its meaning."""

    model_config = _STRICT
    id: str
    need: tuple[str, ...]
    also: tuple[str, ...] = ()
    patterns: tuple[str, ...]
    not_before: str | None = None
    not_after: str | None = None
    needs_brand: bool = False
    names_sponsor: bool = False


class DenialEntry(BaseModel):
    """Ways to deny the connection. `kind` says what is denied, `strength` how sure the reading is."""

    model_config = _STRICT
    id: str
    kind: Literal["ad", "money", "own_money", "gift", "affiliate", "wish"]
    need: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    when: tuple[Column, ...] = ("paid", "gift", "affiliate")
    strength: Literal["fail", "needs_review"] = "fail"
    not_before: str | None = None
    not_after: str | None = None


class LexiconFile(BaseModel):
    """One file of `lexicons/`: how one language labels, hints and denies."""

    model_config = _STRICT
    language: str
    common_words: tuple[str, ...] = ()
    spaced: bool = True
    macros: dict[str, str] = {}
    word: tuple[WordEntry, ...] = ()
    phrase: tuple[PhraseEntry, ...] = ()
    denial: tuple[DenialEntry, ...] = ()


class LabelEntry(BaseModel):
    """What a jurisdiction makes of one meaning of a lexicon ('en.ad')."""

    model_config = _STRICT
    concept: str
    standing: Standing
    relationship: tuple[Column, ...] = ("paid", "gift", "affiliate")
    languages: tuple[str, ...] = ()
    confidence: Confidence
    why: str = ""


class JoinedEntry(BaseModel):
    """Hashtags in which a brand and another word are fused, such as '#BrandAd'."""

    model_config = _STRICT
    id: str
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    needs_brand: bool = True
    standing: Standing
    relationship: tuple[Column, ...] = ("paid", "gift", "affiliate")
    confidence: Confidence
    why: str = ""


class VideoRules(BaseModel):
    """What label evidence a video needs in this jurisdiction."""

    model_config = _STRICT
    caption_only: Outcome
    one_of_two: Outcome
    youtube_title: Outcome
    confidence: Confidence


class Source(BaseModel):
    """A page or text that a pack was written from."""

    model_config = _STRICT
    title: str
    url: str
    confidence: Confidence


class Advice(BaseModel):
    """Words that are safe to write, by column of the label table; '{brand}' is filled in."""

    model_config = _STRICT
    paid: str
    gift: str
    affiliate: str


class PackFile(BaseModel):
    """One file of `packs/`: the rules of one jurisdiction, with where they come from."""

    model_config = _STRICT
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: str
    version: str
    valid_from: str
    review_by: str
    confidence: Confidence
    regulators: tuple[str, ...]
    summary: str
    lexicons: tuple[str, ...]
    language_rule: Literal["same_as_content", "understood_by_audience"]
    platform_label_alone: Outcome
    post_overlay_only: Outcome
    first_in_hashtag_block: Outcome
    video: VideoRules
    advice: Advice
    label: tuple[LabelEntry, ...]
    joined: tuple[JoinedEntry, ...] = ()
    sources: tuple[Source, ...]
