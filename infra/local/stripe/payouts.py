"""Payouts to a bank: the platform's own, and the automatic daily ones of the creators.

A payout leaves the balance when it is made and is final only days later: a paid one can still
fail, the money comes back, and the bank account takes no more payouts until it is replaced.
"""

from infra.local.stripe import accounts, bank_accounts, errors, events, ledger
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import equals, v1_list, within
from infra.local.stripe.params import (
    EXPAND,
    PAGE,
    currency,
    integer,
    merge_metadata,
    metadata,
    moment_range,
    must,
    one_of,
    text,
)
from infra.local.stripe.store import Json, Record, Store, new_id

DAY = 86400
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this transfer.",
    "debit_not_authorized": "Debit transactions are not approved on the bank account.",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
    "no_account": "The bank account details on file are probably incorrect.",
}


def plan_automatic(store: Store, account: Record) -> None:
    """Plan the next daily payout of an account that has received money."""
    schedule = account.body["schedule"]
    if schedule["interval"] != "manual" and not store.has_job("pay_out", account.id):
        store.add_job("pay_out", account.id, store.clock() + schedule["delay_days"] * DAY)


def run_automatic(call: Call, account: Record) -> None:
    """Pay out each currency that an account has available; without a usable bank, try next day."""
    bank = bank_accounts.usable(call.store, account.id)
    if bank is None or not accounts.payouts_enabled(call.store, account.body):
        if not account.body["closed"]:
            call.store.add_job("pay_out", account.id, call.store.clock() + DAY)
        return
    for money in sorted(ledger.currencies(call.store, account.id)):
        amount = ledger.available(call.store, account.id, money)
        if amount > 0:
            payout = _make(call, account.id, amount, money, bank, automatic=True)
            ledger.claim_for_payout(call, account.id, money, payout.id)


