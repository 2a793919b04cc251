"""The control plane, `/_sim/...`: what only a simulator can do.

Same key as the API, JSON in and out. Everything it changes goes the way the API's own changes go,
so that balances have rows and changes have events.
"""

import re
from collections.abc import Callable
from typing import Any

from infra.local.stripe import (
    accounts,
    bank_accounts,
    conversion,
    deliveries,
    errors,
    faults,
    ledger,
    payouts,
    topups,
)
from infra.local.stripe.calls import Call
from infra.local.stripe.params import (
    Field,
    anything,
    check,
    currency,
    integer,
    items,
    must,
    one_of,
    text,
)
from infra.local.stripe.store import Json, Record, new_id

MODES = ("normal", "duplicate", "reorder", "delay", "drop", "before_answer")
SETTINGS: dict[str, Field] = {
    "rate_per_second": integer(0, 1000),
    "topup_seconds": integer(0),
    "v1_accounts": one_of("on", "off"),
    "work_ms": integer(0, 60_000),
}


def found_platform(call: Call) -> None:
    """Give an empty file its platform account, with a bank account to pay out to."""
    call.store.set_fact("created", call.now)
    bank_accounts.add(
        call, call.platform, number=bank_accounts.GOOD_NUMBER, country="US", currency="usd",
        routing="110000000",
    )  # fmt: skip


def fund(call: Call) -> Json:
    """Put money on the platform's available balance, by a top-up that succeeds at once."""
    given = check(call.params, {"amount": must(integer(1)), "currency": must(currency())})
    call.params = {"description": "Funded by the control plane"}
    body = topups.new_topup(call, given["amount"], given["currency"])
    topup = call.store.insert("topup", call.platform, body)
    topups.settle(call, topup, "succeeded")
    return {"topup": topup.id, "amount": given["amount"], "currency": given["currency"]}


def onboard(call: Call) -> Json:
    """End an account's onboarding, or change its state later."""
    given = check(call.params, {"outcome": must(one_of(*accounts.OUTCOMES)), "account_number": text(34)})
    account = _found(call, "account")
    accounts.onboard(call, account, given["outcome"], given.get("account_number"))
    return {"account": account.id, "stage": account.body["stage"]}


def arm_fault(call: Call) -> Json:
    """Arm a fault for the next matching calls, or clear all with the action `clear`."""
    spec = {
        "action": must(one_of(*faults.ACTIONS, "clear")),
        "account": text(),
        "limited_reason": anything(),
        "method": text(),
        "path": text(),
        "times": integer(1),
    }
    given = check(call.params, spec)
    if given["action"] == "clear":
        call.store.execute("DELETE FROM faults")
    else:
        if given["action"] == "account_due" and call.store.find("account", given.get("account", "")) is None:
            raise errors.missing_object("account", given.get("account", ""), "account")
        options: Json = {k: given[k] for k in ("account", "limited_reason") if k in given}
        faults.arm(
            call.store, given["action"], given.get("method", "*"), given.get("path", "*"),
            given.get("times", 1), options,
        )  # fmt: skip
    return {"armed": faults.armed(call.store)}


def set_webhooks(call: Call) -> Json:
    """Set how events are delivered from now on: one mode, or several in a list."""
    modes = items(one_of(*MODES))
    wanted = call.params.get("mode")
    one = {**call.params, "mode": [wanted] if isinstance(wanted, str) else wanted}
    given = check(one, {"mode": must(modes), "seconds": integer(0)})
    chosen = [mode for mode in given["mode"] or [] if mode != "normal"]
    call.store.set_fact("webhook_modes", chosen)
    call.store.set_fact("webhook_seconds", given.get("seconds"))
    return {"mode": chosen or ["normal"]}


def advance_clock(call: Call) -> Json:
    """Move simulated time forward; what falls due is done before the answer."""
    given = check(call.params, {"advance_seconds": must(integer(0))})
    offset = call.store.fact("clock_offset", 0) + given["advance_seconds"]
    call.store.set_fact("clock_offset", offset)
    return {"now": call.now, "offset_seconds": offset}


def settle_payout(call: Call) -> Json:
    """End a payout now: paid, failed, or failed after it was paid."""
    spec = {
        "outcome": must(one_of("paid", "failed")),
        "failure_code": one_of(*payouts.FAILURES),
    }
    given = check(call.params, spec)
    payout = _found(call, "payout")
    payouts.settle(call, payout, given["outcome"], given.get("failure_code"))
    return payout.body


def settle_topup(call: Call) -> Json:
    """End a top-up now: succeeded, failed, or reversed after it succeeded."""
    given = check(call.params, {"outcome": must(one_of(*topups.OUTCOMES))})
    topup = _found(call, "topup")
    topups.settle(call, topup, given["outcome"])
    return topup.body


def delete_transfer(call: Call) -> Json:
    """Make a transfer that never was: it, its rows and what they moved are gone."""
    check(call.params, {})
    transfer = _found(call, "transfer")
    gone = [transfer.id, transfer.body["destination_payment"]]
    for source in gone:
        for row in _rows_of(call, source):
            ledger.remove(call.store, row)
    call.store.delete(transfer)
    return {"deleted": transfer.id}


