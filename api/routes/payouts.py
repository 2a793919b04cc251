"""Payouts: lists, one with its whole story, decisions about one, and approval of many.

Each decision goes as one command to the collaboration's workflow, with an id that follows from the caller's
Idempotency-Key. What a person may not do is refused there; nothing is decided here.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session

from api.auth import Caller, own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf, request_name
from api.paging import Page, Paging, page_of
from api.payout_decisions import Click, approve_many, decide
from api.payouts import detail, listed, payouts_query
from api.problems import answers
from api.schemas.collaborations import CommandOutcome
from api.schemas.common import PayoutId
from api.schemas.payouts import (
    BatchGiven,
    BatchShown,
    HoldGiven,
    OverrideGiven,
    PayoutDetail,
    PayoutListed,
    RefusalGiven,
)
from domain.clocks import Span
from domain.stages import Attention
from infra.tables import Payout

router = APIRouter(
    tags=["payouts"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)
DECIDES = answers(400, 202, 404, 409, 413)


@router.get("/payouts", summary="Payouts")
def list_brand_payouts(
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    state: Annotated[
        str | None, Query(pattern="^[a-z_]{1,20}$", description="ready, sending, unknown, sent, ...")
    ] = None,
    waiting_on: Annotated[
        str | None, Query(pattern="^(finance|creator)$", description="Whose turn it is")
    ] = None,
    attention: Annotated[Attention | None, Query(description="Only those flagged with this reason")] = None,
    held: Annotated[bool | None, Query(description="Only those that are held, or are not")] = None,
    older_than: Annotated[Span | None, Query(description="Earned longer ago than this")] = None,
) -> Page[PayoutListed]:
    """Every payment of the brand, by state, by whom it waits for, by age."""
    query = payouts_query(
        caller.brand_id,
        state=state,
        waiting_on=waiting_on,
        attention=attention,
        held=held,
        older_than=older_than,
    )
    return page_of(session, query, Payout.id, paging, lambda rows: listed(session, rows))


@router.get("/payouts/{payout_id}", summary="One payout", responses=answers(404))
def get_payout(payout_id: PayoutId, caller: CallerOf, session: SessionOf) -> PayoutDetail:
    """A payment with gates, approvals, holds, overrides and attempts, and whether you could approve it."""
    return detail(session, own(session, caller, Payout, payout_id), caller)


@router.post("/payouts/{payout_id}/approve", summary="Approve", dependencies=REPEATABLE, responses=DECIDES)
async def approve_payout(
    payout_id: PayoutId, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Give one approval, as a person. The last one that is needed lets the payment go."""
    return await give_decision(
        request, caller, session, payout_id, "approve_payout", {"payout_id": payout_id}
    )


@router.post(
    "/payouts/{payout_id}/refuse", summary="Refuse to approve", dependencies=REPEATABLE, responses=DECIDES
)
async def refuse_payout(
    payout_id: PayoutId, given: RefusalGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Refuse, as a person: the payment is held with your reason, and approvals begin anew."""
    fields = {"payout_id": payout_id, "reason": given.reason}
    return await give_decision(request, caller, session, payout_id, "refuse_payout", fields, given.remark)


@router.post("/payouts/{payout_id}/hold", summary="Hold", dependencies=REPEATABLE, responses=DECIDES)
async def hold_payout(
    payout_id: PayoutId, given: HoldGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Stop the payment until a person releases it."""
    fields = {"reason": given.reason, "owner": given.owner}
    return await give_decision(request, caller, session, payout_id, "hold_payout", fields, given.remark)


@router.post(
    "/payouts/{payout_id}/release", summary="Release a hold", dependencies=REPEATABLE, responses=DECIDES
)
async def release_payout(
    payout_id: PayoutId, given: RefusalGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """End the hold, as a person, with a reason."""
    fields = {"reason": given.reason}
    return await give_decision(request, caller, session, payout_id, "release_payout", fields, given.remark)


@router.post(
    "/payouts/{payout_id}/override", summary="Answer for a gate", dependencies=REPEATABLE, responses=DECIDES
)
async def override_gate(
    payout_id: PayoutId, given: OverrideGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Answer, as a person and by name, for one gate that does not pass; never for funds or payee."""
    fields = {"payout_id": payout_id, "gate": given.gate, "reason": given.reason}
    return await give_decision(request, caller, session, payout_id, "override_gate", fields, given.remark)


@router.post(
    "/payouts/approvals",
    summary="Approve many",
    dependencies=REPEATABLE,
    responses=answers(400, 202, 409, 413),
)
async def approve_payouts(
    given: BatchGiven, request: Request, caller: CallerOf, session: SessionOf
) -> BatchShown:
    """Approve many, as a person: a result for each line. What is refused changes nothing.

    Sent again with the same Idempotency-Key, lines that counted count once.
    """
    click = Click(request.app, caller, request_name(request, uuid4().hex))
    return await approve_many(click, session, given)


async def give_decision(
    request: Request,
    caller: Caller,
    session: Session,
    payout_id: str,
    command: str,
    fields: dict[str, Any],
    remark: str = "",
) -> CommandOutcome:
    """Give one decision about a payment, with its words, under the caller's Idempotency-Key."""
    click = Click(request.app, caller, request_name(request, uuid4().hex))
    snapshot = await decide(click, session, payout_id, command, fields, remark)
    return CommandOutcome.model_validate(snapshot.model_dump())
