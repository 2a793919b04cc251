"""The way of one request to a page of the console, and the pages for when it goes wrong.

In this order: who is there, may they, how often, is the form ours; then the page, in one transaction. A
request that is refused on its way has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import UploadFile
from temporalio.service import RPCError

from api.commands import StillWorking
from api.console import wording
from api.console.access import DOORS, names_of, roles_of_page
from api.console.frame import Console, View, console_of
from api.console.marks import FIELD, FormUnknown
from api.console.session import Person, person_of, session_cookie
from api.limits import TooBusy, hold_to
from api.pages.replies import bounded
from domain.errors import Forbidden, HandselError, LinkRefused, NotFound, Refused
from infra.sessions import recognise

LARGEST_FORM: Final = 200_000
"""Bytes of a form, unless `LARGEST_FORMS` names the page."""
LARGEST_FORMS: Final[dict[str, int]] = {}
_MOST_FIELDS: Final = 5000
_AWAY: Final = (OperationalError, InterfaceError, PoolTimeout, RPCError)

log = structlog.get_logger("handsel.console")


def console_router() -> APIRouter:
    """A router for pages under /console; the name of a page's function is its row in `access.PAGES`."""
    return APIRouter(
        prefix="/console",
        route_class=ConsoleRoute,
        include_in_schema=False,
        default_response_class=Response,
    )


class ConsoleRoute(APIRoute):
    """A page of the console."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The page's own handler, with everything around it that all pages share."""
        handle = super().get_route_handler()
        name = self.name

        async def answered(request: Request) -> Response:
            view = View(request, console_of(request.app))
            request.state.view = view
            try:
                response = await _admit(view, name) or await _perform(view, handle)
            except Exception as error:  # noqa: BLE001 - a page answers whatever happens; it is logged
                response = _failed(view, error, name)
            return view.finish(response)

        return answered


async def _admit(view: View, name: str) -> Response | None:
    """Let the request in, or answer it at once. Raises what the page of a failure says."""
    request = view.request
    view.visitor = await run_in_threadpool(_who, view.console, request)
    request.state.person = view.visitor
    if name not in DOORS:
        roles = roles_of_page(name)
        if view.visitor is None:
            return _to_the_door(view)
        if view.visitor.role not in roles:
            raise Forbidden(wording.say("problem.forbidden_for", roles=names_of(roles)))
    if request.method not in ("GET", "HEAD"):
        if view.visitor is not None:
            hold_to(view.console.limits.forms_by_session.wait(view.visitor.session_id))
        await _read_form(view, LARGEST_FORMS.get(name, LARGEST_FORM))
    return None


def _who(console: Console, request: Request) -> Person | None:
    secret = request.cookies.get(session_cookie(console.settings), "")
    if not secret:
        return None
    view: View = request.state.view
    with console.sessions.begin() as session:
        found = recognise(session, console.settings, secret, view.now)
        return None if found is None else person_of(found)


def _to_the_door(view: View) -> Response:
    """To the sign-in page, and from there back to the page that was wanted."""
    request = view.request
    wanted = "/console"
    if request.method == "GET":
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if wanted == "/console":
        return view.go("/console/sign-in")
    return view.go(f"/console/sign-in?next={quote(wanted, safe='/')}")


async def _read_form(view: View, most: int) -> None:
    """Read what was sent. Raises `FormUnknown` for a form that is not of a page of ours."""
    request = view.request
    bounded(request, most)
    if request.headers.get("sec-fetch-site", "") in ("cross-site", "same-site"):
        raise FormUnknown("this form was sent from another site; open the page again")
    form = await request.form(max_fields=_MOST_FIELDS)
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            view.files[name] = value
        else:
            plain = value.replace("\x00", "")
            view.fields[name] = plain
            view.lists.setdefault(name, []).append(plain)
    view.console.marks.check(view.anchor, view.fields.get(FIELD, ""))


async def _perform(view: View, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    try:
        response = await handle(view.request)
        await run_in_threadpool(view.commit)
        return response
    finally:
        await run_in_threadpool(view.close)


class _Said(NamedTuple):
    """What a page of a failure says: name of its texts, status, headers, and perhaps a sentence more."""

    name: str
    status: int
    more: str = ""
    headers: dict[str, str] | None = None


def _failed(view: View, error: Exception, name: str) -> Response:
    said = _what(error)
    if said.status >= 500:
        log.error("page_failed", page=name, kind=type(error).__name__, exc_info=error)
    response = view.page("problem.html", said.status, problem=said.name, more=said.more, back=view.back())
    response.headers.update(said.headers or {})
    return response


def _what(error: Exception) -> _Said:
    if isinstance(error, TooBusy):
        return _Said("busy", 429, "", {"Retry-After": str(error.seconds)})
    if isinstance(error, StillWorking):
        return _Said("working", 202, "", {"Retry-After": "2"})
    if isinstance(error, LinkRefused):
        return _Said("link", 404)
    if isinstance(error, NotFound):
        return _Said("nothing", 404)
    if isinstance(error, Forbidden):
        return _Said("forbidden", 403, error.message)
    if isinstance(error, FormUnknown):
        return _Said("form", 403)
    if isinstance(error, Refused):
        known = f"refused.{error.code}"
        return _Said("refused", error.status, wording.say(known) if wording.knows(known) else error.message)
    if isinstance(error, IntegrityError):
        return _Said("overtaken", 409)
    if isinstance(error, RequestValidationError):
        return _Said("nothing", 404)
    if isinstance(error, HTTPException):
        return _Said("too_large" if error.status_code in (411, 413) else "nothing", error.status_code)
    if isinstance(error, _AWAY):
        return _Said("away", 503, "", {"Retry-After": "5"})
    return _Said("failed", error.status if isinstance(error, HandselError) else 500)
