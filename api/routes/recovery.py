"""Payments that go another way or come back: off-platform with a document, clawbacks, reversals.

Asked for by one person and decided by another; each call is one command to the collaboration's workflow.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from api.auth import own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.payment_documents import MEDIA_TYPES, Files, keep_document
from api.problems import answers
from api.routes.payouts import DECIDES, give_decision
from api.schemas.collaborations import CommandOutcome
from api.schemas.common import PayoutId
from api.schemas.payouts import (
    ClawbackGiven,
    DocumentShown,
    NumberGiven,
    OffPlatformGiven,
    RefusalGiven,
    ReversalGiven,
)
from infra.tables import PaymentDocument, Payout

router = APIRouter(
    tags=["payouts"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)
_FILE: Final[dict[str, Any]] = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
}


@router.post(
    "/payouts/{payout_id}/documents",
    summary="Upload a document",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 404, 409, 413),
    openapi_extra={"requestBody": _FILE},
)
async def upload_payment_document(
    payout_id: PayoutId,
    request: Request,
    caller: CallerOf,
    session: SessionOf,
) -> DocumentShown:
    """Keep a receipt or a bank statement (PDF, JPEG, PNG, up to 10 MB) sealed, with its SHA-256."""
    body = await request.body()
    files = Files(request.app.state.objects, request.app.state.vault)
    kept = await run_in_threadpool(keep_document, session, caller, files, payout_id, body)
    return DocumentShown.model_validate(kept)


@router.get("/payouts/{payout_id}/documents", summary="Documents", responses=answers(404))
def list_payment_documents(payout_id: PayoutId, caller: CallerOf, session: SessionOf) -> list[DocumentShown]:
    """The documents of one payout."""
    own(session, caller, Payout, payout_id)
    rows = session.scalars(
        select(PaymentDocument)
        .where(PaymentDocument.payout_id == payout_id)
        .order_by(PaymentDocument.at, PaymentDocument.id)
    )
    return [DocumentShown.model_validate(row) for row in rows]


@router.post(
    "/payouts/{payout_id}/off-platform",
    summary="Report a payment outside of Stripe",
    dependencies=REPEATABLE,
    responses=DECIDES,
)
async def record_off_platform(
    payout_id: PayoutId, given: OffPlatformGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Say, as a person and with an uploaded document, that it was paid elsewhere. Another person decides."""
    fields = {"payout_id": payout_id, "document_id": given.document_id, "method": given.method}
    return await give_decision(
        request, caller, session, payout_id, "record_off_platform", fields, given.remark
    )


@router.post(
    "/payouts/{payout_id}/off-platform/approve",
    summary="Approve a payment outside of Stripe",
    dependencies=REPEATABLE,
    responses=DECIDES,
)
async def approve_off_platform(
    payout_id: PayoutId, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Approve it, as another person: the payout is closed as paid elsewhere."""
    return await give_decision(
        request, caller, session, payout_id, "approve_off_platform", {"payout_id": payout_id}
    )


@router.post(
    "/payouts/{payout_id}/off-platform/refuse",
    summary="Refuse a payment outside of Stripe",
    dependencies=REPEATABLE,
    responses=DECIDES,
)
async def refuse_off_platform(
    payout_id: PayoutId, given: RefusalGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """It was not paid elsewhere; the payment goes on as before."""
    fields = {"payout_id": payout_id, "reason": given.reason}
    return await give_decision(
        request, caller, session, payout_id, "refuse_off_platform", fields, given.remark
    )


@router.post(
    "/payouts/{payout_id}/clawback", summary="Ask for money back", dependencies=REPEATABLE, responses=DECIDES
)
async def request_clawback(
    payout_id: PayoutId, given: ClawbackGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Ask, as a person, to take back a part of a transfer. Another person decides."""
    fields = {"payout_id": payout_id, "amount": given.amount, "reason": given.reason}
    return await give_decision(request, caller, session, payout_id, "request_clawback", fields, given.remark)


@router.post(
    "/payouts/{payout_id}/clawback/approve",
    summary="Approve a clawback",
    dependencies=REPEATABLE,
    responses=DECIDES,
)
async def approve_clawback(
    payout_id: PayoutId, given: NumberGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Approve it, as another person: Stripe is told to reverse so much of the transfer."""
    fields = {"number": given.number}
    return await give_decision(request, caller, session, payout_id, "approve_clawback", fields)


@router.post(
    "/payouts/{payout_id}/clawback/refuse",
    summary="Refuse a clawback",
    dependencies=REPEATABLE,
    responses=DECIDES,
)
async def refuse_clawback(
    payout_id: PayoutId, given: NumberGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Nothing is taken back."""
    fields = {"number": given.number, "reason": given.reason}
    return await give_decision(request, caller, session, payout_id, "refuse_clawback", fields, given.remark)


@router.post(
    "/payouts/{payout_id}/reversal/settle",
    summary="Settle a reversal",
    dependencies=REPEATABLE,
    responses=DECIDES,
)
async def settle_reversal(
    payout_id: PayoutId, given: ReversalGiven, request: Request, caller: CallerOf, session: SessionOf
) -> CommandOutcome:
    """Say, as a person, that what Stripe reversed by itself is the campaign's again, or is paid once more."""
    fields = {"payout_id": payout_id, "then": given.then, "reason": given.reason}
    return await give_decision(request, caller, session, payout_id, "settle_reversal", fields, given.remark)
