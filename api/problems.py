"""Every error that leaves the API: one form, RFC 9457 problem details.

A problem carries the stable code of the domain's error tree, a plain sentence, the fields that are wrong,
and a link to its explanation (`/docs/errors#code`). It never carries a stack trace, a query, or what the
caller sent.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from api.commands import StillWorking
from api.limits import TooBusy
from domain.errors import HandselError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = "2"
"""Seconds until the same call is worth sending again."""
MOST_ERRORS: Final = 50
"""Fields named in one answer."""

log = structlog.get_logger("handsel.api")


class FieldError(BaseModel):
    """One field that is wrong."""

    field: str = Field(description="Path of the field, for example offer.fee.amount", examples=["name"])
    message: str = Field(description="A plain sentence", examples=["this must not be blank"])


class Problem(BaseModel):
    """What every refused or failed call answers (RFC 9457)."""

    type: str = Field(description="Link to the explanation", examples=["/docs/errors#not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    code: str = Field(description="Stable code", examples=["not_found"])
    detail: str = Field(description="A plain sentence", examples=["no such campaign"])
    request_id: str = Field(default="", description="Names this call in the logs")
    errors: list[FieldError] = Field(default=[], description="The fields that are wrong, if any")


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A problem as an answer."""
    body = Problem(
        type=f"/docs/errors#{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=getattr(request.state, "request_id", ""),
        errors=errors or [],
    )
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Answer every exception of the application as a problem."""
    app.add_exception_handler(HandselError, _named)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(IntegrityError, _overtaken)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, _database_away)
    app.add_exception_handler(RPCError, _engine_away)
    app.add_exception_handler(RuntimeError, _engine_unreached)
    app.add_exception_handler(Exception, _unforeseen)


async def _named(request: Request, error: Exception) -> Response:
    assert isinstance(error, HandselError)  # noqa: S101 - tells the type to mypy; registered for it only
    if error.status >= 500:
        log.error("defect", code=error.code, detail=error.message)
    headers = {}
    if isinstance(error, StillWorking) or error.code == "call_in_progress":
        headers["Retry-After"] = RETRY_AFTER
    if isinstance(error, TooBusy):
        headers["Retry-After"] = str(error.seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="handsel"'
    errors = [FieldError(field=error.field, message=error.message)] if error.field else None
    return problem(request, error.status, error.code, error.message, errors=errors, headers=headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = [FieldError(field=_path(one), message=_sentence(one)) for one in error.errors()[:MOST_ERRORS]]
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors[:3])
    return problem(request, 422, "invalid", detail, errors=errors)


def _path(error: dict[str, Any]) -> str:
    where = [str(part) for part in error["loc"]]
    if len(where) > 1 and where[0] in ("body", "query", "path", "header"):
        where = where[1:]
    return ".".join(where)[:200]


def _sentence(error: dict[str, Any]) -> str:
    message = str(error["msg"])
    return message.removeprefix("Value error, ")[:300]


_CODES: Final = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code = _CODES.get(error.status_code, "refused")
    detail = "there is nothing at this address" if error.status_code == 404 else str(error.detail)
    headers = dict(error.headers or {})
    return problem(request, error.status_code, code, detail, headers=headers)


async def _unstorable(request: Request, _error: Exception) -> Response:
    return problem(request, 422, "invalid", "a text or number in this call cannot be stored")


async def _overtaken(request: Request, error: Exception) -> Response:
    constraint = getattr(getattr(getattr(error, "orig", None), "diag", None), "constraint_name", "")
    log.info("conflict", constraint=constraint)
    return problem(
        request, 409, "already_exists", "this exists already, or another call changed it meanwhile"
    )


async def _database_away(request: Request, error: Exception) -> Response:
    log.error("database_away", kind=type(error).__name__)
    return problem(
        request,
        503,
        "database_unavailable",
        "the database cannot be reached at the moment; nothing was changed",
        headers={"Retry-After": RETRY_AFTER},
    )


async def _engine_away(request: Request, error: Exception) -> Response:
    log.error("temporal_away", kind=type(error).__name__)
    return problem(
        request,
        503,
        "engine_unavailable",
        "the workflow service cannot be reached at the moment; send the same call again",
        headers={"Retry-After": RETRY_AFTER},
    )


async def _engine_unreached(request: Request, error: Exception) -> Response:
    """A client that has not connected yet says so by a plain RuntimeError."""
    if "client connect" in str(error):
        return await _engine_away(request, error)
    return await _unforeseen(request, error)


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("unforeseen", exc_info=error)
    return problem(request, 500, "defect", "this is our mistake, not yours; it was logged")


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these error statuses (all carry a problem)."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _MEANING[status], "content": content} for status in statuses}


_MEANING: Final = {
    202: "No answer in time. It may have counted: send the same call with the same Idempotency-Key again.",
    400: "The body cannot be read.",
    401: "No API key, or one that does not count.",
    403: "The key's role does not allow this.",
    404: "No such thing for this brand.",
    409: "Understood and not possible now; nothing was changed.",
    413: "The body is too large.",
    422: "A field is missing or wrong; `errors` names it.",
    429: "Too many calls; `Retry-After` says when the next one counts.",
    503: "The database or the workflow service cannot be reached; send the same call again.",
}
