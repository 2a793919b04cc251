"""Bank accounts of the platform and of creators; Stripe's test numbers decide what happens.

The number itself is never shown: answers carry its last four digits.
"""

import hashlib

from infra.local.stripe import errors, events
from infra.local.stripe.calls import Call
from infra.local.stripe.store import Json, Record, Store, new_id

GOOD_NUMBER = "000123456789"
FAILING_NUMBERS = {
    "000111111116": "no_account",
    "000111111113": "account_closed",
    "000222222227": "insufficient_funds",
    "000333333335": "debit_not_authorized",
    "000444444440": "invalid_currency",
}


def add(
    call: Call, owner: str, *, number: str, country: str, currency: str, routing: str | None = None,
    holder: str | None = None, metadata: dict[str, str] | None = None,
) -> Record:  # fmt: skip
    """Store a bank account for an owner; the first of an owner, or a replacement, is its default."""
    if not number.isalnum() or not 4 <= len(number) <= 34:
        raise errors.invalid(
            "external_account[account_number]", "Invalid account number", "account_number_invalid"
        )
    for old in of(call.store, owner):
        old.body["default_for_currency"] = False
        call.store.save(old)
    requirements: Json = {
        "currently_due": [], "errors": [], "past_due": [], "pending_verification": [],
    }  # fmt: skip
    body: Json = {
        "id": new_id("ba"),
        "object": "bank_account",
        "account": owner,
        "account_holder_name": holder,
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": country,
        "currency": currency,
        "default_for_currency": True,
        "fingerprint": hashlib.sha256(number.encode()).hexdigest()[:16],
        "future_requirements": requirements,
        "last4": number[-4:],
        "metadata": metadata or {},
        "requirements": requirements,
        "routing_number": routing,
        "status": "new",
    }
    return call.store.insert("bank_account", owner, body, {"number": number})


def of(store: Store, owner: str) -> list[Record]:
    """Return an owner's bank accounts, newest first."""
    return store.page("bank_account", owner)


def usable(store: Store, owner: str) -> Record | None:
    """Return the bank account that payouts go to, or None."""
    for bank in of(store, owner):
        if bank.body["default_for_currency"] and bank.body["status"] != "errored":
            return bank
    return None


def failure_of(bank: Record) -> str | None:
    """Return the failure that a test number stands for, or None."""
    return FAILING_NUMBERS.get(str(bank.hidden.get("number")))


def disable(call: Call, bank: Record) -> None:
    """Stop payouts to a bank account after one failed."""
    before = dict(bank.body)
    if bank.body["status"] != "errored":
        bank.body["status"] = "errored"
        call.store.save(bank)
        events.record(call, "account.external_account.updated", bank.body, owner=bank.owner, before=before)
