"""Money that comes back or goes another way: clawbacks, reversals, payments outside of Stripe.

One person asks and another decides. The forms stand on the page of the payment (`api/console/payout.py`).
"""

from __future__ import annotations

from decimal import InvalidOperation
from typing import Any, Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.auth import own
from api.console.frame import View, ViewOf
from api.console.payout import REASONS, answered, chosen_reason
from api.console.route import LARGEST_FORMS, console_router
from api.console.wording import say
from api.pages.forms import FormRefused
from api.payment_documents import Files, keep_document
from api.payout_decisions import Click, decide
from domain.errors import Invalid
from domain.money import from_major
from infra.tables import Payout

router = console_router()
LARGEST_FORMS["report_elsewhere_here"] = 10_500_000
_MOST_WORDS: Final = 2000
REASONS.update(
    {
        "clawback": ("post_deleted", "paid_too_much", "wrong_payee", "other"),
        "clawback-refuse": ("not_owed", "agreed_with_creator", "other"),
        "elsewhere": ("bank_transfer", "paypal", "cash", "other"),
        "elsewhere-refuse": ("not_shown", "wrong_amount", "other"),
        "reversal": ("seen_at_stripe", "agreed_with_creator", "other"),
    }
)


@router.post("/payouts/{payout_id}/clawback")
async def ask_clawback_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Ask to take back a part of what was transferred. Another person decides."""

    async def act() -> None:
        wrong: dict[str, str] = {}
        reason, remark = chosen_reason(view, "clawback", wrong, words=True)
        amount = await run_in_threadpool(_amount, view, payout_id, wrong)
        if wrong:
            raise FormRefused(wrong)
        fields = {"payout_id": payout_id, "amount": amount, "reason": reason}
        await decide(_click(view, request), view.session, payout_id, "request_clawback", fields, remark)

    return await answered(view, payout_id, "clawback", act)


@router.post("/payouts/{payout_id}/clawback-approve")
async def approve_clawback_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Stripe is told to reverse so much of the transfer."""
    return await _second(view, request, payout_id, "clawback-approve", "approve_clawback", _number(view))


@router.post("/payouts/{payout_id}/clawback-refuse")
async def refuse_clawback_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Nothing is taken back."""
    return await _second(view, request, payout_id, "clawback-refuse", "refuse_clawback", _number(view))


@router.post("/payouts/{payout_id}/elsewhere")
async def report_elsewhere_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Say, with a document, that it was paid outside of Stripe. Another person decides."""

    async def act() -> None:
        wrong: dict[str, str] = {}
        method, remark = chosen_reason(view, "elsewhere", wrong)
        sent = view.files.get("document")
        body = await sent.read() if sent is not None else b""
        if not body:
            wrong["document"] = say("form.fill_in")
        if wrong:
            raise FormRefused(wrong)
        document_id = await run_in_threadpool(_keep, view, payout_id, body)
        fields = {"payout_id": payout_id, "document_id": document_id, "method": method}
        await decide(_click(view, request), view.session, payout_id, "record_off_platform", fields, remark)

    return await answered(view, payout_id, "elsewhere", act)


@router.post("/payouts/{payout_id}/elsewhere-approve")
async def approve_elsewhere_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """The payment is closed as paid elsewhere."""
    fields = {"payout_id": payout_id}
    return await _second(view, request, payout_id, "elsewhere-approve", "approve_off_platform", fields)


@router.post("/payouts/{payout_id}/elsewhere-refuse")
async def refuse_elsewhere_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """It was not paid elsewhere; the payment goes on as before."""
    fields = {"payout_id": payout_id}
    return await _second(view, request, payout_id, "elsewhere-refuse", "refuse_off_platform", fields)


@router.post("/payouts/{payout_id}/reversal")
async def settle_reversal_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """What Stripe reversed by itself belongs to the campaign again, or is paid once more."""
    fields = {"payout_id": payout_id, "then": view.fields.get("then", "")}
    return await _second(view, request, payout_id, "reversal", "settle_reversal", fields)


async def _second(
    view: View, request: Request, payout_id: str, form: str, command: str, fields: dict[str, Any]
) -> Response:
    async def act() -> None:
        given, remark = dict(fields), ""
        if form in REASONS:
            wrong: dict[str, str] = {}
            given["reason"], remark = chosen_reason(view, form, wrong)
            if wrong:
                raise FormRefused(wrong)
        await decide(_click(view, request), view.session, payout_id, command, given, remark)

    return await answered(view, payout_id, form, act)


def _click(view: View, request: Request) -> Click:
    return Click(request.app, view.person, f"console:{view.id_of('job')}")


def _number(view: View) -> dict[str, Any]:
    typed = view.fields.get("number", "")
    return {"number": int(typed) if typed.isdecimal() and len(typed) < 5 else 0}


def _amount(view: View, payout_id: str, wrong: dict[str, str]) -> int:
    """The typed amount in minor units of the payment's currency."""
    payout = own(view.session, view.person, Payout, payout_id)
    try:
        amount = from_major(view.text("amount", 20).replace(",", ""), payout.currency).amount
    except (ValueError, InvalidOperation, FormRefused):
        amount = 0
    if not 0 < amount <= payout.amount:
        wrong["amount"] = say("payout.wrong_amount")
    return amount


def _keep(view: View, payout_id: str, body: bytes) -> str:
    files = Files(view.console.objects, view.console.vault)
    try:
        kept = keep_document(view.session, view.person, files, payout_id, body)
    except Invalid as refused:
        raise FormRefused({"document": say("payout.wrong_document")}) from refused
    return kept.id
