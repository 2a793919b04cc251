"""Trying a caption before it is posted: the engine's answer at once, and nothing is kept or decided by it.

Only the caption is judged. What the picture shows or the creator says is not known, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.pages.dossier import Dossier, Piece
from api.pages.forms import FormRefused
from api.pages.wording import say
from domain.disclosure import Brand, CheckInput, Evidence, Outcome, check
from domain.disclosure.marked import Piece as Part
from domain.disclosure.marked import marked_caption
from domain.stages import Stage
from infra.tables import DisclosureCheck

LONGEST: Final = 5000
STAGES: Final = (
    Stage.PREPARING,
    Stage.SHIPPED,
    Stage.DELIVERED,
    Stage.IN_PRODUCTION,
    Stage.IN_REVIEW,
    Stage.CHANGES_REQUESTED,
    Stage.APPROVED,
    Stage.DISCLOSURE_CHECK,
)
"""Where a caption may still change."""


_HEADINGS: Final = {
    Outcome.PASS: "try.pass",
    Outcome.FAIL: "try.fail",
    Outcome.NEEDS_REVIEW: "try.needs_review",
}


@dataclass(frozen=True)
class Told:
    """A verdict in the page's words."""

    verdict: str
    heading: str
    text: str
    sentence: str
    words: str
    where: str
    parts: Sequence[Part]
    """The caption with the words that decided."""
    piece: str


def pieces_of(dossier: Dossier) -> list[Piece]:
    """One piece of each kind that was agreed."""
    kinds = {(one.deliverable.platform, one.deliverable.format): one for one in reversed(dossier.pieces)}
    return sorted(kinds.values(), key=lambda one: one.position)


def try_caption(dossier: Dossier, typed: Mapping[str, str]) -> Told:
    """What the engine says of this caption. Raises `FormRefused`."""
    caption = typed.get("caption", "").replace("\r\n", "\n").strip()
    if not caption:
        raise FormRefused({"caption": say("error.try_empty")})
    if len(caption) > LONGEST:
        raise FormRefused({"caption": say("error.too_long")})
    known = {str(one.position): one for one in pieces_of(dossier)}
    piece = known.get(typed.get("piece", ""), next(iter(known.values())))
    brand = dossier.brand.name
    verdict = check(
        CheckInput(
            platform=piece.deliverable.platform,
            format=piece.deliverable.format,
            jurisdictions=(dossier.creator.country,),
            relationship=dossier.state.type.relationship,
            brand=Brand(name=brand, handles=("".join(c for c in brand.casefold() if c.isalnum()),)),
            caption=caption,
        )
    )
    change = None if verdict.change is None else verdict.change.model_dump()
    return _told(verdict.verdict, verdict.explanation, change, caption, verdict.evidence, _name(piece))


def advice(dossier: Dossier, draft_check: DisclosureCheck | None) -> list[Told]:
    """What the check of the newest draft said, for creator and brand alike; nothing when it passed."""
    if draft_check is None or dossier.stage not in (
        Stage.IN_REVIEW,
        Stage.CHANGES_REQUESTED,
        Stage.APPROVED,
    ):
        return []
    return [told for told in stored(draft_check) if told.verdict != Outcome.PASS]


def stored(row: DisclosureCheck) -> list[Told]:
    """A stored check in the page's words, one for each kind of piece."""
    found = []
    for finding, seen in zip(row.findings, row.input, strict=False):
        verdict = finding.get("verdict")
        if verdict is None:
            continue
        evidence = [Evidence.model_validate(one) for one in verdict.get("evidence", [])]
        caption = str(seen.get("caption") or "")
        name = _kind_name(str(seen.get("platform", "")), str(seen.get("format", "")))
        outcome = Outcome(verdict["verdict"])
        found.append(
            _told(outcome, verdict.get("explanation", ""), verdict.get("change"), caption, evidence, name)
        )
    return found


def _told(
    outcome: Outcome,
    explanation: str,
    change: Mapping[str, Any] | None,
    caption: str,
    evidence: Sequence[Evidence],
    piece: str,
) -> Told:
    change = change or {}
    return Told(
        verdict=outcome.value,
        heading=say(_HEADINGS[outcome]),
        text=explanation,
        sentence=change.get("sentence", ""),
        words=change.get("words", ""),
        where=change.get("where", ""),
        parts=marked_caption(caption, evidence),
        piece=piece,
    )


def _name(piece: Piece) -> str:
    return _kind_name(piece.deliverable.platform.value, piece.deliverable.format.value)


def _kind_name(platform: str, format_: str) -> str:
    if not platform or not format_:
        return ""
    return say("piece.one", platform=say(f"platform.{platform}"), format=say(f"format.{format_}"))
