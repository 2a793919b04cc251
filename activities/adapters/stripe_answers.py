"""Reads what Stripe answers and sends: plain JSON in, the port's models out. Knows no SDK.

It keeps ids, amounts and states; whatever else an object carries is left behind here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from activities.payments_port import (
    FoundTransfer,
    PayeeStatus,
    Receipt,
    StripeRow,
    WebhookEvent,
    WebhookForged,
)

# What an event keeps of its object, by the object's kind: amounts, states and ids, never a person.
KEPT = {
    "transfer": ("amount", "amount_reversed", "currency", "destination", "reversed"),
    "payout": ("amount", "currency", "status", "failure_code", "automatic"),
    "topup": ("amount", "currency", "status", "failure_code"),
    "account": ("details_submitted", "payouts_enabled"),
    "capability": ("status",),
}


def status_v1(account: Mapping[str, Any]) -> PayeeStatus:
    """Return whether a v1 account can receive: its transfers capability decides."""
    status = (account.get("capabilities") or {}).get("transfers", "inactive")
    requirements = account.get("requirements") or {}
    due = [*(requirements.get("currently_due") or []), *(requirements.get("past_due") or [])]
    return PayeeStatus(
        account_id=account["id"],
        can_receive=status == "active",
        status=status,
        requirements_due=sorted(set(due)),
        disabled_reason=requirements.get("disabled_reason"),
    )


def status_v2(account: Mapping[str, Any]) -> PayeeStatus:
    """Return whether a v2 account can receive: its capability stripe_transfers decides."""
    recipient = (account.get("configuration") or {}).get("recipient") or {}
    balance = (recipient.get("capabilities") or {}).get("stripe_balance") or {}
    capability = balance.get("stripe_transfers") or {}
    entries = (account.get("requirements") or {}).get("entries") or []
    due = {
        entry["description"]
        for entry in entries
        if entry["awaiting_action_from"] == "user"
        and entry["minimum_deadline"]["status"] in ("currently_due", "past_due")
    }
    details = capability.get("status_details") or []
    status = capability.get("status", "unrequested")
    return PayeeStatus(
        account_id=account["id"],
        can_receive=status == "active" and not account.get("closed"),
        status=status,
        requirements_due=sorted(due),
        disabled_reason=details[0]["code"] if details else None,
    )


def found_transfer(transfer: Mapping[str, Any]) -> FoundTransfer:
    """Return a transfer that exists."""
    metadata = dict(transfer["metadata"])
    return FoundTransfer(
        transfer_id=transfer["id"],
        payout_id=transfer["transfer_group"] or "",
        attempt=_attempt(metadata),
        amount=transfer["amount"],
        amount_reversed=transfer["amount_reversed"],
        reversed=transfer["reversed"],
        currency=transfer["currency"],
        destination=transfer["destination"],
        created=datetime.fromtimestamp(transfer["created"], UTC),
        metadata=metadata,
    )


def read_receipt(transfer_id: str, account: str, payment_id: str, row: Mapping[str, Any]) -> Receipt:
    """Return what arrived. The rate stays the text that Stripe wrote: the shortest that reads the same."""
    rate = row.get("exchange_rate")
    return Receipt(
        transfer_id=transfer_id,
        account=account,
        payment_id=payment_id,
        row_id=row["id"],
        amount=row["amount"],
        currency=row["currency"].upper(),
        fee=row["fee"],
        exchange_rate="" if rate is None else format(Decimal(repr(rate)), "f"),
        created=datetime.fromtimestamp(row["created"], UTC),
    )


def stripe_row(row: Mapping[str, Any]) -> StripeRow:
    """Return a balance transaction; `source` may be an id or the object itself."""
    source = row["source"]
    embedded = source if isinstance(source, Mapping) else {}
    return StripeRow(
        id=row["id"],
        type=row["type"],
        category=row["reporting_category"],
        amount=row["amount"],
        fee=row["fee"],
        net=row["net"],
        currency=row["currency"].upper(),
        source=embedded.get("id") or (source if isinstance(source, str) else ""),
        transfer_group=embedded.get("transfer_group") or "",
        status=row["status"],
        created=datetime.fromtimestamp(row["created"], UTC),
        available_on=datetime.fromtimestamp(row["available_on"], UTC),
    )


def _attempt(metadata: Mapping[str, str]) -> int | None:
    value = metadata.get("attempt", "")
    return int(value) if value.isdecimal() else None


def signed_at(header: str) -> int:
    """Return the unix time in a signature header; raises `WebhookForged` without one."""
    for part in header.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "t":
            with contextlib.suppress(ValueError):
                return int(value)
    raise WebhookForged("the signature has no time")


def snapshot_event(body: Mapping[str, Any]) -> WebhookEvent:
    """Return what a v1 event is about. Raises KeyError or TypeError on another form."""
    obj = body["data"]["object"]
    kind = obj.get("object", "")
    data = {name: obj[name] for name in KEPT.get(kind, ()) if name in obj}
    if kind == "transfer":
        data |= {"payout_id": obj.get("transfer_group"), "attempt": _attempt(obj.get("metadata") or {})}
    if kind == "account":
        data["transfers"] = (obj.get("capabilities") or {}).get("transfers")
    return WebhookEvent(
        id=body["id"],
        type=body["type"],
        livemode=body["livemode"],
        account=body.get("account"),
        object_id=obj.get("id"),
        created=datetime.fromtimestamp(body["created"], UTC),
        idempotency_key=(body.get("request") or {}).get("idempotency_key"),
        data=data,
    )


def thin_event(body: Mapping[str, Any]) -> WebhookEvent:
    """Return what a v2 event is about. Raises KeyError or TypeError on another form."""
    related = body.get("related_object") or {}
    about_account = related.get("type") == "v2.core.account"
    request = (body.get("reason") or {}).get("request") or {}
    return WebhookEvent(
        id=body["id"],
        type=body["type"],
        livemode=body["livemode"],
        account=related.get("id") if about_account else body.get("context"),
        object_id=related.get("id"),
        created=datetime.fromisoformat(body["created"]),
        idempotency_key=request.get("idempotency_key") or None,
        data={},
    )
