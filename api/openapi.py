"""What OpenAPI says beyond the routes themselves: subjects, the form of a problem, and who may call what."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.auth import roles_of
from api.problems import FieldError, Problem
from api.schemas.shipments import Tracking, TrackingLine
from domain.roles import Role

TAGS: Final[list[dict[str, Any]]] = [
    {"name": "brand", "description": "The brand of the API key, and its keys."},
    {"name": "members", "description": "The people of the brand and their roles."},
    {"name": "products", "description": "What is given, with stock."},
    {"name": "creators", "description": "Who is invited, one by one or from a CSV file."},
    {
        "name": "campaigns",
        "description": "Brief, offer, clocks and budget; launch, pause, close, cancel; invite.",
    },
    {"name": "collaborations", "description": "One creator in one campaign, and its papers."},
    {"name": "commands", "description": "What a brand can do with a collaboration."},
    {"name": "payouts", "description": "Payments: gates, approvals, holds, and who decides."},
    {"name": "shipments", "description": "Pick lists out, tracking in."},
    {"name": "disclosure", "description": "Is a post honestly marked? Checks on request."},
    {"name": "ledger", "description": "The books: trial balance, statements, balances at any moment."},
    {"name": "exports", "description": "Files of the books: CSV, JSON lines, Parquet, a journal."},
    {"name": "reconciliation", "description": "Stripe's rows beside ours, and what differs."},
    {"name": "proof", "description": "Evidence of payouts, and certified erasures of creators."},
    {"name": "periods", "description": "Months of the books: what is in the way, close, open again."},
    {"name": "webhooks", "description": "Messages from Stripe and carriers; signed, not keyed."},
    {"name": "health", "description": "For probes."},
]

_TEXT: Final = """
The API of one brand. Send an API key: `Authorization: Bearer hs_...`. What belongs to another brand does
not exist.

**Errors** are problem details (RFC 9457) with a stable `code`, explained at the address in `type`.
**Repeats**: every POST takes an `Idempotency-Key`. The same call with the same key counts once and is
answered with the first answer and `Idempotent-Replayed: true`; another call with that key is
refused (409); a call that was refused changed nothing and leaves its key free. Answers are kept for 7 days.
**Pages**: give `next_cursor` as `cursor`. **Money** is whole minor units with an ISO 4217 code. **Moments**
are UTC.
""".strip()


def describe(app: FastAPI) -> None:
    """Make the document once, at the first call for it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # how FastAPI lets its document be replaced


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=_TEXT,
        routes=app.routes,
        tags=TAGS,
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for model in (FieldError, Problem, TrackingLine, Tracking):
        schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas[model.__name__].pop("$defs", None)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, operations in made["paths"].items():
        if path.startswith("/api/"):
            for operation in operations.values():
                _say_who(operation)
    return made


def _say_who(operation: dict[str, Any]) -> None:
    """Write the roles that may call an operation into its description."""
    roles = roles_of(operation["operationId"])
    names = ", ".join(role.value for role in Role if role in roles)
    operation["description"] = f"{operation.get('description', '')}\n\nRoles: {names}.".strip()
