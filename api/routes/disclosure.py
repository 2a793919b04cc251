"""Disclosure: one caption on request, as `handsel disclosure check` gives it, and the checks that were kept.

A check on request stores nothing and reads nothing: the engine is pure. Checks of a collaboration's drafts
and posts are made by activities, and only shown here.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from sqlalchemy import select

from api.auth import own
from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.common import CollaborationId
from api.schemas.disclosure import CheckShown, ChecksShown
from domain.disclosure.records import CaptionRecord, CheckAnswer, judge
from infra.tables import Collaboration, DisclosureCheck

router = APIRouter(
    tags=["disclosure"],
    route_class=CallRoute,
    dependencies=KEYED,
    responses=answers(400, 401, 403, 409, 413, 422, 503),
)

_EXAMPLE = {
    "id": "draft-7",
    "platform": "instagram",
    "format": "post",
    "jurisdiction": "US",
    "relationship": "paid",
    "brand": {"name": "Kelpie Kettles", "handle": "@kelpiekettles"},
    "caption": "Soup, finally. @kelpiekettles #ad",
    "language": "en",
}


@router.post("/disclosure/check", summary="Check one caption")
def check_caption(record: Annotated[CaptionRecord, Body(examples=[_EXAMPLE])]) -> CheckAnswer:
    """Whether this post would be honestly marked, why, and what to change. Nothing is kept of it."""
    return judge(record)


@router.get(
    "/collaborations/{collaboration_id}/checks", summary="Checks of drafts and posts", responses=answers(404)
)
def list_checks(collaboration_id: CollaborationId, caller: CallerOf, session: SessionOf) -> ChecksShown:
    """Every look at a draft or a post, in order: advice, what the payment waits for, and the watch."""
    own(session, caller, Collaboration, collaboration_id)
    rows = session.scalars(
        select(DisclosureCheck)
        .where(DisclosureCheck.collaboration_id == collaboration_id)
        .order_by(DisclosureCheck.checked_at, DisclosureCheck.id)
    )
    return ChecksShown(items=[CheckShown.model_validate(row) for row in rows])
