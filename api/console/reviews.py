"""Posts that wait for a person: everything that a decision needs on one page, and the decision.

A decision about a post is a command like any other; the words of the person are kept first, under the id that
the command carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.auth import own
from api.commands import give
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.home import DONE_AT
from api.console.route import console_router
from api.console.staff_story import words_of
from api.console.tables import listed
from api.console.wording import knows, say
from api.pages.forms import FormRefused
from domain.commands import AcceptPost, Command, Recheck, RejectPost, SettleFinding
from domain.commands import Request as Order
from domain.disclosure import Evidence
from domain.disclosure.marked import Piece, marked_caption, marked_overlay
from domain.errors import Refused
from domain.ledger import actor_text
from domain.stages import Attention, Stage
from domain.state import State
from infra.tables import (
    Asset,
    Campaign,
    Collaboration,
    DisclosureCheck,
    Event,
    Post,
    Remark,
    SocialAccount,
    Submission,
)

router = console_router()
REVIEWS: Final = "/console/reviews"
WAITING: Final = (
    Attention.POST_UNSURE,
    Attention.POST_NOT_MENDED,
    Attention.POST_UNREADABLE,
    Attention.POST_CHANGED,
)
"""Why a post waits for a person."""


@dataclass(frozen=True)
class SeenPost:
    """One post as a check saw it."""

    url: str
    outcome: str
    reason: str
    explanation: str
    sentence: str
    rule: str
    caption: Sequence[Piece]
    overlay: Sequence[Piece]
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Look:
    """One check with what it saw."""

    row: DisclosureCheck
    posts: Sequence[SeenPost]


@dataclass(frozen=True)
class Line:
    """One thing that happened."""

    at: datetime
    text: str
    by: str


@router.get("/reviews")
def reviews_page(view: ViewOf) -> Response:
    """Posts that wait for a person, the oldest first."""
    handle = (
        select(func.min(SocialAccount.handle))
        .where(SocialAccount.creator_id == Collaboration.creator_id)
        .scalar_subquery()
    )
    query = (
        select(
            Collaboration.id,
            Collaboration.stage,
            Collaboration.attention,
            Collaboration.attention_since,
            Campaign.name.label("campaign"),
            handle.label("handle"),
        )
        .join(Campaign, Campaign.id == Collaboration.campaign_id)
        .where(
            Collaboration.brand_id == view.person.brand_id,
            Collaboration.attention.in_([one.value for one in WAITING]),
        )
    )
    why = view.asked.get("why", "")
    if why in {one.value for one in WAITING}:
        query = query.where(Collaboration.attention == why)
    return view.page(
        "reviews.html",
        reviews=listed(view.session, query, Collaboration.id, REVIEWS, view.asked, newest_first=False),
        reasons=[(one.value, say(f"attention.{one.value}")) for one in WAITING],
        why=why,
    )


@router.get("/reviews/{collaboration_id}")
def review_page(collaboration_id: str, view: ViewOf) -> Response:
    """One post with everything that a decision needs."""
    return _review(view, collaboration_id)


@router.post("/reviews/{collaboration_id}/accept")
async def accept_post_here(collaboration_id: str, request: Request, view: ViewOf) -> Response:
    """The post counts in spite of the check, for this reason."""
    return await _decide(view, request, collaboration_id, "accept")


@router.post("/reviews/{collaboration_id}/reject")
async def reject_post_here(collaboration_id: str, request: Request, view: ViewOf) -> Response:
    """The post is refused for good, for this reason."""
    return await _decide(view, request, collaboration_id, "reject")


@router.post("/reviews/{collaboration_id}/settle")
async def settle_finding_here(collaboration_id: str, request: Request, view: ViewOf) -> Response:
    """What the watch found after the payment is settled."""
    return await _decide(view, request, collaboration_id, "settle")


@router.post("/reviews/{collaboration_id}/recheck")
async def recheck_post_here(collaboration_id: str, request: Request, view: ViewOf) -> Response:
    """The post is read again."""
    return await _decide(view, request, collaboration_id, "recheck")


REASONS: Final = {
    "accept": ("clear_in_context", "seen_in_the_post", "cannot_be_edited", "agreed_otherwise"),
    "reject": ("not_marked", "not_what_was_agreed", "taken_down", "wrong_account"),
    "settle": ("still_fine", "mended", "creator_had_a_reason", "breach"),
}
"""What a decision can be given for; the person's own words stand beside it."""
_DONE: Final = {
    "accept": "post_accepted",
    "reject": "post_rejected",
    "settle": "finding_settled",
    "recheck": "recheck_asked",
}


