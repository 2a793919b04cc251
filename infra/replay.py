"""Stored checks made again, under the rules of now or under a pack that is not in force yet.

Reads only. What was seen is taken as it was stored; whatever was not stored with a check (older rows lack the
brand and the countries) is read from the collaboration. A wrong pass is the worst answer, so a change towards
`pass` is what a reader has to see first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, sessionmaker

from domain.disclosure import Brand, CheckInput, Outcome, Pack, Verdict, check, packs_for
from domain.offer import CampaignType
from infra.tables import Brand as BrandRow
from infra.tables import Campaign, Collaboration, Creator, DisclosureCheck, Post

PAGE: Final = 500
_SEEN: Final = ("caption", "language", "overlay_text", "spoken_disclosure", "platform_label")


@dataclass(frozen=True)
class Difference:
    """One finding that would come out otherwise."""

    check_id: str
    collaboration_id: str
    kind: str
    checked_at: datetime
    before: str
    before_reason: str
    after: str
    after_reason: str
    rule: str
    caption: str

    @property
    def towards_pass(self) -> bool:
        """Whether something that did not pass would pass now: look at each of these."""
        return self.after == Outcome.PASS != self.before


@dataclass
class Replayed:
    """What came of it."""

    judged: int = 0
    same: int = 0
    left_out: int = 0
    """Findings without a verdict of the engine: nothing was read, or nobody could."""
    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def towards_pass(self) -> list[Difference]:
        """The dangerous direction."""
        return [one for one in self.differences if one.towards_pass]


def replay(
    sessions: sessionmaker[Session],
    *,
    packs: Mapping[str, Pack] | None = None,
    since: datetime | None = None,
    brand_id: str = "",
) -> Replayed:
    """Judge stored checks again. `packs` stand in for the packs of this version, by country."""
    found = Replayed()
    for row in _rows(sessions, since, brand_id):
        for finding, seen in zip(row.findings, row.input, strict=False):
            _again(found, row, finding, seen, packs or {})
    return found


def _again(
    found: Replayed,
    row: Row[Any],
    finding: Mapping[str, Any],
    seen: Mapping[str, Any],
    packs: Mapping[str, Pack],
) -> None:
    before = finding.get("verdict")
    if not before:
        found.left_out += 1
        return
    asked = input_of(row, finding, seen)
    verdict = judge(asked, packs)
    found.judged += 1
    found.matrix[before["verdict"], verdict.verdict.value] += 1
    if (before["verdict"], before["reason"]) == (verdict.verdict.value, verdict.reason.value):
        found.same += 1
        return
    found.differences.append(
        Difference(
            check_id=row.id,
            collaboration_id=row.collaboration_id,
            kind=row.kind,
            checked_at=row.checked_at,
            before=before["verdict"],
            before_reason=before["reason"],
            after=verdict.verdict.value,
            after_reason=verdict.reason.value,
            rule=verdict.rule,
            caption=str(seen.get("caption") or ""),
        )
    )


def judge(asked: CheckInput, packs: Mapping[str, Pack]) -> Verdict:
    """The verdict under the packs of now, with those given in their place."""
    return check(asked, {**packs_for(asked), **packs})


def input_of(row: Row[Any], finding: Mapping[str, Any], seen: Mapping[str, Any]) -> CheckInput:
    """What the engine was asked then."""
    name = "".join(letter for letter in row.brand.casefold() if letter.isalnum())
    brand = seen.get("brand") or {"name": row.brand, "handles": (name,)}
    return CheckInput.model_validate(
        {
            "platform": seen.get("platform"),
            "format": seen.get("format") or row.formats.get(finding.get("url", ""), "post"),
            "jurisdictions": tuple(seen.get("jurisdictions") or (row.country,)),
            "relationship": seen.get("relationship") or CampaignType(row.type).relationship,
            "brand": Brand.model_validate(brand),
            **{name: seen.get(name) for name in _SEEN},
        }
    )


class _Known:
    """A row of a check with what the collaboration says beside it."""

    def __init__(self, row: Row[Any], formats: Mapping[str, str]) -> None:
        self._row = row
        self.formats = formats

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def _rows(sessions: sessionmaker[Session], since: datetime | None, brand_id: str) -> Iterator[Any]:
    """Checks in the order of their ids, page by page, each page in a session of its own."""
    after = ""
    while True:
        query = (
            select(
                DisclosureCheck.id,
                DisclosureCheck.collaboration_id,
                DisclosureCheck.submission_id,
                DisclosureCheck.kind,
                DisclosureCheck.checked_at,
                DisclosureCheck.findings,
                DisclosureCheck.input,
                Campaign.type,
                Creator.country,
                BrandRow.name.label("brand"),
            )
            .join(Collaboration, Collaboration.id == DisclosureCheck.collaboration_id)
            .join(Campaign, Campaign.id == Collaboration.campaign_id)
            .join(Creator, Creator.id == Collaboration.creator_id)
            .join(BrandRow, BrandRow.id == Collaboration.brand_id)
            .where(DisclosureCheck.id > after)
            .order_by(DisclosureCheck.id)
            .limit(PAGE)
        )
        if since is not None:
            query = query.where(DisclosureCheck.checked_at >= since)
        if brand_id:
            query = query.where(Collaboration.brand_id == brand_id)
        with sessions() as session:
            rows = session.execute(query).all()
            posts = session.execute(
                select(Post.url, Post.format).where(
                    Post.submission_id.in_({row.submission_id for row in rows})
                )
            ).all()
        formats = {post.url: post.format for post in posts}
        yield from (_Known(row, formats) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1].id
