"""What goes into a disclosure check and what comes out of it.

The input is everything that was seen of one post; the output says what was decided, by which rule
of which pack, on which words, and what the creator should write instead. Nothing here decides
anything, and nothing here knows of clocks, networks or storage.
"""

from __future__ import annotations

import hashlib
import json
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.offer import Format, Platform


class Outcome(StrEnum):
    """The three answers. A wrong `pass` is the worst of them, so doubt is `needs_review`."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    NEEDS_REVIEW = "needs_review"
    FAIL = "fail"


class Reason(StrEnum):
    """Why a verdict was reached; stable codes that pages, mails and reports share."""

    OK = "ok"
    MISSING = "missing"
    AMBIGUOUS_LABEL = "ambiguous_label"
    BELOW_FOLD = "below_fold"
    BURIED_IN_HASHTAGS = "buried_in_hashtags"
    END_OF_CAPTION = "end_of_caption"
    WRONG_LANGUAGE = "wrong_language"
    DENIAL = "denial"
    PLATFORM_LABEL_ONLY = "platform_label_only"
    NOT_IN_VIDEO = "not_in_video"
    PARTIAL_IN_VIDEO = "partial_in_video"
    NOT_SUPERIMPOSED = "not_superimposed"
    NOT_REPEATED = "not_repeated"
    OBFUSCATED_LABEL = "obfuscated_label"
    LABEL_OTHER_BRAND = "label_other_brand"
    NO_RULE_PACK = "no_rule_pack"


class Relationship(StrEnum):
    """What really connects creator and brand. `gift_and_paid` is held to the rules for paid."""

    PAID = "paid"
    GIFT = "gift"
    GIFT_AND_PAID = "gift_and_paid"
    AFFILIATE = "affiliate"

    @property
    def column(self) -> str:
        """The column of the label table that has to be satisfied: paid, gift or affiliate."""
        return "paid" if self is Relationship.GIFT_AND_PAID else self.value


class Surface(StrEnum):
    """A place where text can be seen. `title` and `description` exist on YouTube only."""

    CAPTION = "caption"
    TITLE = "title"
    DESCRIPTION = "description"
    OVERLAY = "overlay_text"


Text = Annotated[str, Field(max_length=20_000)]
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
_FROZEN = ConfigDict(frozen=True, extra="forbid")


class Brand(BaseModel):
    """The brand on record: its name and its handles on this platform, with or without '@'."""

    model_config = _FROZEN

    name: Annotated[str, Field(min_length=1, max_length=200)]
    handles: tuple[str, ...] = ()


class CheckInput(BaseModel):
    """Everything known about one draft or live post at the moment of the check.

    `caption`: on YouTube the first line is the title, the rest the description.
    `overlay_text`: all text seen on the picture or video; None means looked and found none. A remark
    in brackets such as "(on screen all stream)" is an observation, not text on the screen.
    `spoken_disclosure`: True spoken near the start, False checked and not spoken, None not checked.
    `language`: BCP 47 tag of the caption, or None to have it guessed.
    """

    model_config = _FROZEN

    platform: Platform
    format: Format
    jurisdictions: Annotated[tuple[Jurisdiction, ...], Field(min_length=1, max_length=40)]
    relationship: Relationship
    brand: Brand
    caption: Text
    language: Annotated[str, Field(max_length=35)] | None = None
    overlay_text: Text | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool | None = None


Post = CheckInput
"""The product calls what is checked a post; both names mean the same model."""


class Evidence(BaseModel):
    """Words that decided, as they stand in the post. Positions count characters of that surface."""

    model_config = _FROZEN

    surface: Surface
    start: int
    end: int
    text: str


class Change(BaseModel):
    """What the creator should do: the exact words to write, and the place to write them."""

    model_config = _FROZEN

    words: str
    where: str
    sentence: str


class Finding(BaseModel):
    """The answer of one jurisdiction. `rule` is a stable id inside the pack of that version."""

    model_config = _FROZEN

    jurisdiction: str
    verdict: Outcome
    reason: Reason
    rule: str
    pack_version: str | None
    confidence: str
    explanation: str
    change: Change | None
    evidence: tuple[Evidence, ...]


class Verdict(BaseModel):
    """The answer for the post: the strictest finding, repeated at the top, and all findings.

    `warnings` are about the platform's own terms and never change the verdict.
    """

    model_config = _FROZEN

    verdict: Outcome
    reason: Reason
    jurisdiction: str
    rule: str
    pack_version: str | None
    explanation: str
    change: Change | None
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]
    findings: tuple[Finding, ...]


def input_sha256(check: CheckInput) -> str:
    """SHA-256 (hex) of the input in canonical JSON: equal inputs have equal hashes, for ever."""
    canonical = json.dumps(
        check.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


_FIELDS: Final = frozenset({*CheckInput.model_fields, "jurisdiction"})


def from_record(record: dict[str, Any]) -> CheckInput:
    """Read one record of a captions file (one JSON object a line).

    Takes `jurisdiction` (one or a list) or `jurisdictions`, and `brand` with `handle` or `handles`. Other
    fields describe the record itself (`id`, `expected`, `reason`, ...) and are left aside, unless they
    look like a slip.
    Raises ValueError (pydantic's ValidationError) naming the field that is wrong.
    """
    data = {k: v for k, v in record.items() if k in _FIELDS or _is_slip(k, record)}
    if "jurisdiction" in data:
        where = data.pop("jurisdiction")
        data["jurisdictions"] = tuple(where) if isinstance(where, list) else (where,)
    brand = data.get("brand")
    if isinstance(brand, dict) and "handle" in brand:
        brand = dict(brand)
        handle = brand.pop("handle")
        data["brand"] = {**brand, "handles": (handle,) if handle else ()}
    return CheckInput.model_validate(data)


def _is_slip(name: str, record: dict[str, Any]) -> bool:
    """Whether an unknown field is a known one misspelt, which would be lost without a word."""
    near = get_close_matches(name, _FIELDS, n=1, cutoff=0.8)
    return bool(near) and near[0] not in record
