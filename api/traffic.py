"""What surrounds every request: an id, a line in the log, and headers that browsers obey.

The log names the route, never the address (a creator's token stands in it), never a body or a header.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID: Final = "X-Request-ID"
_FORM: Final = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every answer carries that says nothing else; pages say more (`api/pages/rendering.py`)."""
_API_ONLY: Final = {"Cache-Control": "no-store"}
_HTTPS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}

log = structlog.get_logger("handsel.http")


class Traffic:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self._app = app
        self._always = _SAFE | (_HTTPS_ONLY if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, pass it on, say how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        name = given if _FORM.match(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = name
        began, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message, name, self._always)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=name):
            try:
                await self._app(scope, receive, answer)
            finally:
                _tell(scope, status, time.perf_counter() - began)


def _add_headers(scope: Scope, message: Message, name: str, always: dict[str, str]) -> None:
    headers = MutableHeaders(scope=message)
    headers[REQUEST_ID] = name
    added = always | (_API_ONLY if scope["path"].startswith("/api/") else {})
    for header, value in added.items():
        headers.setdefault(header, value)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "")
    if route in ("/healthz", "/readyz") and status < 400:
        return
    caller = scope.get("state", {}).get("caller")
    log.info(
        "request",
        method=scope["method"],
        route=route or "unknown",
        status=status,
        milliseconds=round(seconds * 1000, 1),
        key=getattr(caller, "key_id", ""),
        member=getattr(scope.get("state", {}).get("person"), "member_id", ""),
    )