def change_transfer(call: Call) -> Json:
    """Make a transfer one of another amount, as its rows say, too."""
    given = check(call.params, {"amount": must(integer(1))})
    transfer = _found(call, "transfer")
    for source, sign in ((transfer.id, -1), (transfer.body["destination_payment"], 1)):
        for row in _rows_of(call, source):
            ledger.change(call.store, row, sign * given["amount"])
    transfer.body["amount"] = given["amount"]
    call.store.save(transfer)
    return {"transfer": transfer.id, "amount": given["amount"]}


def stick_row(call: Call) -> Json:
    """Make a balance transaction pending, and let it stay so."""
    check(call.params, {})
    row = _found(call, "balance_transaction")
    ledger.make_pending(call.store, row)
    return {"row": row.id, "status": row.body["status"]}


def settle_in(call: Call) -> Json:
    """Let what is sent to an account arrive in another currency, at a rate (decimal text)."""
    given = check(call.params, {"currency": must(currency()), "rate": must(text(30))})
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", given["rate"]):
        raise errors.invalid("rate", f"Invalid decimal: {given['rate']}", "parameter_invalid_string")
    account = _found(call, "account")
    conversion.settle_in(call, account.id, given["currency"], given["rate"])
    return {"account": account.id, **given}


def charge(call: Call) -> Json:
    """Let Stripe charge the platform a fee of its own."""
    given = check(call.params, {"amount": must(integer(1)), "currency": must(currency())})
    row = ledger.post(
        call, call.platform, amount=-given["amount"], currency=given["currency"], type="stripe_fee",
        source=new_id("fee"), category="fee",
    )  # fmt: skip
    return {"row": row}


def _rows_of(call: Call, source: str) -> list[Record]:
    found = call.store.rows(
        "SELECT id FROM objects WHERE kind = 'balance_transaction' AND json_extract(body, '$.source') = ?",
        (source,),
    )
    records = (call.store.find("balance_transaction", row_id) for (row_id,) in found)
    return [record for record in records if record is not None]


def set_settings(call: Call) -> Json:
    """Change switches; without any, show them."""
    for name, value in check(call.params, SETTINGS).items():
        call.store.set_fact(name, value)
    return {name: call.store.fact(name) for name in SETTINGS}


def reset(call: Call) -> Json:
    """Forget everything: objects, keys, endpoints, faults, settings, clock."""
    check(call.params, {})
    defaults = call.store.fact("defaults", {})
    call.store.empty()
    call.store.set_fact("platform", new_id("acct", 16))
    call.platform = call.owner = call.store.fact("platform")
    set_defaults(call, defaults)
    found_platform(call)
    return {"platform": call.platform}


def set_defaults(call: Call, defaults: Json) -> None:
    """Keep the settings that the process was started with, and apply them."""
    call.store.set_fact("defaults", defaults)
    for name, value in defaults.items():
        call.store.set_fact(name, value)


def status(call: Call) -> Json:
    """Return counts of what there is, for people and for tests that wait."""
    store = call.store
    counted = store.rows("SELECT kind, count(*) FROM objects GROUP BY kind")
    sent = store.rows("SELECT state, count(*) FROM deliveries GROUP BY state")
    return {
        "platform": call.platform,
        "now": call.now,
        "objects": dict(counted),
        "deliveries": dict(sent),
        "faults": faults.armed(store),
        "webhook_modes": deliveries.modes(store) or ["normal"],
    }


def _found(call: Call, kind: str) -> Record:
    record = call.store.find(kind, call.path["id"])
    if record is None:
        raise errors.missing_object(kind, call.path["id"], "id")
    return record


ROUTES: dict[tuple[str, str], Callable[[Call], Any]] = {
    ("POST", "/_sim/fund"): fund,
    ("POST", "/_sim/accounts/{id}/onboard"): onboard,
    ("POST", "/_sim/faults"): arm_fault,
    ("POST", "/_sim/webhooks"): set_webhooks,
    ("POST", "/_sim/clock"): advance_clock,
    ("POST", "/_sim/payouts/{id}/settle"): settle_payout,
    ("POST", "/_sim/topups/{id}/settle"): settle_topup,
    ("POST", "/_sim/transfers/{id}/delete"): delete_transfer,
    ("POST", "/_sim/transfers/{id}/change"): change_transfer,
    ("POST", "/_sim/rows/{id}/stick"): stick_row,
    ("POST", "/_sim/accounts/{id}/settle_in"): settle_in,
    ("POST", "/_sim/charge"): charge,
    ("POST", "/_sim/settings"): set_settings,
    ("POST", "/_sim/reset"): reset,
    ("GET", "/_sim/status"): status,
}


def route(method: str, path: str) -> tuple[Callable[[Call], Any], dict[str, str]] | None:
    """Return the control function for a request and the id in its path, or None."""
    parts = path.split("/")
    if len(parts) == 5:
        template = "/".join([*parts[:3], "{id}", parts[4]])
        found = ROUTES.get((method, template))
        return (found, {"id": parts[3]}) if found else None
    found = ROUTES.get((method, path))
    return (found, {}) if found else None
