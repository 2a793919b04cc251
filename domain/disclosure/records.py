"""One post as a line of a captions file says it, and the answer that goes back: shell and API share both.

Whoever asks, through a file, a call or a page, gets the same words for the same post. Nothing here decides
anything.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.disclosure.engine import check
from domain.disclosure.models import (
    Brand,
    CheckInput,
    Evidence,
    Jurisdiction,
    Outcome,
    Reason,
    Relationship,
    Text,
    Verdict,
)
from domain.offer import Format, Platform

_FROZEN = ConfigDict(frozen=True, extra="forbid")
Handle = Annotated[str, Field(max_length=100)]


class BrandOfRecord(BaseModel):
    """The brand on record, with one handle or several, with or without '@'."""

    model_config = _FROZEN

    name: Annotated[str, Field(min_length=1, max_length=200)]
    handle: Handle | None = None
    handles: Annotated[tuple[Handle, ...], Field(max_length=20)] = ()


class CaptionRecord(BaseModel):
    """One post to be checked, with one `jurisdiction` or several `jurisdictions`.

    `expected`, `reason`, `difficulty` and `rationale` may stand in a captions file; a check leaves them
    aside.
    """

    model_config = _FROZEN

    id: Annotated[str, Field(max_length=200)] = ""
    platform: Platform
    format: Format
    jurisdiction: Jurisdiction | None = None
    jurisdictions: Annotated[tuple[Jurisdiction, ...], Field(max_length=40)] = ()
    relationship: Relationship
    brand: BrandOfRecord
    caption: Text
    language: Annotated[str, Field(max_length=35)] | None = None
    overlay_text: Text | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool | None = None
    expected: Annotated[str, Field(max_length=40)] | None = None
    reason: Annotated[str, Field(max_length=60)] | None = None
    difficulty: Annotated[str, Field(max_length=60)] | None = None
    rationale: Annotated[str, Field(max_length=4000)] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_where(self) -> Self:
        if (self.jurisdiction is None) == (not self.jurisdictions):
            raise ValueError("say where: either 'jurisdiction' or 'jurisdictions'")
        return self

    def as_input(self) -> CheckInput:
        """What the engine takes."""
        brand = self.brand
        handles = (brand.handle,) if brand.handle else brand.handles
        return CheckInput(
            platform=self.platform,
            format=self.format,
            jurisdictions=(self.jurisdiction,) if self.jurisdiction else self.jurisdictions,
            relationship=self.relationship,
            brand=Brand(name=brand.name, handles=handles),
            caption=self.caption,
            language=self.language,
            overlay_text=self.overlay_text,
            spoken_disclosure=self.spoken_disclosure,
            platform_label=self.platform_label,
        )


class CheckAnswer(BaseModel):
    """The verdict on one post, with why, by which rule of which pack, on which words, and what to change."""

    model_config = _FROZEN

    id: str
    verdict: Outcome
    reason: Reason
    rule: str
    pack_version: str | None
    explanation: str
    change: str | None
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]


def answer(id_: str, verdict: Verdict) -> CheckAnswer:
    """A verdict as it is told to whoever asked."""
    return CheckAnswer(
        id=id_,
        verdict=verdict.verdict,
        reason=verdict.reason,
        rule=verdict.rule,
        pack_version=verdict.pack_version,
        explanation=verdict.explanation,
        change=None if verdict.change is None else verdict.change.sentence,
        evidence=verdict.evidence,
        warnings=verdict.warnings,
    )


def judge(record: CaptionRecord) -> CheckAnswer:
    """Check one post."""
    return answer(record.id, check(record.as_input()))
