"""Transfers from the platform to a creator, and their reversals.

A transfer has no status: if it exists, the money has moved. Each moves two balances, through the
ledger, in the same transaction.
"""

from typing import Any

from infra.local.stripe import accounts, conversion, errors, events, ledger, payouts
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import equals, short_list, v1_list, within
from infra.local.stripe.params import (
    EXPAND,
    PAGE,
    Field,
    boolean,
    currency,
    integer,
    merge_metadata,
    metadata,
    moment_range,
    must,
    one_of,
    text,
)
from infra.local.stripe.store import Filter, Json, Record, new_id

LARGEST = 99_999_999_999
INSUFFICIENT_FUNDS = (
    "You have insufficient available funds in your Stripe account. Try adding funds directly to "
    "your available balance by creating Charges using the 4000000000000077 test card. See: "
    "https://stripe.com/docs/testing#available-balance"
)
INSUFFICIENT_CAPABILITIES = (
    "Your destination account needs to have at least one of the following capabilities enabled: "
    "transfers, crypto_transfers, legacy_payments"
)


@operation(
    "POST",
    "/v1/transfers",
    {
        **EXPAND,
        "amount": must(integer(1, LARGEST)),
        "currency": must(currency()),
        "destination": must(text()),
        "description": text(),
        "metadata": metadata(),
        "source_transaction": text(),
        "source_type": one_of("bank_account", "card", "fpx"),
        "transfer_group": text(),
    },
)
def create_transfer(call: Call) -> Json:
    """Move available money of the platform to an account that may receive transfers."""
    given = call.params
    destination = _destination(call, given["destination"])
    if "source_transaction" in given:
        raise errors.missing_object("charge", given["source_transaction"], "source_transaction", began=True)
    amount, money = given["amount"], given["currency"]
    if ledger.available(call.store, call.owner, money) < amount:
        raise errors.refused(INSUFFICIENT_FUNDS, "balance_insufficient")
    transfer_id, payment_id = new_id("tr"), new_id("py")
    description = given.get("description")
    sent = ledger.post(
        call, call.owner, amount=-amount, currency=money, type="transfer", source=transfer_id,
        description=description,
    )  # fmt: skip
    arrived = conversion.arrival(call, destination.id, amount, money)
    ledger.post(
        call, destination.id, amount=arrived.amount, currency=arrived.currency, type="payment",
        source=payment_id, category="charge", description=description, exchange_rate=arrived.rate,
    )  # fmt: skip
    body: Json = {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": sent,
        "created": call.now,
        "currency": money,
        "description": description,
        "destination": destination.id,
        "destination_payment": payment_id,
        "livemode": False,
        "metadata": merge_metadata({}, given),
        "reversals": short_list([], f"/v1/transfers/{transfer_id}/reversals"),
        "reversed": False,
        "source_transaction": None,
        "source_type": given.get("source_type", "card"),
        "transfer_group": given.get("transfer_group"),
    }
    call.store.insert("transfer", call.owner, body)
    events.record(call, "transfer.created", body)
    payouts.plan_automatic(call.store, destination)
    return body


def _destination(call: Call, account_id: str) -> Record:
    account = accounts.find(call, account_id)
    if account is None or account.body["closed"]:
        message = f"No such destination: '{account_id}'"
        raise errors.refused(message, "resource_missing", "destination")
    if accounts.capability_status(account.body, "transfers") != "active":
        raise errors.refused(
            INSUFFICIENT_CAPABILITIES, "insufficient_capabilities_for_transfer", "destination"
        )
    return account


def _find(call: Call, transfer_id: str, param: str = "id") -> Record:
    record = call.store.find("transfer", transfer_id, call.owner)
    if record is None:
        raise errors.missing_object("transfer", transfer_id, param)
    return record


@operation(
    "GET",
    "/v1/transfers",
    {**PAGE, "created": moment_range(), "destination": text(), "transfer_group": text()},
)
def list_transfers(call: Call) -> Json:
    """List transfers, filtered by destination, group or time."""
    filters = [*equals(call, "destination", "transfer_group"), *within(call, "created")]
    return v1_list(call, "transfer", "/v1/transfers", filters)


@operation("GET", "/v1/transfers/{id}", EXPAND)
def retrieve_transfer(call: Call) -> Json:
    """Return one transfer."""
    return _find(call, call.path["id"]).body


_CHANGES: dict[str, Field] = {**EXPAND, "description": text(), "metadata": metadata()}


