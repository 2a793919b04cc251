"""Files of the books: CSV, JSON lines, Parquet; and the account codes of the journal.

A file is made whole before its first byte leaves, so that a refusal is an answer. Columns are stable and
explained at `/exports` and in docs/exports.md. Nothing personal stands in any of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from api.auth import own_brand
from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.export_files import Wanted, export_file
from api.problems import answers
from api.routes.ledger import AccountName
from api.schemas.exports import Codes, CodesGiven, CodeShown, ColumnShown, Exports, ExportShown
from domain.ledger import ACCOUNT_KINDS
from infra.account_codes import codes_of, set_code
from infra.exports.columns import COLUMNS
from infra.tables import AccountCode

router = APIRouter(
    tags=["exports"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


WantedOf = Annotated[Wanted, Depends()]


@router.get("/exports", summary="Exports and their columns")
def list_exports(caller: CallerOf) -> Exports:  # noqa: ARG001 - the same for every brand
    """Every export with its columns, in order. Columns are stable: new ones are added at the end."""
    return Exports(
        items=[
            ExportShown(
                name=name,
                columns=[
                    ColumnShown(name=one.name, kind=one.kind.value, meaning=one.meaning) for one in columns
                ],
            )
            for name, columns in COLUMNS.items()
        ]
    )


@router.get(
    "/exports/payouts", summary="Payouts as a file", response_class=StreamingResponse, responses=_FILE
)
def export_payouts(
    request: Request, caller: CallerOf, session: SessionOf, wanted: WantedOf
) -> StreamingResponse:
    """What was earned in the time, and what became of it."""
    return _export(request, session, caller, wanted, "payouts")


@router.get("/exports/ledger", summary="Ledger as a file", response_class=StreamingResponse, responses=_FILE)
def export_ledger(
    request: Request, caller: CallerOf, session: SessionOf, wanted: WantedOf
) -> StreamingResponse:
    """Every line of every entry that is dated in the time."""
    return _export(request, session, caller, wanted, "ledger")


@router.get(
    "/exports/statement",
    summary="Statement of an account as a file",
    response_class=StreamingResponse,
    responses=_FILE | answers(404),
)
def export_statement(
    request: Request, caller: CallerOf, session: SessionOf, wanted: WantedOf, account: AccountName
) -> StreamingResponse:
    """Opening balance, lines with the running balance, closing balance."""
    return _export(request, session, caller, wanted, "statement", account)


@router.get(
    "/exports/reconciliation",
    summary="Differences as a file",
    response_class=StreamingResponse,
    responses=_FILE,
)
def export_reconciliation(
    request: Request, caller: CallerOf, session: SessionOf, wanted: WantedOf
) -> StreamingResponse:
    """Every difference whose money moved in the time, ended ones too."""
    return _export(request, session, caller, wanted, "reconciliation")


@router.get(
    "/exports/audit", summary="Audit log as a file", response_class=StreamingResponse, responses=_FILE
)
def export_audit(
    request: Request, caller: CallerOf, session: SessionOf, wanted: WantedOf
) -> StreamingResponse:
    """Every line of the brand's chain, in order of the chain."""
    return _export(request, session, caller, wanted, "audit")


@router.get(
    "/exports/journal",
    summary="Journal for accounting",
    response_class=StreamingResponse,
    responses=_FILE | answers(409),
)
def export_journal(
    request: Request, caller: CallerOf, session: SessionOf, wanted: WantedOf
) -> StreamingResponse:
    """Two lines for each movement: debit and credit, under the brand's own account codes.

    Refused with `account_code_missing`, naming every account without a code.
    """
    return _export(request, session, caller, wanted, "journal")


def _export(
    request: Request, session: Session, caller: CallerOf, wanted: Wanted, name: str, account: str = ""
) -> StreamingResponse:
    zone = own_brand(session, caller).zone
    return export_file(request.app.state.sessions, caller.brand_id, zone, wanted, name, account)


# --- account codes ------------------------------------------------------------------------------------


@router.get("/exports/account-codes", summary="Account codes")
def list_account_codes(caller: CallerOf, session: SessionOf) -> Codes:
    """Every kind of account with the code under which the brand's accounting keeps it."""
    rows = codes_of(session, caller.brand_id)
    return Codes(items=[_code(name, rows.get(name)) for name in sorted({*ACCOUNT_KINDS, *rows})])


@router.patch("/exports/account-codes", summary="Set account codes", responses=answers(400, 413))
def set_account_codes(given: CodesGiven, caller: CallerOf, session: SessionOf) -> Codes:
    """Set codes; an empty one takes the code away. Files that were made before stay as they are."""
    now = datetime.now(UTC)
    for one in given.codes:
        set_code(session, caller.brand_id, one.account, one.code, one.name, caller.actor, now)
    session.flush()
    return list_account_codes(caller, session)


def _code(account: str, row: AccountCode | None) -> CodeShown:
    return CodeShown(
        account=account,
        code=row.code if row else "",
        name=row.name if row else "",
        changed_at=row.changed_at if row else None,
        changed_by=row.changed_by if row else "",
    )
