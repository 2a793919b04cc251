"""Disclosure on request: one caption in, one verdict out, as `handsel disclosure check` gives it.

Nothing is stored and nothing is read: the engine is pure. Checks of a collaboration's drafts and posts are
made by `activities/posts.py`, and kept.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from api.calls import KEYED, CallRoute
from api.problems import answers
from domain.disclosure.records import CaptionRecord, CheckAnswer, judge

router = APIRouter(
    prefix="/disclosure",
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


@router.post("/check", summary="Check one caption")
def check_caption(record: Annotated[CaptionRecord, Body(examples=[_EXAMPLE])]) -> CheckAnswer:
    """Whether this post would be honestly marked, why, and what to change. Nothing is kept of it."""
    return judge(record)
