"""Transfers that arrive in another currency: rows that fit Stripe's document, and reversals."""

from typing import Any

import pytest
import stripe

from activities.adapters.stripe_gateway import StripeGateway
from tests.stripe.simulator import KEY, Simulator


def sent(client: stripe.StripeClient, payee: str, amount: int = 22_000) -> stripe.Transfer:
    return client.v1.transfers.create({"amount": amount, "currency": "usd", "destination": payee})


def arrived(sim: Simulator, payee: str, source: str) -> stripe.BalanceTransaction:
    """The creator's own row of a payment, read twice: from the list, and by itself."""
    wanted: Any = {"source": source}
    creator = sim.client(stripe_account=payee)
    (row,) = creator.v1.balance_transactions.list(wanted).data
    assert creator.v1.balance_transactions.retrieve(row.id).to_dict() == row.to_dict()
    return row


@pytest.mark.parametrize(
    ("currency", "rate", "amount"),
    [("eur", "0.917345", 20_182), ("jpy", "1.4937281", 32_862), ("kwd", "3.0712", 67_566)],
)
def test_a_transfer_arrives_in_the_accounts_currency_at_the_rate_that_was_set(
    sim: Simulator, client: stripe.StripeClient, payee: str, currency: str, rate: str, amount: int
) -> None:
    sim.fund()
    sim.control(f"accounts/{payee}/settle_in", currency=currency, rate=rate)
    transfer = sent(client, payee)
    row = arrived(sim, payee, str(transfer.destination_payment))
    assert (row.amount, row.currency, row.exchange_rate) == (amount, currency, float(rate))
    wanted: Any = {"source": transfer.id}
    (ours,) = client.v1.balance_transactions.list(wanted).data
    assert (ours.amount, ours.currency, ours.exchange_rate) == (-22_000, "usd", None)
    read = StripeGateway(KEY, sim.base, "v2", loopback_only=True).receipt(transfer.id)
    assert read is not None
    assert (read.amount, read.currency, read.exchange_rate) == (amount, currency.upper(), rate)
    assert (read.row_id, read.account, read.fee) == (row.id, payee, 0)


def test_what_is_taken_back_leaves_at_the_rate_of_its_arrival(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    sim.control(f"accounts/{payee}/settle_in", currency="eur", rate="0.5")
    transfer = sent(client, payee, 1_000)
    sim.control(f"accounts/{payee}/settle_in", currency="eur", rate="0.9")
    client.v1.transfers.reversals.create(transfer.id, {"amount": 400})
    creator = sim.client(stripe_account=payee)
    rows = creator.v1.balance_transactions.list().data
    assert [(row.amount, row.currency, row.exchange_rate) for row in rows] == [
        (-200, "eur", 0.5),
        (500, "eur", 0.5),
    ]
    assert [(part.amount, part.currency) for part in creator.v1.balance.retrieve().available] == [
        (300, "eur")
    ]
    gateway = StripeGateway(KEY, sim.base, "v2", loopback_only=True)
    read = gateway.receipt(transfer.id)
    assert read is not None
    assert read.amount == 500, "the arrival, not what left again"


@pytest.mark.parametrize("rate", ["", "-1", "1e3", "0,9", "a", "1.0000000000001"])
def test_a_rate_that_is_no_decimal_is_refused(sim: Simulator, payee: str, rate: str) -> None:
    with pytest.raises(AssertionError, match='"param":"rate"'):
        sim.control(f"accounts/{payee}/settle_in", currency="eur", rate=rate)