@operation("POST", "/v1/transfers/{id}", _CHANGES)
def update_transfer(call: Call) -> Json:
    """Change a transfer's description or metadata; its money never changes."""
    record = _find(call, call.path["id"])
    before = dict(record.body)
    if "description" in call.params:
        record.body["description"] = call.params["description"] or None
    record.body["metadata"] = merge_metadata(record.body["metadata"], call.params)
    call.store.save(record)
    if record.body != before:
        events.record(call, "transfer.updated", record.body, before=before)
    return record.body


@operation(
    "POST",
    "/v1/transfers/{id}/reversals",
    {
        **EXPAND,
        "amount": integer(1, LARGEST),
        "description": text(),
        "metadata": metadata(),
        "refund_application_fee": boolean(),
    },
)
def create_reversal(call: Call) -> Json:
    """Take back a part or the rest of a transfer, if the creator's balance still holds it."""
    transfer = _find(call, call.path["id"])
    body, before = transfer.body, dict(transfer.body)
    rest = body["amount"] - body["amount_reversed"]
    amount = call.params.get("amount", rest)
    if rest == 0:
        raise errors.refused(f"Transfer {transfer.id} is already fully reversed.")
    if amount > rest:
        message = (
            f"Reversal amount ({amount}) is greater than the unreversed amount of the transfer ({rest})."
        )
        raise errors.refused(message, param="amount")
    creator = body["destination"]
    if not conversion.covered(call, creator, conversion.taken_back(call, transfer, amount)):
        message = (
            "Insufficient funds in the connected account's balance to reverse this transfer "
            f"({amount} {body['currency']})."
        )
        raise errors.refused(message, "balance_insufficient")
    reversal = _reverse(call, transfer, amount)
    body["amount_reversed"] += amount
    body["reversed"] = body["amount_reversed"] == body["amount"]
    body["reversals"] = _reversals_of(call, transfer.id)
    call.store.save(transfer)
    events.record(call, "transfer.reversed", body, before=before)
    return reversal


def _reverse(call: Call, transfer: Record, amount: int) -> Json:
    reversal_id, refund_id = new_id("trr"), new_id("pyr")
    money, creator = transfer.body["currency"], transfer.body["destination"]
    returned = ledger.post(
        call, call.owner, amount=amount, currency=money, type="transfer_refund",
        source=reversal_id, category="transfer_reversal",
    )  # fmt: skip
    back = conversion.taken_back(call, transfer, amount)
    ledger.post(
        call, creator, amount=-back.amount, currency=back.currency, type="payment_refund",
        source=refund_id, category="refund", exchange_rate=back.rate,
    )  # fmt: skip
    body: Json = {
        "id": reversal_id,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": returned,
        "created": call.now,
        "currency": money,
        "destination_payment_refund": refund_id,
        "metadata": merge_metadata({}, call.params),
        "source_refund": None,
        "transfer": transfer.id,
    }
    call.store.insert("transfer_reversal", call.owner, body)
    return body


def _reversals_of(call: Call, transfer_id: str) -> Json:
    records = call.store.page("transfer_reversal", call.owner, [Filter("transfer", transfer_id)], limit=11)
    return short_list(records, f"/v1/transfers/{transfer_id}/reversals")


@operation("GET", "/v1/transfers/{id}/reversals", PAGE)
def list_reversals(call: Call) -> Json:
    """List the reversals of one transfer."""
    transfer = _find(call, call.path["id"])
    url = f"/v1/transfers/{transfer.id}/reversals"
    return v1_list(call, "transfer_reversal", url, [Filter("transfer", transfer.id)])


def _find_reversal(call: Call) -> Record:
    transfer = _find(call, call.path["transfer"], "transfer")
    found = call.store.find("transfer_reversal", call.path["id"], call.owner)
    if found is None or found.body["transfer"] != transfer.id:
        raise errors.missing_object("transfer_reversal", call.path["id"], "id")
    return found


@operation("GET", "/v1/transfers/{transfer}/reversals/{id}", EXPAND)
def retrieve_reversal(call: Call) -> Json:
    """Return one reversal."""
    return _find_reversal(call).body


@operation("POST", "/v1/transfers/{transfer}/reversals/{id}", {**EXPAND, "metadata": metadata()})
def update_reversal(call: Call) -> Json:
    """Change a reversal's metadata."""
    found = _find_reversal(call)
    found.body["metadata"] = merge_metadata(found.body["metadata"], call.params)
    call.store.save(found)
    transfer = _find(call, call.path["transfer"])
    before: dict[str, Any] = dict(transfer.body)
    transfer.body["reversals"] = _reversals_of(call, transfer.id)
    call.store.save(transfer)
    events.record(call, "transfer.updated", transfer.body, before=before)
    return found.body
