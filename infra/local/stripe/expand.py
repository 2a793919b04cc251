"""`expand[]`: put an object where its id stands, for the properties where Stripe allows it."""

from typing import Any

from infra.local.stripe import accounts, errors
from infra.local.stripe.calls import Call
from infra.local.stripe.store import Json

EXPANDABLE: dict[str, frozenset[str]] = {
    "transfer": frozenset({"balance_transaction", "destination", "reversals"}),
    "transfer_reversal": frozenset({"balance_transaction", "transfer"}),
    "payout": frozenset(
        {"balance_transaction", "destination", "failure_balance_transaction", "original_payout"}
    ),
    "topup": frozenset({"balance_transaction"}),
    "balance_transaction": frozenset({"source"}),
    "account": frozenset({"external_accounts", "requirements", "settings"}),
    "capability": frozenset({"account"}),
}
KIND_OF_PREFIX = {
    "txn": "balance_transaction",
    "tr": "transfer",
    "trr": "transfer_reversal",
    "po": "payout",
    "tu": "topup",
    "ba": "bank_account",
}
DEEPEST = 4


def expand(call: Call, body: Json, paths: list[str]) -> Json:
    """Return the body with each path embedded; a path that cannot be expanded is a 400."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property: {path}."
            raise errors.invalid("expand", message)
        body = _along(call, body, parts, path)
    return body


def _along(call: Call, body: Json, parts: list[str], path: str) -> Json:
    if not parts:
        return body
    name, rest = parts[0], parts[1:]
    if body.get("object") == "list" and name == "data":
        return {**body, "data": [_along(call, item, rest, path) for item in body["data"]]}
    if name not in EXPANDABLE.get(str(body.get("object")), frozenset()):
        raise errors.invalid("expand", f"This property cannot be expanded ({path}).")
    value = body.get(name)
    if isinstance(value, str):
        value = _load(call, value)
    if isinstance(value, dict):
        value = _along(call, value, rest, path)
    return {**body, name: value}


def _load(call: Call, object_id: str) -> Any:
    """Return the object of an id; a payment (`py_`) stays an id, as payments are not built."""
    prefix = object_id.partition("_")[0]
    if prefix == "acct":
        found = accounts.find(call, object_id)
        return accounts.v1_view(call, found) if found else object_id
    record = call.store.find(KIND_OF_PREFIX.get(prefix, ""), object_id)
    return record.body if record else object_id
