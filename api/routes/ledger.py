"""The books of the caller's brand, read from the movements. Amounts are minor units, moments UTC."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.ledger import (
    BalanceShown,
    CurrencySum,
    StatementLineShown,
    StatementShown,
    TrialBalanceShown,
    TrialLineShown,
)
from infra import books

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
    since: Annotated[AwareDatetime | None, Query(description="From this moment on")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Up to, not including, this moment")] = None,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^entry_[0-9a-z]{26}$", description="`next_cursor` of the page before"),
    ] = None,
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
