"""One API call, from its header to its stored answer: who, may they, was it sent before, one transaction.

Every route under /api/v1 runs through `CallRoute`. What an operation writes and the answer kept for its
Idempotency-Key are committed together, so a crash leaves both or neither. An operation that raises has
changed nothing, and does not use up its key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from sqlalchemy.orm import Session

from api.auth import Caller, allow, caller_of, identify
from api.idempotency import ABANDONED_AFTER, KEY_FORM, Claim, claim, fingerprint, finish, release
from domain.errors import Invalid

LARGEST_BODY: Final = 1_000_000
"""Bytes of a body, unless `LARGEST_BODIES` names the operation."""
LARGEST_BODIES: Final = {
    "import_creators_file": 40_000_000,
    "invite_creators": 4_000_000,
    "add_tracking": 4_000_000,
    "upload_payment_document": 10_000_000,
}
LONG: Final = {"import_creators_file": timedelta(minutes=10)}
"""Operations that may rightly take longer than `ABANDONED_AFTER`."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_bearer = HTTPBearer(auto_error=False, description="An API key of the brand: `hs_...`")
_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89abAB])")


class CallRoute(APIRoute):
    """A route of the API. The name of its function is its operation in `api.auth.ACCESS`."""

    def get_route_handler(self) -> Handler:
        """The route's handler, with everything around it that all calls share."""
        handle = super().get_route_handler()
        operation = self.operation_id or self.name
        known = _query_names(self.dependant)

        async def call(request: Request) -> Response:
            sessions = request.app.state.sessions
            header = request.headers.get("authorization")
            settings = request.app.state.settings
            caller = await run_in_threadpool(identify, sessions, settings, header)
            request.state.caller = caller
            allow(caller, operation)
            _refuse_unknown_query(request, known)
            body = await _read_body(request, LARGEST_BODIES.get(operation, LARGEST_BODY))
            _refuse_unstorable(request, body)
            key = _idempotency_key(request)
            if key is None:
                return await _perform(request, handle, None)
            return await _once(request, handle, key, body, LONG.get(operation, ABANDONED_AFTER))

        return call


async def _once(
    request: Request, handle: Handler, key: str, body: bytes, abandoned_after: timedelta
) -> Response:
    """Run the call unless its key has an answer already."""
    caller = caller_of(request)
    sessions = request.app.state.sessions
    claimed = await run_in_threadpool(
        claim,
        sessions,
        caller.key_id,
        key,
        fingerprint(request.method, str(request.url), body),
        abandoned_after,
    )
    if not isinstance(claimed, Claim):
        return claimed.as_response()
    try:
        return await _perform(request, handle, claimed)
    except BaseException:
        await run_in_threadpool(release, sessions, claimed)
        raise


async def _perform(request: Request, handle: Handler, claimed: Claim | None) -> Response:
    """Run the operation in one transaction, and keep its answer in the same one."""
    session: Session = request.app.state.sessions()
    request.state.session = session
    try:
        response = await handle(request)
        await run_in_threadpool(_commit, session, claimed, response)
        return response
    finally:
        await run_in_threadpool(session.close)


def _commit(session: Session, claimed: Claim | None, response: Response) -> None:
    if claimed is not None:
        finish(session, claimed, response)
    session.commit()


def _query_names(dependant: Dependant) -> set[str]:
    """The query parameters of an operation and of all it depends on."""
    own = {param.alias for param in dependant.query_params}
    return own.union(*(_query_names(one) for one in dependant.dependencies))


def _refuse_unknown_query(request: Request, known: set[str]) -> None:
    """Raise `Invalid` for a parameter that the operation does not have: most often a typing error."""
    for name in request.query_params:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            shown = name if name.isascii() and name.isprintable() else "?"
            raise Invalid(f"unknown query parameter; there are: {names}", field=shown[:40])


async def _read_body(request: Request, largest: int) -> bytes:
    """The whole body. Raises `Invalid` (413) as soon as it is larger than allowed."""
    too_large = Invalid(f"the body is larger than {largest:,} bytes", code="too_large")
    too_large.status = 413
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > largest:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > largest:
            raise too_large
        chunks.append(chunk)
    request._body = b"".join(chunks)  # where Starlette keeps a body that was read
    return request._body


def _refuse_unstorable(request: Request, body: bytes) -> None:
    """Raise `Invalid` for JSON texts that no database can hold: NUL and halves of surrogate pairs."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return
    if not _ESCAPE.search(body):
        return
    try:
        plain = json.dumps(json.loads(body), ensure_ascii=False)
        plain.encode()
    except UnicodeEncodeError as error:
        raise Invalid("the body holds half of a surrogate pair", code="invalid") from error
    except ValueError:
        return  # not JSON at all: the parser says so, with the place
    if "\x00" in plain or "\\u0000" in plain:
        raise Invalid("the body holds a NUL character", code="invalid")


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None or request.method != "POST":
        return None
    if not re.fullmatch(KEY_FORM, key):
        raise Invalid("1 to 100 visible ASCII characters", field="Idempotency-Key")
    return key


def session_of(request: Request) -> Session:
    """The session of this call: one transaction, committed after the answer was made."""
    session: Session = request.state.session
    return session


def _documented_key(
    _key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=KEY_FORM,
            description="Any text of yours that names this call. The same call with the same key "
            "is answered again and counts once.",
        ),
    ] = None,
) -> None:
    """Tell OpenAPI of the header; `CallRoute` works it."""


def request_name(request: Request, fresh: str) -> str:
    """The deterministic id of a command: the caller's key with its Idempotency-Key, or with `fresh`."""
    return f"key:{caller_of(request).key_id}:{request.headers.get('idempotency-key') or fresh}"


KEYED = [Security(_bearer)]
"""Router dependency: documents the key that every call needs."""
REPEATABLE = [Depends(_documented_key)]
"""Route dependency of every POST."""

CallerOf = Annotated[Caller, Depends(caller_of)]
SessionOf = Annotated[Session, Depends(session_of)]
