"""Money that arrives in another currency: for accounts of which the control plane says so.

The rate is the one that was set, with Stripe's own meaning: the amount that was sent times the rate is the
amount that arrived. There is no market here; a rate without a setting does not exist.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from infra.local.stripe import ledger
from infra.local.stripe.calls import Call
from infra.local.stripe.store import Filter, Record


class Arrival(NamedTuple):
    """What reaches an account. `rate` is None when nothing was converted."""

    amount: int
    currency: str
    rate: float | None


def settle_in(call: Call, account: str, currency: str, rate: str) -> None:
    """From now on this account gets what is sent to it in this currency, at this rate (decimal text)."""
    call.store.set_fact(f"settles:{account}", {"currency": currency, "rate": rate})


def arrival(call: Call, account: str, amount: int, currency: str) -> Arrival:
    """What this account gets of a transfer."""
    settles = call.store.fact(f"settles:{account}")
    if not settles or settles["currency"] == currency:
        return Arrival(amount, currency, None)
    rate = Decimal(settles["rate"])
    return Arrival(_times(amount, rate), settles["currency"], float(rate))


def taken_back(call: Call, transfer: Record, amount: int) -> Arrival:
    """What a reversal of so much takes from the account: at the rate at which it arrived."""
    body = transfer.body
    payment = Filter("source", body["destination_payment"])
    rows = call.store.page("balance_transaction", body["destination"], [payment])
    rate = rows[0].body["exchange_rate"] if rows else None
    if rate is None:
        return Arrival(amount, body["currency"], None)
    return Arrival(_times(amount, Decimal(str(rate))), rows[0].body["currency"], rate)


def covered(call: Call, account: str, wanted: Arrival) -> bool:
    """Whether the account still has it."""
    return ledger.available(call.store, account, wanted.currency) >= wanted.amount


def _times(amount: int, rate: Decimal) -> int:
    return int((amount * rate).quantize(Decimal(1), ROUND_HALF_UP))
