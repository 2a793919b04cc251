"""Stripe's rows beside ours: how far they are compared, what differs, and what persons do about it.

Everybody of the brand may look; taking, noting and settling are finance's. Nothing here moves money.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import func, select
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities import settlement
from api.auth import own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
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
from domain.reconciliation import KEEPS_OPEN, MEANINGS, Which
from infra.tables import ReconciliationItem, StripeCursor, StripeMovement
from workflows.messages import (
    COLLABORATIONS_QUEUE,
    RECONCILE_NOW,
    RECONCILIATION,
    RECONCILIATION_ID,
    ReconciliationStart,
)

router = APIRouter(
    tags=["reconciliation"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)

State = Literal["open", "settled", "cleared"]


@router.get("/reconciliation", summary="How far Stripe's rows are compared")
def get_reconciliation(caller: CallerOf, session: SessionOf) -> ReconciliationShown:
    """Up to when everything is compared, and how many differences are open."""
    cursor = session.scalar(select(StripeCursor).limit(1))
    counts = dict.fromkeys(Which, 0)
    query = (
        select(ReconciliationItem.list, func.count().label("number"))
        .where(ReconciliationItem.brand_id == caller.brand_id, ReconciliationItem.state == "open")
        .group_by(ReconciliationItem.list)
    )
    counts |= {Which(row.list): row.number for row in session.execute(query)}
    unmatched = select(func.count()).where(StripeMovement.matched_at.is_(None))
    return ReconciliationShown(
        complete_at=cursor.complete_at if cursor else None,
        rows=cursor.rows if cursor else 0,
        unmatched=session.scalar(unmatched) or 0,
        open=counts,
    )


@router.get("/reconciliation/differences", summary="Differences")
def list_differences(
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    state: Annotated[State, Query(description="Differences in this state")] = "open",
    which: Annotated[Which | None, Query(alias="list", description="Of this list only")] = None,
) -> Page[DifferenceShown]:
    """What differs between Stripe and our books, each with its owner and age."""
    query = select(ReconciliationItem).where(
        ReconciliationItem.brand_id == caller.brand_id, ReconciliationItem.state == state
    )
    if which is not None:
        query = query.where(ReconciliationItem.list == which.value)
    return page_of(session, query, ReconciliationItem.id, paging, _shown)


@router.get("/reconciliation/differences/{difference_id}", summary="One difference", responses=answers(404))
def get_difference(difference_id: DifferenceId, caller: CallerOf, session: SessionOf) -> DifferenceShown:
    """One difference."""
    return _shown([own(session, caller, ReconciliationItem, difference_id)])[0]


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
    return _shown([item])[0]


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
    return _shown([item])[0]


@router.post(
    "/reconciliation/runs",
    summary="Compare now",
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
async def ask_for_run(request: Request, caller: CallerOf) -> RunAsked:  # noqa: ARG001 - whose key was checked
    """Ask for a round now; without that, there is one every quarter of an hour."""
    asked_at = datetime.now(UTC)
    await request.app.state.temporal.start_workflow(
        RECONCILIATION,
        ReconciliationStart(),
        id=RECONCILIATION_ID,
        task_queue=COLLABORATIONS_QUEUE,
        start_signal=RECONCILE_NOW,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    return RunAsked(asked_at=asked_at)


def _shown(rows: Sequence[ReconciliationItem]) -> list[DifferenceShown]:
    now = datetime.now(UTC)
    extra = {"meaning", "age_days", "keeps_open"}
    return [
        DifferenceShown(
            **{name: getattr(row, name) for name in DifferenceShown.model_fields if name not in extra},
            meaning=MEANINGS[Which(row.list)],
            age_days=max(0, ((row.ended_at or now) - row.first_seen_at).days),
            keeps_open=Which(row.list) in KEEPS_OPEN and row.state == "open",
        )
        for row in rows
    ]
