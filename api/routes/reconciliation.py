"""Stripe's rows beside ours: how far they are compared, what differs, and what persons do about it.

Everybody of the brand may look; taking, noting and settling are finance's. Nothing here moves money.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from activities import settlement
from api.auth import own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.differences import ask_for_round, differences_query, differences_shown, overview
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.reconciliation import (
    DifferenceChanges,
    DifferenceId,
    DifferenceShown,
    ReconciliationShown,
    RunAsked,
    Settlement,
)
from domain.reconciliation import Which
from infra.tables import ReconciliationItem

router = APIRouter(
    tags=["reconciliation"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)

State = Literal["open", "settled", "cleared"]


@router.get("/reconciliation", summary="How far Stripe's rows are compared")
def get_reconciliation(caller: CallerOf, session: SessionOf) -> ReconciliationShown:
    """Up to when everything is compared, and how many differences are open."""
    return overview(session, caller.brand_id)


@router.get("/reconciliation/differences", summary="Differences")
def list_differences(
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    state: Annotated[State, Query(description="Differences in this state")] = "open",
    which: Annotated[Which | None, Query(alias="list", description="Of this list only")] = None,
) -> Page[DifferenceShown]:
    """What differs between Stripe and our books, each with its owner and age."""
    query = differences_query(caller.brand_id, state, which)
    return page_of(session, query, ReconciliationItem.id, paging, differences_shown)


@router.get("/reconciliation/differences/{difference_id}", summary="One difference", responses=answers(404))
def get_difference(difference_id: DifferenceId, caller: CallerOf, session: SessionOf) -> DifferenceShown:
    """One difference."""
    return differences_shown([own(session, caller, ReconciliationItem, difference_id)])[0]


@router.patch(
    "/reconciliation/differences/{difference_id}",
    summary="Take or note a difference",
    responses=answers(400, 404, 409, 413),
)
def change_difference(
    difference_id: DifferenceId, changes: DifferenceChanges, caller: CallerOf, session: SessionOf
) -> DifferenceShown:
    """Say who looks after it, or note something. Refused once it has ended (`difference_ended`)."""
    item = settlement.take(
        session,
        caller.brand_id,
        difference_id,
        caller.actor,
        datetime.now(UTC),
        owner=changes.owner,
        note=changes.note,
    )
    return differences_shown([item])[0]


@router.post(
    "/reconciliation/differences/{difference_id}/settle",
    summary="Settle a difference",
    dependencies=REPEATABLE,
    responses=answers(400, 404, 409, 413),
)
def settle_difference(
    difference_id: DifferenceId, given: Settlement, caller: CallerOf, session: SessionOf
) -> DifferenceShown:
    """Say why the difference is no problem any more. It moves no money; the first reason stays."""
    item = settlement.settle(
        session, caller.brand_id, difference_id, caller.actor, given.reason, datetime.now(UTC)
    )
    return differences_shown([item])[0]


@router.post(
    "/reconciliation/runs",
    summary="Compare now",
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
async def ask_for_run(request: Request, caller: CallerOf) -> RunAsked:  # noqa: ARG001 - whose key was checked
    """Ask for a round now; without that, there is one every quarter of an hour."""
    return RunAsked(asked_at=await ask_for_round(request.app.state.temporal))
