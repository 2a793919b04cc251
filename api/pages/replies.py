"""Answers that are no page of a collaboration: links that do not act, too many tries, a slow worker.

Whatever goes wrong becomes a page that says what happened, what is safe and what to do now, with the right
HTTP status. A token that is none of ours always gets the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from api.limits import TooBusy
from api.pages.desk import Desk, NotHere, Sender, desk_of
from api.pages.door import COOKIE, COOKIE_SECONDS, Standing, Visit
from api.pages.wording import knows, say
from domain.errors import HandselError, LinkRefused, NotFound, Refused

log = structlog.get_logger("handsel.pages")

_STATUS: Final = {Standing.ELSEWHERE: 403, Standing.EXPIRED: 410, Standing.REVOKED: 410}
_BUSY: Final = 429


class PageRoute(APIRoute):
    """A route whose errors are pages (or JSON for a script), and that gives each browser its cookie."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, with its errors turned into answers."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            desk = desk_of(request.app)
            try:
                response = await handle(request)
            except Exception as error:  # noqa: BLE001 - a page answers whatever happens; it is logged
                response = _answer_to(error, desk, request)
            _give_cookie(desk, request, response)
            return response

        return answered


def sender_of(request: Request) -> Sender:
    """Where this request came from."""
    desk = desk_of(request.app)
    return Sender(
        ip=request.client.host if request.client else "",
        browser=request.headers.get("user-agent", ""),
        digest=desk.browsers.digest(request.cookies.get(COOKIE)),
    )


def _give_cookie(desk: Desk, request: Request, response: Response) -> None:
    if desk.browsers.digest(request.cookies.get(COOKIE)) is not None:
        return
    response.set_cookie(
        COOKIE,
        desk.browsers.make(),
        max_age=COOKIE_SECONDS,
        path="/c",
        secure=desk.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def _answer_to(error: Exception, desk: Desk, request: Request) -> Response:
    problem, status, headers = _what(error, request)
    standing = error.standing if isinstance(error, NotHere) else None
    if standing is Standing.SHOWS:
        return desk.render.redirect(f"/c/{request.path_params['token']}?done=already")
    if _wants_json(request):
        text = error.message if isinstance(error, Refused) else say(f"problem.{problem}.heading")
        return JSONResponse({"error": text}, status, headers=desk.render.headers() | headers)
    if standing is not None:
        return link_problem(desk, standing, request.path_params["token"])
    return desk.render.page("problem.html", status, headers, problem=problem, token=None, brand="")


def _what(error: Exception, request: Request) -> tuple[str, int, dict[str, str]]:
    """Name of the page, status, headers."""
    if isinstance(error, LinkRefused):
        return "unknown", 404, {}
    if isinstance(error, NotHere):
        return "elsewhere", _STATUS.get(error.standing, 403), {}
    if isinstance(error, TooBusy):
        return "busy", _BUSY, {"Retry-After": str(error.seconds)}
    if isinstance(error, NotFound):
        return "nothing", 404, {}
    if isinstance(error, HTTPException):
        return "too_large" if error.status_code == 413 else "nothing", error.status_code, {}
    if isinstance(error, Refused):
        return "failed", error.status, {}
    if isinstance(error, HandselError):
        log.warning("page_failed", code=error.code, route=request.scope["route"].path)
        return "failed", error.status, {"Retry-After": "5"}
    log.error("page_failed", kind=type(error).__name__, route=request.scope["route"].path, exc_info=error)
    away = type(error).__name__ in ("OperationalError", "InterfaceError", "RPCError")
    return "failed", 503 if away else 500, {"Retry-After": "5"}


def _wants_json(request: Request) -> bool:
    return "/uploads" in request.url.path or request.url.path.endswith("/standing")


def bounded(request: Request, most: int) -> None:
    """Refuse a body that is larger than this, or does not say how large it is, before reading it."""
    size = request.headers.get("content-length", "")
    if not size.isdigit():
        raise HTTPException(411)
    if int(size) > most:
        raise HTTPException(413)


def link_problem(desk: Desk, standing: Standing, token: str) -> Response:
    """A link of ours that does not act here. It says nothing of what is behind it."""
    name = standing.value if knows(f"problem.{standing.value}.heading") else "nothing"
    return desk.render.page("problem.html", _STATUS.get(standing, 404), problem=name, token=token, brand="")


def working_page(
    desk: Desk, who: Visit, form: str, typed: dict[str, str], files: tuple[str, ...], mark: str
) -> Response:
    """No answer yet: a page that looks again by itself, and can send the very same form once more."""
    hidden = [*typed.items(), *(("asset", each) for each in files)]
    return desk.render.page("waiting.html", 202, token=who.token, form=form, hidden=hidden, mark=mark)
