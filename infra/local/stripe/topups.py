"""Top-ups: the public way to put money on the platform's balance.

A top-up is pending until its bank debit succeeds: at once after the answer, or after the simulated
seconds of the setting `topup_seconds`. Only a pending one can be cancelled.
"""

from infra.local.stripe import errors, events, ledger
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import equals, v1_list, within
from infra.local.stripe.params import (
    EXPAND,
    PAGE,
    currency,
    group,
    integer,
    merge_metadata,
    metadata,
    moment_range,
    must,
    one_of,
    text,
)
from infra.local.stripe.store import Json, Record, new_id

LARGEST = 99_999_999_999
OUTCOMES = ("succeeded", "failed", "reversed")


@operation(
    "POST",
    "/v1/topups",
    {
        **EXPAND,
        "amount": must(integer(1, LARGEST)),
        "currency": must(currency()),
        "description": text(),
        "metadata": metadata(),
        "payment_method": text(),
        "payment_method_options": group({"us_bank_account": group({"network": one_of("ach")})}),
        "source": text(),
        "statement_descriptor": text(15),
        "transfer_group": text(),
    },
)
def create_topup(call: Call) -> Json:
    """Ask the platform's bank for money."""
    body = new_topup(call, call.params["amount"], call.params["currency"])
    wait = float(call.store.fact("topup_seconds", 0))
    body["expected_availability_date"] = int(call.now + wait)
    call.store.insert("topup", call.owner, body)
    events.record(call, "topup.created", body)
    call.store.add_job("topup_succeeds", body["id"], call.store.clock() + wait)
    return body


def new_topup(call: Call, amount: int, money: str) -> Json:
    """Return a pending top-up that is not stored yet."""
    given = call.params
    return {
        "id": new_id("tu"),
        "object": "topup",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": money,
        "description": given.get("description"),
        "expected_availability_date": call.now,
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": False,
        "metadata": merge_metadata({}, given),
        "payment_method": given.get("payment_method"),
        "payment_method_options": None,
        "source": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "status": "pending",
        "transfer_group": given.get("transfer_group"),
    }


def settle(call: Call, topup: Record, outcome: str) -> None:
    """Let a pending top-up succeed or fail, or a succeeded one be reversed by the bank."""
    body, before = topup.body, dict(topup.body)
    allowed = {"pending": ("succeeded", "failed"), "succeeded": ("reversed",)}
    if outcome not in allowed.get(body["status"], ()):
        raise errors.refused(f"A top-up that is {body['status']} cannot become {outcome}.")
    body["status"] = outcome
    if outcome == "failed":
        body["failure_code"] = "insufficient_funds"
        body["failure_message"] = "The bank account has insufficient funds."
    else:
        amount = body["amount"] if outcome == "succeeded" else -body["amount"]
        kind = "topup" if outcome == "succeeded" else "topup_reversal"
        row = ledger.post(
            call, topup.owner, amount=amount, currency=body["currency"], type=kind,
            source=topup.id, description=body["description"],
        )  # fmt: skip
        if outcome == "succeeded":
            body["balance_transaction"] = row
    call.store.save(topup)
    events.record(call, f"topup.{outcome}", body, owner=topup.owner, before=before)
    if outcome == "succeeded":
        view = ledger.balance_view(call.store, topup.owner, body["currency"], platform=True)
        events.record(call, "balance.available", view, owner=topup.owner)


def _find(call: Call) -> Record:
    found = call.store.find("topup", call.path["id"], call.owner)
    if found is None:
        raise errors.missing_object("topup", call.path["id"], "id")
    return found


@operation(
    "GET",
    "/v1/topups",
    {
        **PAGE,
        "amount": moment_range(),
        "created": moment_range(),
        "status": one_of("canceled", "failed", "pending", "succeeded"),
    },
)
def list_topups(call: Call) -> Json:
    """List top-ups."""
    filters = [*equals(call, "status"), *within(call, "created", "amount")]
    return v1_list(call, "topup", "/v1/topups", filters)


@operation("GET", "/v1/topups/{id}", EXPAND)
def retrieve_topup(call: Call) -> Json:
    """Return one top-up."""
    return _find(call).body


@operation("POST", "/v1/topups/{id}", {**EXPAND, "description": text(), "metadata": metadata()})
def update_topup(call: Call) -> Json:
    """Change a top-up's description or metadata."""
    found = _find(call)
    if "description" in call.params:
        found.body["description"] = call.params["description"] or None
    found.body["metadata"] = merge_metadata(found.body["metadata"], call.params)
    call.store.save(found)
    return found.body


@operation("POST", "/v1/topups/{id}/cancel", EXPAND)
def cancel_topup(call: Call) -> Json:
    """Cancel a pending top-up."""
    found = _find(call)
    before = dict(found.body)
    if found.body["status"] != "pending":
        raise errors.refused(f"Top-up {found.id} cannot be canceled because it is {found.body['status']}.")
    found.body["status"] = "canceled"
    call.store.save(found)
    events.record(call, "topup.canceled", found.body, before=before)
    return found.body
