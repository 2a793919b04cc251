"""Payout runs, for whoever reads them: nothing about a run is decided by a call."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import own
from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.payout_runs import run_detail, runs_query
from api.problems import answers
from api.schemas.common import PayoutRunId
from api.schemas.runs import PayoutRunDetail, PayoutRunShown
from infra.tables import PayoutRunRow

router = APIRouter(
    tags=["payouts"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


@router.get("/payout-runs", summary="Payout runs")
def list_payout_runs(
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    state: Annotated[
        str | None, Query(pattern="^(open|parked|finished)$", description="Only those in this state")
    ] = None,
) -> Page[PayoutRunShown]:
    """Every run of the brand, oldest first; `state=parked` are those that are short of money now."""
    query = runs_query(caller.brand_id, state=state)
    return page_of(
        session,
        query,
        PayoutRunRow.id,
        paging,
        lambda rows: [PayoutRunShown.model_validate(row) for row in rows],
    )


@router.get("/payout-runs/{run_id}", summary="One payout run", responses=answers(404))
def get_payout_run(run_id: PayoutRunId, caller: CallerOf, session: SessionOf) -> PayoutRunDetail:
    """A run with its payments: those that wait in the order in which they will be paid."""
    return run_detail(session, own(session, caller, PayoutRunRow, run_id))
