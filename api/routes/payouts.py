"""Payouts: lists, one with its whole story, decisions about one, and approval of many.

Each decision goes as one command to the collaboration's workflow, with an id that follows from the caller's
Idempotency-Key. What a person may not do is refused there; nothing is decided here.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth import Caller, own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf, request_name
from api.commands import give
from api.paging import Page, Paging, page_of
from api.payouts import detail, listed, payouts_query
from api.problems import answers
from api.schemas.collaborations import CommandOutcome
from api.schemas.common import PayoutId
from api.schemas.payouts import (
    BatchGiven,
    BatchLine,
    BatchShown,
    HoldGiven,
    OverrideGiven,
    PayoutDetail,
    PayoutListed,
    RefusalGiven,
)
from domain.approvals import is_person
from domain.clocks import Span
from domain.commands import Request as Order
from domain.errors import Forbidden, Invalid, Refused
from domain.ledger import actor_text
from domain.stages import Attention
from domain.state import Snapshot
from infra.ids import new_id
from infra.tables import Payout, Remark

router = APIRouter(
    tags=["payouts"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)
DECIDES = answers(400, 202, 404, 409, 413)
MOST_IN_A_BATCH: Final = 500
_AT_ONCE: Final = 8
"""Lines of a batch that are worked together."""


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
    return await _decide(request, caller, session, payout_id, "approve_payout", {"payout_id": payout_id})


@router.post(
    "/payouts/{payout_id}/refuse", summary="Refuse to approve", dependencies=REPEATABLE, responses=DECIDES
)
async def refuse_payout(
    payout_id: PayoutId, given: RefusalGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Refuse, as a person: the payment is held with your reason, and approvals begin anew."""
    fields = {"payout_id": payout_id, "reason": given.reason}
    return await _decide(request, caller, session, payout_id, "refuse_payout", fields, given.remark)


@router.post("/payouts/{payout_id}/hold", summary="Hold", dependencies=REPEATABLE, responses=DECIDES)
async def hold_payout(
    payout_id: PayoutId, given: HoldGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Stop the payment until a person releases it."""
    fields = {"reason": given.reason, "owner": given.owner}
    return await _decide(request, caller, session, payout_id, "hold_payout", fields, given.remark)


@router.post(
    "/payouts/{payout_id}/release", summary="Release a hold", dependencies=REPEATABLE, responses=DECIDES
)
async def release_payout(
    payout_id: PayoutId, given: RefusalGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """End the hold, as a person, with a reason."""
    fields = {"reason": given.reason}
    return await _decide(request, caller, session, payout_id, "release_payout", fields, given.remark)


@router.post(
    "/payouts/{payout_id}/override", summary="Answer for a gate", dependencies=REPEATABLE, responses=DECIDES
)
async def override_gate(
    payout_id: PayoutId, given: OverrideGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Answer, as a person and by name, for one gate that does not pass; never for funds or payee."""
    fields = {"payout_id": payout_id, "gate": given.gate, "reason": given.reason}
    return await _decide(request, caller, session, payout_id, "override_gate", fields, given.remark)


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
    _require_person(caller)
    chosen = await run_in_threadpool(_choose, session, caller, given)
    turn = asyncio.Semaphore(_AT_ONCE)
    name = request_name(request, uuid4().hex)

    async def one(payout_id: str, collaboration_id: str) -> BatchLine:
        command = {"name": "approve_payout", "payout_id": payout_id}
        async with turn:
            try:
                await _give(request, caller, collaboration_id, f"{name}:{payout_id}", command)
            except Refused as refusal:
                return BatchLine(
                    payout_id=payout_id, result="refused", code=refusal.code, message=refusal.message
                )
        return BatchLine(payout_id=payout_id, result="approved")

    known = [one(payout_id, of) for payout_id, of in chosen.items() if of]
    unknown = [
        BatchLine(payout_id=payout_id, result="refused", code="not_found", message="no such payout")
        for payout_id, of in chosen.items()
        if not of
    ]
    results = [*await asyncio.gather(*known), *unknown]
    approved = sum(line.result == "approved" for line in results)
    return BatchShown(approved=approved, refused=len(results) - approved, results=results)


def _choose(session: Session, caller: Caller, given: BatchGiven) -> dict[str, str]:
    """Payout to collaboration, empty where the brand has no such payout."""
    if given.all_waiting == bool(given.payouts):
        raise Invalid("name payouts, or choose all_waiting: one of the two", field="payouts")
    if given.all_waiting:
        query = payouts_query(caller.brand_id, attention=Attention.AWAITS_APPROVAL).limit(MOST_IN_A_BATCH)
        found = {
            row.id: row.collaboration_id for row in session.scalars(query.order_by(Payout.pay_by, Payout.id))
        }
    else:
        rows = select(Payout).where(Payout.brand_id == caller.brand_id, Payout.id.in_(given.payouts))
        own_ = {row.id: row.collaboration_id for row in session.scalars(rows)}
        found = {one: own_.get(one, "") for one in given.payouts}
    session.commit()  # hold no connection while the workflows answer
    return {one: of for one, of in found.items() if one not in given.exceptions}


async def _decide(
    request: Request,
    caller: Caller,
    session: Session,
    payout_id: str,
    command: str,
    fields: dict[str, Any],
    remark: str = "",
) -> CommandOutcome:
    """Keep the words, then give the command that names them."""
    needs_person = command != "hold_payout"
    collaboration_id = await run_in_threadpool(
        _prepare, session, caller, payout_id, fields, remark, needs_person
    )
    name = request_name(request, uuid4().hex)
    snapshot = await _give(request, caller, collaboration_id, name, {"name": command, **fields})
    return CommandOutcome.model_validate(snapshot.model_dump())


def _require_person(caller: Caller) -> None:
    if not is_person(caller.actor):
        raise Forbidden("a person has to do this; an API key cannot", code="needs_person")


def _prepare(
    session: Session,
    caller: Caller,
    payout_id: str,
    fields: dict[str, Any],
    remark: str,
    needs_person: bool,
) -> str:
    payout = own(session, caller, Payout, payout_id)
    if needs_person:
        _require_person(caller)
    if remark.strip():
        fields["remark_id"] = new_id("remark")
        session.add(
            Remark(
                id=fields["remark_id"],
                brand_id=caller.brand_id,
                collaboration_id=payout.collaboration_id,
                actor=actor_text(caller.actor),
                text=remark.strip(),
            )
        )
    session.commit()  # hold no connection while the workflow answers
    return payout.collaboration_id


async def _give(
    request: Request, caller: Caller, collaboration_id: str, name: str, command: dict[str, Any]
) -> Snapshot:
    order = Order.model_validate({"id": name, "actor": caller.actor, "command": command})
    state = request.app.state
    return await give(state.temporal, state.sessions, collaboration_id, order)