async def _decide(view: View, request: Request, collaboration_id: str, form: str) -> Response:
    try:
        order = await run_in_threadpool(_order, view, collaboration_id, form)
        state = request.app.state
        snapshot = await give(state.temporal, state.sessions, collaboration_id, order)
    except Refused as refused:
        return await run_in_threadpool(
            _review, view, collaboration_id, form, errors_of(refused), status_of(refused)
        )
    done = "seconded" if snapshot.outcome == "acceptance_begun" else _DONE[form]
    return view.go(f"{REVIEWS}/{collaboration_id}", done)


def _order(view: View, collaboration_id: str, form: str) -> Order:
    """The command, and the person's own words kept under the id that it carries."""
    own(view.session, view.person, Collaboration, collaboration_id)
    command = _command(view, form, _remark(view, collaboration_id))
    view.commit()
    return Order(id=f"console:{view.id_of('job')}", actor=view.person.actor, command=command)


def _remark(view: View, collaboration_id: str) -> str | None:
    words = view.text("remark", 2000)
    if not words:
        return None
    remark_id = view.id_of("remark")
    if view.session.get(Remark, remark_id) is None:
        view.session.add(
            Remark(
                id=remark_id,
                brand_id=view.person.brand_id,
                collaboration_id=collaboration_id,
                actor=actor_text(view.person.actor),
                text=words,
            )
        )
    return remark_id


def _command(view: View, form: str, remark_id: str | None) -> Command:
    if form == "recheck":
        return Recheck()
    reason = view.text("reason")
    if reason not in REASONS[form]:
        raise FormRefused({"reason": say("form.choose")})
    if form == "accept":
        return AcceptPost(reason=reason, remark_id=remark_id)
    if form == "reject":
        return RejectPost(reason=reason, remark_id=remark_id)
    verdict = "rejected" if reason == "breach" else "accepted"
    return SettleFinding.model_validate({"verdict": verdict, "reason": reason, "remark_id": remark_id})


