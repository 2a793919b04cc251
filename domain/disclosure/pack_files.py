"""The shape of the data files: rule packs of jurisdictions, lexicons of languages.

Every field of a file is declared here and checked when the file is read, so a mistake in the data is
named at once. Nothing here compiles or decides.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.disclosure.models import Outcome, Reason

Confidence = Literal["verified", "verified_secondary", "verified_opening_only", "general"]
Column = Literal["paid", "gift", "affiliate"]
Standing = Literal["accepted", "review", "insufficient"]
Kind = Literal["ad", "paid", "gift", "commission", "hint"]
"""What wording says: that this is advertising, was paid for, was a gift, earns commission; or only hints."""
COLUMNS: Final[dict[Kind, tuple[Column, ...]]] = {
    "ad": ("paid", "gift", "affiliate"),
    "paid": ("paid",),
    "gift": ("gift",),
    "commission": ("affiliate",),
    "hint": ("paid", "gift", "affiliate"),
}
"""The relationships that each kind of wording describes, unless a pack says otherwise."""

_STRICT = ConfigDict(frozen=True, extra="forbid")


class WordEntry(BaseModel):
    """A label of one word, such as 'ad', as a hashtag or standing where a label stands."""

    model_config = _STRICT
    id: str
    kind: Kind
    forms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tag_only: bool = False
    not_next: tuple[str, ...] = ()
    not_before: str | None = None


class PhraseEntry(BaseModel):
    """A label of several words, given as patterns that match its meaning."""

    model_config = _STRICT
    id: str
    kind: Kind
    need: tuple[str, ...] = ()
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
    """One file of `lexicons/`: how one language labels, hints and denies.

    `label` is the plain word for advertising, as a creator should write it. `ordinary_words` are labels of
    other languages that are everyday words in this one.
    """

    model_config = _STRICT
    language: str
    label: str
    ordinary_words: tuple[str, ...] = ()
    common_words: tuple[str, ...] = ()
    macros: dict[str, str] = {}
    word: tuple[WordEntry, ...] = ()
    phrase: tuple[PhraseEntry, ...] = ()
    denial: tuple[DenialEntry, ...] = ()


class LabelEntry(BaseModel):
    """What a jurisdiction makes of one meaning of a lexicon ('en.ad').

    `languages`: languages of posts on which it counts, when not only its own; '*' is any.
    `hashtag`: 'required' when the bare word is not enough. `beside_brand`: the brand must be named with it.
    """

    model_config = _STRICT
    concept: str
    standing: Standing
    relationship: tuple[Column, ...] | None = None
    languages: tuple[str, ...] = ()
    hashtag: Literal["optional", "required"] = "optional"
    beside_brand: bool = False
    confidence: Confidence
    why: str = ""
    reason: Reason | None = None


class Combination(BaseModel):
    """Two meanings that are enough only together."""

    model_config = _STRICT
    concepts: tuple[str, str]
    relationship: tuple[Column, ...]


class Unlisted(BaseModel):
    """What a jurisdiction makes of wording that its pack does not name, by what the wording says."""

    model_config = _STRICT
    ad: Standing
    paid: Standing
    gift: Standing
    commission: Standing
    hint: Standing = "insufficient"


class LanguageRule(BaseModel):
    """Which language a label must be in.

    `mismatch`: a post in a language of the jurisdiction, its label in another. `abroad_same` and
    `abroad_other`: a post in another language, with its label in the same or in yet another.
    """

    model_config = _STRICT
    rule: str
    own: tuple[str, ...]
    mismatch: Outcome
    abroad_same: Outcome
    abroad_other: Outcome
    confidence: Confidence


class PlacementRules(BaseModel):
    """Where a label must stand in a caption, beyond what is the same everywhere."""

    model_config = _STRICT
    first_in_block: Outcome = Outcome.NEEDS_REVIEW
    first_tags: int = 1
    last_in_block: Outcome = Outcome.FAIL
    not_first_word: Outcome = Outcome.PASS
    notes: tuple[str, ...] = ()
    confidence: Confidence = "general"


class JoinedEntry(BaseModel):
    """Hashtags in which a brand and another word are fused, such as '#BrandAd'."""

    model_config = _STRICT
    id: str
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    needs_brand: bool = True
    language: str | None = None
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
    note: str = ""
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
    in_force: str
    summary: str
    penalties: str
    fallback_for: tuple[str, ...] = ()
    language: LanguageRule
    platform_label_alone: Outcome
    platform_label_note: str = ""
    platform_label_confidence: Confidence
    post_overlay_only: Outcome = Outcome.NEEDS_REVIEW
    placement: PlacementRules = PlacementRules()
    video: VideoRules
    unlisted: Unlisted
    advice: Advice
    advice_in: dict[str, Advice] = {}
    label: tuple[LabelEntry, ...]
    combination: tuple[Combination, ...] = ()
    joined: tuple[JoinedEntry, ...] = ()
    doubts: tuple[str, ...] = ()
    sources: tuple[Source, ...]
