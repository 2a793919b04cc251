"""Stripe's rows beside ours as the API and the pages of finance show them; and asking for a round now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from api.schemas.reconciliation import DifferenceShown, ReconciliationShown
from domain.reconciliation import KEEPS_OPEN, MEANINGS, Which
from infra.tables import ReconciliationItem, StripeCursor, StripeMovement
from workflows.messages import (
    COLLABORATIONS_QUEUE,
    RECONCILE_NOW,
    RECONCILIATION,
    RECONCILIATION_ID,
    ReconciliationStart,
)


def overview(session: Session, brand_id: str) -> ReconciliationShown:
    """Up to when everything is compared, and how many differences are open, by list."""
    cursor = session.scalar(select(StripeCursor).limit(1))
    counts = dict.fromkeys(Which, 0)
    query = (
        select(ReconciliationItem.list, func.count().label("number"))
        .where(ReconciliationItem.brand_id == brand_id, ReconciliationItem.state == "open")
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


def differences_query(brand_id: str, state: str, which: Which | None = None) -> Select[Any]:
    """The brand's differences in this state, of one list or of all."""
    query = select(ReconciliationItem).where(
        ReconciliationItem.brand_id == brand_id, ReconciliationItem.state == state
    )
    return query if which is None else query.where(ReconciliationItem.list == which.value)


def differences_shown(rows: Sequence[ReconciliationItem]) -> list[DifferenceShown]:
    """Differences with their meaning and age."""
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


async def ask_for_round(temporal: Client) -> datetime:
    """Ask for a comparison now; it is done when `complete_at` is later than the moment that this returns."""
    asked_at = datetime.now(UTC)
    await temporal.start_workflow(
        RECONCILIATION,
        ReconciliationStart(),
        id=RECONCILIATION_ID,
        task_queue=COLLABORATIONS_QUEUE,
        start_signal=RECONCILE_NOW,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    return asked_at
