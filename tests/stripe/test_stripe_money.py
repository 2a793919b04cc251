"""Balances, reversals, top-ups and payouts: every change of money is one row, and the rows add up."""

from collections import Counter
from typing import Any

import pytest
import stripe

from tests.stripe.simulator import Simulator


def pay(client: stripe.StripeClient, payee: str, amount: int = 1000, **more: Any) -> stripe.Transfer:
    return client.v1.transfers.create({"amount": amount, "currency": "usd", "destination": payee, **more})


def rows(client: stripe.StripeClient, **filters: Any) -> list[stripe.BalanceTransaction]:
    wanted: Any = {"limit": 100, **filters}
    return list(client.v1.balance_transactions.list(wanted).auto_paging_iter())


def available(client: stripe.StripeClient) -> int:
    return client.v1.balance.retrieve().available[0].amount


def bank(number: str) -> Any:
    return {
        "external_account": {
            "object": "bank_account",
            "country": "US",
            "currency": "usd",
            "routing_number": "110000000",
            "account_number": number,
        }
    }


DAY = 86400


# 16


def test_16_every_change_is_a_row_and_the_balance_is_their_sum(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund(100_000)
    client.v1.topups.create({"amount": 20_000, "currency": "usd"})
    transfer = pay(client, payee, 30_000)
    client.v1.transfers.reversals.create(transfer.id, {"amount": 5_000})
    client.v1.payouts.create({"amount": 7_000, "currency": "usd"})
    creator = sim.client(stripe_account=payee)
    creator.v1.payouts.create({"amount": 1_000, "currency": "usd"})
    ours, theirs = rows(client), rows(creator)
    assert Counter(row.type for row in ours) == {
        "topup": 2,
        "transfer": 1,
        "transfer_refund": 1,
        "payout": 1,
    }
    assert [row.type for row in theirs] == ["payout", "payment_refund", "payment"]
    assert sum(row.net for row in ours) == available(client) == 100_000 + 20_000 - 25_000 - 7_000
    assert sum(row.net for row in theirs) == available(creator) == 24_000
    assert all(row.net == row.amount - row.fee for row in ours + theirs)
    (row,) = rows(client, source=transfer.id)
    assert (row.amount, row.reporting_category) == (-30_000, "transfer")
    assert client.v1.balance_transactions.retrieve(row.id).source == transfer.id


# 17


def test_17_a_transfer_can_be_reversed_in_parts_to_the_end(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    transfer = pay(client, payee)
    reversals = client.v1.transfers.reversals
    part = reversals.create(transfer.id, {"amount": 400, "metadata": {"why": "half"}})
    after = client.v1.transfers.retrieve(transfer.id)
    assert (after.amount_reversed, after.reversed) == (400, False)
    assert [r.id for r in after.reversals.data] == [part.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        reversals.create(transfer.id, {"amount": 601})
    assert (caught.value.http_status, caught.value.param) == (400, "amount")
    rest = reversals.create(transfer.id)
    assert rest.amount == 600
    after = client.v1.transfers.retrieve(transfer.id)
    assert (after.amount_reversed, after.reversed) == (1000, True)
    with pytest.raises(stripe.InvalidRequestError):
        reversals.create(transfer.id)
    assert [r.id for r in reversals.list(transfer.id).data] == [rest.id, part.id]
    assert reversals.retrieve(transfer.id, part.id).transfer == transfer.id
    changed = reversals.update(transfer.id, part.id, {"metadata": {"why": ""}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {}
    assert available(client) == 500_000


def test_17_a_reversal_with_the_same_key_is_replayed(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    transfer = pay(client, payee)
    key: Any = {"idempotency_key": "reverse:1"}
    ids = {client.v1.transfers.reversals.create(transfer.id, {"amount": 1}, key).id for _ in range(3)}
    assert len(ids) == 1
    assert client.v1.transfers.retrieve(transfer.id).amount_reversed == 1


def test_17_a_reversal_is_refused_when_the_creator_no_longer_has_it(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    transfer = pay(client, payee)
    sim.client(stripe_account=payee).v1.payouts.create({"amount": 800, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.transfers.reversals.create(transfer.id)
    assert caught.value.code == "balance_insufficient"
    assert client.v1.transfers.retrieve(transfer.id).amount_reversed == 0
    assert client.v1.transfers.reversals.create(transfer.id, {"amount": 200}).amount == 200


# Top-ups


def test_16_a_top_up_is_answered_pending_and_then_succeeds(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    made = client.v1.topups.create({"amount": 500, "currency": "usd", "description": "fees"})
    assert made.status == "pending"
    found = client.v1.topups.retrieve(made.id)
    assert (found.status, available(client)) == ("succeeded", 500)
    assert [t.id for t in client.v1.topups.list({"status": "succeeded"}).data] == [made.id]
    changed = client.v1.topups.update(made.id, {"description": "x", "metadata": {"a": "b"}})
    assert (changed.description, changed.metadata.to_dict()) == ("x", {"a": "b"})


def test_16_only_a_pending_top_up_can_be_cancelled(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.control("settings", topup_seconds=60)
    made = client.v1.topups.create({"amount": 500, "currency": "usd"})
    assert client.v1.topups.cancel(made.id).status == "canceled"
    sim.control("clock", advance_seconds=120)
    assert client.v1.topups.retrieve(made.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.topups.cancel(made.id)


def test_16_a_top_up_can_fail_or_be_reversed_by_the_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.control("settings", topup_seconds=3600)
    first, second = (client.v1.topups.create({"amount": 500, "currency": "usd"}) for _ in range(2))
    sim.control(f"topups/{first.id}/settle", outcome="failed")
    assert client.v1.topups.retrieve(first.id).failure_code == "insufficient_funds"
    sim.control(f"topups/{second.id}/settle", outcome="succeeded")
    sim.control(f"topups/{second.id}/settle", outcome="reversed")
    assert available(client) == 0


# 28


def test_28_creators_are_paid_out_by_themselves_after_days(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    pay(client, payee, 1000)
    pay(client, payee, 500)
    creator = sim.client(stripe_account=payee)
    assert creator.v1.payouts.list().data == []
    sim.control("clock", advance_seconds=2 * DAY)
    (payout,) = creator.v1.payouts.list().data
    assert (payout.amount, payout.automatic, payout.status) == (1500, True, "pending")
    assert available(creator) == 0
    sim.control("clock", advance_seconds=DAY)
    paid = creator.v1.payouts.retrieve(payout.id, {"expand": ["destination"]})
    assert (paid.status, paid.reconciliation_status) == ("paid", "completed")
    assert isinstance(paid.destination, stripe.BankAccount)
    carried = rows(creator, payout=payout.id)
    assert sorted(row.amount for row in carried) == [-1500, 500, 1000]
    assert client.v1.payouts.list().data == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("000111111116", "no_account"),
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
        ("000333333335", "debit_not_authorized"),
        ("000444444440", "invalid_currency"),
    ],
)
def test_28_the_test_bank_numbers_fail_and_disable_the_account(
    sim: Simulator, client: stripe.StripeClient, payee: str, number: str, code: str
) -> None:
    sim.fund()
    client.v1.accounts.external_accounts.create(payee, bank(number))
    creator = sim.client(stripe_account=payee)
    pay(client, payee)
    sim.control("clock", advance_seconds=2 * DAY)
    sim.control("clock", advance_seconds=DAY)
    (failed,) = creator.v1.payouts.list().data
    assert (failed.status, failed.failure_code) == ("failed", code)
    assert failed.failure_message
    assert isinstance(failed.failure_balance_transaction, str)
    assert available(creator) == 1000
    newest = client.v1.accounts.external_accounts.list(payee).data[0]
    assert isinstance(newest, stripe.BankAccount)
    assert newest.status == "errored"
    assert not client.v1.accounts.retrieve(payee).payouts_enabled
    sim.control("clock", advance_seconds=5 * DAY)
    assert len(creator.v1.payouts.list().data) == 1


def test_28_a_replaced_bank_account_is_paid_again(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    client.v1.accounts.external_accounts.create(payee, bank("000111111116"))
    creator = sim.client(stripe_account=payee)
    pay(client, payee)
    for _ in range(3):
        sim.control("clock", advance_seconds=DAY)
    client.v1.accounts.external_accounts.create(payee, bank("000123456789"))
    pay(client, payee, 1)
    for _ in range(4):
        sim.control("clock", advance_seconds=DAY)
    newest = creator.v1.payouts.list().data[0]
    assert (newest.amount, newest.status) == (1001, "paid")


def test_28_a_paid_payout_can_still_fail(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    sim.fund()
    pay(client, payee)
    creator = sim.client(stripe_account=payee)
    payout = creator.v1.payouts.create({"amount": 1000, "currency": "usd"})
    sim.control(f"payouts/{payout.id}/settle", outcome="paid")
    assert creator.v1.payouts.retrieve(payout.id).status == "paid"
    sim.control(f"payouts/{payout.id}/settle", outcome="failed", failure_code="no_account")
    late = creator.v1.payouts.retrieve(payout.id)
    assert (late.status, late.failure_code, available(creator)) == ("failed", "no_account", 1000)


def test_28_a_pending_payout_can_be_changed_and_cancelled(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    sim.fund(1000)
    payout = client.v1.payouts.create({"amount": 900, "currency": "usd"})
    assert available(client) == 100
    changed = client.v1.payouts.update(payout.id, {"metadata": {"a": "b"}})
    assert changed.metadata is not None
    assert client.v1.payouts.cancel(payout.id).status == "canceled"
    assert available(client) == 1000
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.create({"amount": 1001, "currency": "usd"})
    left = client.v1.payouts.create({"amount": 1, "currency": "usd"})
    sim.control("clock", advance_seconds=DAY // 4 + 1)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.cancel(left.id)


@pytest.mark.usefixtures("payee")
def test_16_platform_payouts_are_never_automatic(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.fund(1000)
    sim.control("clock", advance_seconds=10 * DAY)
    assert client.v1.payouts.list().data == []
    assert available(client) == 1000
