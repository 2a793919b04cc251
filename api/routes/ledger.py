"""The books of the caller's brand, read from the movements. Amounts are minor units, moments UTC."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import select, tuple_

from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.collaborations import MovementShown
from api.schemas.ledger import (
    BalanceShown,
    CurrencySum,
    EntryPage,
    NumberedEntry,
    StatementLineShown,
    StatementShown,
    TrialBalanceShown,
    TrialLineShown,
)
from domain.errors import NotFound
from domain.ledger import EntryKind
from infra import books
from infra.tables import Entry, Movement

router = APIRouter(
    tags=["ledger"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)

AccountName = Annotated[
    str,
    Query(
        pattern=r"^[a-z]{3,16}:[0-9A-Za-z_]{1,60}(:[a-z_]{2,20})?(:[A-Z]{3})?$",
        description="Name of an account",
        examples=["campaign:campaign_01k9z3v5e8fw0a2t4s6q8r0b1c:budget"],
    ),
]
At = Annotated[
    AwareDatetime | None,
    Query(description="Count what is dated up to and including this moment; none: everything"),
]
Since = Annotated[AwareDatetime | None, Query(description="From this moment on")]
Until = Annotated[AwareDatetime | None, Query(description="Up to, not including, this moment")]
Cursor = Annotated[
    str | None, Query(pattern=r"^entry_[0-9a-z]{26}$", description="`next_cursor` of the page before")
]
_LARGEST_PAGE: Final = 200


@router.get("/ledger/trial-balance", summary="Trial balance")
def get_trial_balance(
    caller: CallerOf,
    session: SessionOf,
    at: At = None,
    by: Annotated[books.By, Query(description="One line a kind of account, or one an account")] = "kind",
) -> TrialBalanceShown:
    """Every account with what it took, gave and holds, at any moment. Each currency sums to zero."""
    lines = books.trial_balance(session, caller.brand_id, at=at, by=by)
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.balance
    return TrialBalanceShown(
        at=at,
        items=[TrialLineShown.model_validate(line) for line in lines],
        sums=[CurrencySum(currency=currency, balance=total) for currency, total in sorted(sums.items())],
    )


@router.get("/ledger/entries", summary="Entries", responses=answers(404))
def list_entries(
    caller: CallerOf,
    session: SessionOf,
    since: Since = None,
    until: Until = None,
    kind: Annotated[EntryKind | None, Query(description="Of this kind only")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=_LARGEST_PAGE, description="Entries a page")] = 50,
) -> EntryPage:
    """Every posting of the brand with its movements, in the order of its date in the books."""
    query = select(Entry).where(Entry.brand_id == caller.brand_id).order_by(Entry.at, Entry.number)
    if since is not None:
        query = query.where(Entry.at >= since)
    if until is not None:
        query = query.where(Entry.at < until)
    if kind is not None:
        query = query.where(Entry.kind == kind)
    if cursor is not None:
        last = session.get(Entry, cursor)
        if last is None or last.brand_id != caller.brand_id:
            raise NotFound("no such entry", field="cursor")
        query = query.where(tuple_(Entry.at, Entry.number) > (last.at, last.number))
    rows = session.scalars(query.limit(limit + 1)).all()
    shown = rows[:limit]
    lines: dict[str, list[MovementShown]] = {row.id: [] for row in shown}
    movements = (
        select(Movement).where(Movement.entry_id.in_(lines)).order_by(Movement.entry_id, Movement.line)
    )
    for movement in session.scalars(movements):
        lines[movement.entry_id].append(MovementShown.model_validate(movement))
    return EntryPage(
        items=[_entry(row, lines[row.id]) for row in shown],
        next_cursor=shown[-1].id if len(rows) > limit else None,
    )


def _entry(row: Entry, movements: list[MovementShown]) -> NumberedEntry:
    fields = {name: getattr(row, name) for name in NumberedEntry.model_fields if name != "movements"}
    return NumberedEntry(**fields, movements=movements)


@router.get("/ledger/balance", summary="Balance of an account", responses=answers(404))
def get_balance(caller: CallerOf, session: SessionOf, account: AccountName, at: At = None) -> BalanceShown:
    """What one account held at a moment."""
    amount, currency = books.balance_at(session, caller.brand_id, account, at)
    return BalanceShown(account=account, currency=currency, at=at, balance=amount)


@router.get("/ledger/statement", summary="Statement of an account", responses=answers(404))
def get_statement(
    caller: CallerOf,
    session: SessionOf,
    account: AccountName,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=_LARGEST_PAGE, description="Lines a page")] = 100,
) -> StatementShown:
    """Opening balance, lines with the running balance, closing balance."""
    found = books.statement(
        session, caller.brand_id, account, since=since, until=until, after=cursor, limit=limit
    )
    return StatementShown(
        account=found.account,
        currency=found.currency,
        since=since,
        until=until,
        opening=found.opening,
        closing=found.closing,
        items=[StatementLineShown.model_validate(line) for line in found.lines],
        next_cursor=found.lines[-1].entry_id if found.more else None,
    )
