"""Unsubscribing: a page with one button, and the one-click POST of mail programs (RFC 8058).

GET shows and changes nothing, since scanners open links. POST needs no page, no cookie and no account, and
may come as often as it likes. A token that is none of ours learns nothing. It stops invitations and
reminders of one brand; what belongs to a running agreement still comes, and the page says so.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.pages.desk import Desk, desk_of
from domain.errors import LinkRefused
from infra.links import read_unsubscribe_token
from infra.tables import Brand, Collaboration, Creator, Link, Suppression

REASON: Final = "unsubscribed"

router = APIRouter(prefix="/u/{token}", include_in_schema=False, default_response_class=Response)


class _Reader(NamedTuple):
    """Whose mail this is, as one brand knows them."""

    brand_id: str
    brand_name: str
    email_digest: str
    unsubscribed: bool


def _desk(request: Request) -> Desk:
    return desk_of(request.app)


Shared = Annotated[Desk, Depends(_desk)]


@router.api_route("", methods=["GET", "HEAD"])
async def ask(token: str, request: Request, desk: Shared) -> Response:
    """What the button stops, and what still comes."""
    return await run_in_threadpool(_answer, desk, token, request, False)


@router.post("")
async def unsubscribe(token: str, request: Request, desk: Shared) -> Response:
    """Stop invitations and reminders of this brand. Idempotent."""
    return await run_in_threadpool(_answer, desk, token, request, True)


def _answer(desk: Desk, token: str, request: Request, act: bool) -> Response:
    try:
        with desk.sessions.begin() as session:
            reader = _reader(session, token, desk.settings.secret_key)
            if act and not reader.unsubscribed:
                _suppress(session, reader)
    except LinkRefused:
        return _unknown(desk, request)
    return desk.render.page(
        "unsubscribe.html", token=token, brand=reader.brand_name, done=act or reader.unsubscribed
    )


def _unknown(desk: Desk, request: Request) -> Response:
    """The same answer for everything that is no token of ours; after many, a pause."""
    wait = desk.limits.guesses_by_address.wait(request.client.host if request.client else "")
    if wait > 0:
        headers = {"Retry-After": str(max(1, round(wait)))}
        return desk.render.page("problem.html", 429, headers, problem="busy", token=None, brand="")
    return desk.render.page("problem.html", 404, problem="unknown", token=None, brand="")


def _reader(session: Session, token: str, secret: str) -> _Reader:
    """Who unsubscribes. An expired or revoked link still does. Raises `LinkRefused`."""
    row = session.execute(
        select(Brand.id, Brand.name, Creator.email_digest, Suppression.reason)
        .select_from(Link)
        .join(Collaboration, Collaboration.id == Link.collaboration_id)
        .join(Brand, Brand.id == Collaboration.brand_id)
        .join(Creator, Creator.id == Link.creator_id)
        .outerjoin(
            Suppression,
            (Suppression.brand_id == Brand.id) & (Suppression.email_digest == Creator.email_digest),
        )
        .where(Link.id == read_unsubscribe_token(token, secret))
    ).one_or_none()
    if row is None:
        raise LinkRefused("this link is not one of ours", code="link_forged")
    return _Reader(row.id, row.name, row.email_digest, row.reason is not None)


def _suppress(session: Session, reader: _Reader) -> None:
    session.execute(
        insert(Suppression)
        .values(brand_id=reader.brand_id, email_digest=reader.email_digest, reason=REASON, at=func.now())
        .on_conflict_do_nothing()
    )