def _make(call: Call, owner: str, amount: int, money: str, bank: Record, *, automatic: bool) -> Record:
    arrival = (call.now // DAY + 1) * DAY
    given = call.params
    payout_id = new_id("po")
    row = ledger.post(
        call, owner, amount=-amount, currency=money, type="payout", source=payout_id,
        description="STRIPE PAYOUT" if automatic else given.get("description"),
    )  # fmt: skip
    body: Json = {
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": row,
        "created": call.now,
        "currency": money,
        "description": "STRIPE PAYOUT" if automatic else given.get("description"),
        "destination": bank.id,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merge_metadata({}, given),
        "method": given.get("method", "standard"),
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": given.get("source_type", "card"),
        "statement_descriptor": given.get("statement_descriptor"),
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    record = call.store.insert("payout", owner, body)
    events.record(call, "payout.created", body, owner=owner)
    call.store.add_job("payout_leaves", payout_id, call.store.clock() + DAY / 4)
    call.store.add_job("payout_arrives", payout_id, arrival)
    return record


def leave(call: Call, payout: Record) -> None:
    """Hand a pending payout to the bank; from here it cannot be cancelled."""
    if payout.body["status"] == "pending":
        before = dict(payout.body)
        payout.body["status"] = "in_transit"
        call.store.save(payout)
        events.record(call, "payout.updated", payout.body, owner=payout.owner, before=before)


def arrive(call: Call, payout: Record) -> None:
    """Let the bank answer as its test number says."""
    if payout.body["status"] in ("pending", "in_transit"):
        bank = call.store.find("bank_account", str(payout.body["destination"]))
        code = bank_accounts.failure_of(bank) if bank else "no_account"
        settle(call, payout, "failed" if code else "paid", code)


def settle(call: Call, payout: Record, outcome: str, failure_code: str | None = None) -> None:
    """Make a payout paid or failed; a paid one can still fail, a failed one is final."""
    body, before = payout.body, dict(payout.body)
    allowed = {"pending": ("paid", "failed"), "in_transit": ("paid", "failed"), "paid": ("failed",)}
    if outcome not in allowed.get(body["status"], ()):
        raise errors.refused(f"A payout that is {body['status']} cannot become {outcome}.")
    body["status"] = outcome
    if outcome == "paid":
        body["trace_id"] = {"status": "supported", "value": new_id("trace", 12)}
    else:
        _fail(call, payout, failure_code or "could_not_process")
    call.store.save(payout)
    events.record(call, f"payout.{outcome}", body, owner=payout.owner, before=before)
    if outcome == "paid" and body["automatic"]:
        body["reconciliation_status"] = "completed"
        call.store.save(payout)
        events.record(call, "payout.reconciliation_completed", body, owner=payout.owner)


def _fail(call: Call, payout: Record, code: str) -> None:
    body = payout.body
    body["failure_code"] = code
    body["failure_message"] = FAILURES.get(code, FAILURES["could_not_process"])
    body["failure_balance_transaction"] = ledger.post(
        call, payout.owner, amount=body["amount"], currency=body["currency"],
        type="payout_failure", source=payout.id,
    )  # fmt: skip
    bank = call.store.find("bank_account", str(body["destination"]))
    if bank is not None:
        bank_accounts.disable(call, bank)


def _find(call: Call) -> Record:
    found = call.store.find("payout", call.path["id"], call.owner)
    if found is None:
        raise errors.missing_object("payout", call.path["id"], "id")
    return found


@operation(
    "POST",
    "/v1/payouts",
    {
        **EXPAND,
        "amount": must(integer(1, 99_999_999_999)),
        "currency": must(currency()),
        "description": text(),
        "destination": text(),
        "metadata": metadata(),
        "method": one_of("instant", "standard"),
        "payout_method": text(),
        "source_type": one_of("bank_account", "card", "fpx"),
        "statement_descriptor": text(22),
    },
)
def create_payout(call: Call) -> Json:
    """Pay out available money by hand."""
    given = call.params
    if "destination" in given:
        bank = call.store.find("bank_account", given["destination"], call.owner)
        if bank is None:
            raise errors.missing_object("external account", given["destination"], "destination", began=True)
    else:
        bank = bank_accounts.usable(call.store, call.owner)
    if bank is None or bank.body["status"] == "errored":
        message = "Sorry, you don't have any external accounts in that currency that can be used."
        raise errors.refused(message, "no_account")
    if ledger.available(call.store, call.owner, given["currency"]) < given["amount"]:
        message = "You have insufficient funds in your Stripe account for this payout."
        raise errors.refused(message, "balance_insufficient")
    made = _make(call, call.owner, given["amount"], given["currency"], bank, automatic=False)
    return made.body


@operation(
    "GET",
    "/v1/payouts",
    {
        **PAGE,
        "arrival_date": moment_range(),
        "created": moment_range(),
        "destination": text(),
        "status": text(),
    },
)
def list_payouts(call: Call) -> Json:
    """List payouts of the platform or of one connected account."""
    filters = [*equals(call, "destination", "status"), *within(call, "created", "arrival_date")]
    return v1_list(call, "payout", "/v1/payouts", filters)


@operation("GET", "/v1/payouts/{id}", EXPAND)
def retrieve_payout(call: Call) -> Json:
    """Return one payout."""
    return _find(call).body


@operation("POST", "/v1/payouts/{id}", {**EXPAND, "metadata": metadata()})
def update_payout(call: Call) -> Json:
    """Change a payout's metadata."""
    found = _find(call)
    before = dict(found.body)
    found.body["metadata"] = merge_metadata(found.body["metadata"], call.params)
    call.store.save(found)
    events.record(call, "payout.updated", found.body, before=before)
    return found.body


@operation("POST", "/v1/payouts/{id}/cancel", EXPAND)
def cancel_payout(call: Call) -> Json:
    """Cancel a payout that has not left; the money returns."""
    found = _find(call)
    before = dict(found.body)
    if found.body["status"] != "pending":
        message = "Payouts can only be canceled while they are pending."
        raise errors.refused(message, "payouts_not_allowed")
    found.body["status"] = "canceled"
    found.body["failure_balance_transaction"] = ledger.post(
        call, found.owner, amount=found.body["amount"], currency=found.body["currency"],
        type="payout_cancel", source=found.id,
    )  # fmt: skip
    call.store.save(found)
    events.record(call, "payout.canceled", found.body, before=before)
    return found.body
