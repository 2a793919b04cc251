"""What a collaboration leaves behind: history, gates, ledger lines, payouts, notices, submissions."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from api.auth import own
from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.ledger_lines import entries_of
from api.problems import answers
from api.schemas.collaborations import (
    AssetShown,
    AttemptShown,
    Entries,
    EventPage,
    EventShown,
    GatesShown,
    Notices,
    NoticeShown,
    Payouts,
    PayoutShown,
    PostShown,
    Submissions,
    SubmissionShown,
)
from api.schemas.common import CollaborationId
from domain.errors import NotFound
from infra.tables import (
    Asset,
    Collaboration,
    Event,
    GateReport,
    Notice,
    Payout,
    PayoutAttempt,
    Post,
    Submission,
)

router = APIRouter(
    tags=["collaborations"],
    route_class=CallRoute,
    dependencies=KEYED,
    responses=answers(401, 403, 404, 422, 503),
)


@router.get("/collaborations/{collaboration_id}/events", summary="History")
def list_events(
    collaboration_id: CollaborationId,
    caller: CallerOf,
    session: SessionOf,
    after: Annotated[int, Query(ge=0, le=10**9, description="Events after this sequence number")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> EventPage:
    """Every step in order, each chained to the one before by its hash."""
    own(session, caller, Collaboration, collaboration_id)
    query = (
        select(Event)
        .where(Event.collaboration_id == collaboration_id, Event.sequence > after)
        .order_by(Event.sequence)
        .limit(limit + 1)
    )
    rows = session.scalars(query).all()
    shown = [EventShown.model_validate(row) for row in rows[:limit]]
    return EventPage(items=shown, next_after=shown[-1].sequence if len(rows) > limit else None)


@router.get("/collaborations/{collaboration_id}/gates", summary="Payment gates")
def get_gates(collaboration_id: CollaborationId, caller: CallerOf, session: SessionOf) -> GatesShown:
    """The newest report: which conditions of payment pass, fail, or wait for whom. 404 before the first."""
    own(session, caller, Collaboration, collaboration_id)
    query = (
        select(GateReport)
        .where(GateReport.collaboration_id == collaboration_id)
        .order_by(GateReport.at.desc(), GateReport.id.desc())
        .limit(1)
    )
    row = session.scalar(query)
    if row is None:
        raise NotFound("the payment gates were not looked at yet", code="no_report")
    return GatesShown.model_validate(
        {
            "report_id": row.id,
            **{name: getattr(row, name) for name in GatesShown.model_fields if name != "report_id"},
        }
    )


@router.get("/collaborations/{collaboration_id}/ledger", summary="Ledger lines")
def list_ledger_lines(collaboration_id: CollaborationId, caller: CallerOf, session: SessionOf) -> Entries:
    """Every posting for this collaboration with its movements: source gives, destination takes."""
    own(session, caller, Collaboration, collaboration_id)
    return Entries(items=entries_of(session, collaboration_id))


@router.get("/collaborations/{collaboration_id}/payouts", summary="Payouts")
def list_payouts(collaboration_id: CollaborationId, caller: CallerOf, session: SessionOf) -> Payouts:
    """The promise to pay with every attempt at Stripe."""
    own(session, caller, Collaboration, collaboration_id)
    payouts = session.scalars(
        select(Payout).where(Payout.collaboration_id == collaboration_id).order_by(Payout.part)
    ).all()
    attempts: dict[str, list[AttemptShown]] = defaultdict(list)
    query = (
        select(PayoutAttempt)
        .where(PayoutAttempt.payout_id.in_([payout.id for payout in payouts]))
        .order_by(PayoutAttempt.number)
    )
    for attempt in session.scalars(query):
        attempts[attempt.payout_id].append(AttemptShown.model_validate(attempt))
    return Payouts(items=[_payout(payout, attempts[payout.id]) for payout in payouts])


@router.get("/collaborations/{collaboration_id}/notices", summary="E-mails")
def list_notices(collaboration_id: CollaborationId, caller: CallerOf, session: SessionOf) -> Notices:
    """Which e-mails were queued, sent or skipped, and why."""
    own(session, caller, Collaboration, collaboration_id)
    query = (
        select(Notice)
        .where(Notice.collaboration_id == collaboration_id)
        .order_by(Notice.created_at, Notice.id)
    )
    return Notices(items=[NoticeShown.model_validate(row) for row in session.scalars(query)])


@router.get("/collaborations/{collaboration_id}/submissions", summary="Drafts and posts")
def list_submissions(
    collaboration_id: CollaborationId, request: Request, caller: CallerOf, session: SessionOf
) -> Submissions:
    """What the creator handed in, with files (opened by short-lived addresses) and addresses of posts."""
    own(session, caller, Collaboration, collaboration_id)
    store = request.app.state.objects
    assets: dict[str, list[AssetShown]] = defaultdict(list)
    for asset in session.scalars(_of(Asset, collaboration_id)):
        if asset.submission_id is not None:
            assets[asset.submission_id].append(_asset(asset, store))
    posts: dict[str, list[PostShown]] = defaultdict(list)
    for post in session.scalars(_of(Post, collaboration_id)):
        posts[post.submission_id].append(PostShown.model_validate(post))
    query = (
        select(Submission)
        .where(Submission.collaboration_id == collaboration_id, Submission.state != "new")
        .order_by(Submission.created_at, Submission.id)
    )
    rows = session.scalars(query).all()
    return Submissions(items=[_submission(row, assets[row.id], posts[row.id]) for row in rows])


def _of(kind: Any, collaboration_id: str) -> Any:
    return select(kind).where(kind.collaboration_id == collaboration_id).order_by(kind.id)


def _payout(payout: Payout, attempts: list[AttemptShown]) -> PayoutShown:
    fields = {name: getattr(payout, name) for name in PayoutShown.model_fields if name != "attempts"}
    return PayoutShown(**fields, attempts=attempts)


def _asset(asset: Asset, store: Any) -> AssetShown:
    fields = {name: getattr(asset, name) for name in AssetShown.model_fields if name != "url"}
    stored = store is not None and asset.state == "stored"
    return AssetShown(**fields, url=store.presign_get(asset.key, asset.file_name) if stored else None)


def _submission(row: Submission, assets: list[AssetShown], posts: list[PostShown]) -> SubmissionShown:
    fields = {
        name: getattr(row, name) for name in SubmissionShown.model_fields if name not in ("assets", "posts")
    }
    return SubmissionShown(**fields, assets=assets, posts=posts)