def _review(
    view: View,
    collaboration_id: str,
    form: str = "",
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    session = view.session
    row = own(session, view.person, Collaboration, collaboration_id)
    session.refresh(row)
    state = State.model_validate(row.state)
    checks = session.scalars(
        select(DisclosureCheck)
        .where(DisclosureCheck.collaboration_id == collaboration_id)
        .order_by(DisclosureCheck.checked_at.desc(), DisclosureCheck.id.desc())
        .limit(60)
    ).all()
    campaign = session.get_one(Campaign, row.campaign_id)
    in_check = state.stage is Stage.DISCLOSURE_CHECK
    found_after = state.attention is Attention.POST_CHANGED
    return view.page(
        "review.html",
        status,
        row=row,
        state=state,
        campaign=campaign,
        handles=_handles(session, row.creator_id),
        why=_why(row.attention),
        posts=session.scalars(
            select(Post).where(Post.submission_id == (state.post_id or "")).order_by(Post.deliverable)
        ).all(),
        proofs=_proofs(view, collaboration_id, state.post_id),
        looks=[Look(one, _seen(one)) for one in checks],
        lines=_history(session, collaboration_id),
        forms=("accept", "reject") if in_check else ("settle",) if found_after else (),
        recheck=in_check,
        reasons={name: [(one, say(f"checks.reason.{one}")) for one in REASONS[name]] for name in REASONS},
        seconds=bool(state.accepted_by),
        form=form,
        errors=errors or {},
        typed=view.fields if errors else {},
        path=f"{REVIEWS}/{collaboration_id}",
    )


def _why(attention: str | None) -> str:
    """Why somebody has to look at this one."""
    name = f"checks.attention.{attention}"
    return say(name) if knows(name) else ""


def _handles(session: Session, creator_id: str) -> list[str]:
    rows = session.execute(
        select(SocialAccount.platform, SocialAccount.handle)
        .where(SocialAccount.creator_id == creator_id)
        .order_by(SocialAccount.platform)
    )
    return [f"@{row.handle.lstrip('@')} ({row.platform})" for row in rows]


def _proofs(view: View, collaboration_id: str, submission_id: str | None) -> list[tuple[str, str]]:
    """Screenshots and recordings that the creator gave with the post: name and a short address."""
    store = view.console.objects
    if store is None or submission_id is None:
        return []
    rows = view.session.scalars(
        select(Asset)
        .join(Submission, Submission.id == Asset.submission_id)
        .where(
            Asset.collaboration_id == collaboration_id,
            Submission.kind == "live",
            Asset.state == "stored",
        )
        .order_by(Asset.created_at)
    )
    return [
        (one.file_name, store.presign_get(one.key, one.file_name, "inline", one.media_type)) for one in rows
    ]


def _seen(row: DisclosureCheck) -> list[SeenPost]:
    inputs = [*row.input, *([{}] * len(row.findings))]
    return [_seen_post(finding, seen) for finding, seen in zip(row.findings, inputs, strict=False)]


def _seen_post(finding: dict[str, Any], seen: dict[str, Any]) -> SeenPost:
    verdict = finding.get("verdict") or {}
    evidence = [Evidence.model_validate(one) for one in verdict.get("evidence", [])]
    name = f"checks.why.{finding['reason']}"
    return SeenPost(
        url=finding.get("url", ""),
        outcome=finding["outcome"],
        reason=finding["reason"],
        explanation=say(name) if knows(name) else verdict.get("explanation", ""),
        sentence=(verdict.get("change") or {}).get("sentence", ""),
        rule=" ".join(part for part in (verdict.get("rule", ""), verdict.get("pack_version") or "") if part),
        caption=marked_caption(str(seen.get("caption") or ""), evidence),
        overlay=marked_overlay(str(seen.get("overlay_text") or ""), evidence),
        facts=[(say(f"checks.fact.{key}"), _said(seen[key])) for key in _FACTS if key in seen],
    )


_FACTS: Final = (
    "author_handle",
    "published_at",
    "language",
    "spoken_disclosure",
    "platform_label",
    "media_sha256",
    "raw_sha256",
)


def _said(value: object) -> str:
    if value is None:
        return say("checks.not_told")
    if isinstance(value, bool):
        return say("checks.yes") if value else say("checks.no")
    return str(value)


def _history(session: Session, collaboration_id: str) -> list[Line]:
    events = session.scalars(
        select(Event).where(Event.collaboration_id == collaboration_id).order_by(Event.sequence.desc())
    ).all()
    remarks = {
        one.id: one.text
        for one in session.scalars(select(Remark).where(Remark.collaboration_id == collaboration_id))
    }
    return [_line(event, remarks) for event in events]


def _line(event: Event, remarks: dict[str, str]) -> Line:
    reason = str(event.data.get("reason") or "").replace("_", " ")
    remark = remarks.get(str(event.data.get("remark_id") or ""), "")
    text = ": ".join(part for part in (words_of(event.name), reason, remark) if part)
    return Line(event.at, text, event.actor_kind)


DONE_AT.update({one.value: f"{REVIEWS}?why={one.value}" for one in WAITING})
