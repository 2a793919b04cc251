"""Idempotency keys, faults, crashes: what a client that lost an answer can rely on."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.stripe.simulator import RECIPIENT, Receiver, Simulator

KEY: Any = {"idempotency_key": "payout:po_1:1"}


def wanted(payee: str, amount: int = 1000) -> Any:
    return {"amount": amount, "currency": "usd", "destination": payee, "transfer_group": "po_1"}


def transfers(sim: Simulator) -> int:
    return len(sim.client().v1.transfers.list({"limit": 100}).data)


def headers(thing: Any) -> dict[str, str]:
    return dict(thing.last_response.headers)


# 5, 6


def test_05_the_same_key_gets_the_same_bytes_and_no_second_effect(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    first = client.v1.transfers.create(wanted(payee), KEY)
    client.v1.transfers.update(first.id, {"metadata": {"later": "yes"}})
    again = client.v1.transfers.create(wanted(payee), KEY)
    assert first.last_response is not None
    assert again.last_response is not None
    assert first.last_response.body == again.last_response.body
    assert headers(again)["idempotent-replayed"] == "true"
    assert headers(again)["idempotency-key"] == "payout:po_1:1"
    assert "idempotent-replayed" not in headers(first)
    assert transfers(sim) == 1


def test_06_the_same_key_with_other_parameters_is_an_error_without_effect(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    client.v1.transfers.create(wanted(payee), KEY)
    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.transfers.create(wanted(payee, 1001), KEY)
    assert caught.value.http_status == 400
    assert "same parameters" in str(caught.value)
    assert transfers(sim) == 1


# 7


def test_07_a_refusal_that_began_is_replayed_even_when_it_would_now_succeed(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.transfers.create(wanted(payee), KEY)
        assert caught.value.code == "balance_insufficient"
        sim.fund()
    assert (caught.value.headers or {})["idempotent-replayed"] == "true"
    assert client.v1.transfers.create(wanted(payee), {"idempotency_key": "payout:po_1:2"}).id


def test_07_a_validation_failure_is_not_saved(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.create({**wanted(payee), "colour": "red"}, KEY)
    assert client.v1.transfers.create(wanted(payee), KEY).id


# 8


@pytest.mark.parametrize("work_ms", [0, 150])
def test_08_eight_concurrent_calls_with_one_key_make_one_transfer(
    sim: Simulator, payee: str, work_ms: int
) -> None:
    sim.fund()
    sim.control("settings", work_ms=work_ms)

    def pay(_: int) -> str:
        try:
            return sim.client().v1.transfers.create(wanted(payee), KEY).id
        except stripe.APIError as error:
            return f"{error.http_status} {error.json_body['error']['code']}"

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(pay, range(8)))
    assert transfers(sim) == 1
    assert answers - {"409 idempotency_key_in_use"} == {sim.client().v1.transfers.list().data[0].id}
    if work_ms:
        assert "409 idempotency_key_in_use" in answers


# 9


def test_09_a_key_is_forgotten_after_24_hours_and_then_pays_again(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    first = client.v1.transfers.create(wanted(payee), KEY)
    sim.control("clock", advance_seconds=23 * 3600)
    assert client.v1.transfers.create(wanted(payee), KEY).id == first.id
    sim.control("clock", advance_seconds=2 * 3600)
    assert client.v1.transfers.create(wanted(payee), KEY).id != first.id
    assert transfers(sim) == 2


def test_09_keys_are_kept_apart_per_account_and_per_path(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    transfer = client.v1.transfers.create(wanted(payee), KEY)
    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 1}, KEY)
    assert reversal.transfer == transfer.id
    paid: Any = {"amount": 10, "currency": "usd"}
    ours = client.v1.payouts.create(paid, KEY)
    theirs = client.v1.payouts.create(paid, {**KEY, "stripe_account": payee})
    assert ours.id != theirs.id


def test_09_get_ignores_the_key_and_a_key_over_255_characters_is_400(
    client: stripe.StripeClient,
) -> None:
    assert "idempotent-replayed" not in headers(client.v1.balance.retrieve(options=KEY))
    with pytest.raises(stripe.IdempotencyError):
        client.v1.topups.create({"amount": 1, "currency": "usd"}, {"idempotency_key": "k" * 256})


def test_09_v2_repeats_a_success_but_tries_a_failure_again(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    first = client.v2.core.accounts.create(RECIPIENT, KEY)
    assert client.v2.core.accounts.create(RECIPIENT, KEY).id == first.id
    link: Any = {
        "account": first.id,
        "use_case": {"type": "account_onboarding", "account_onboarding": {"refresh_url": "nowhere"}},
    }
    other: Any = {"idempotency_key": "link"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v2.core.account_links.create(link, other)
    link["use_case"]["account_onboarding"]["refresh_url"] = "http://127.0.0.1/again"
    assert client.v2.core.account_links.create(link, other).url


# 25, 26


@pytest.mark.parametrize("action", ["http_500", "http_409", "http_429", "reset_before_commit"])
def test_25_faults_before_the_commit_have_no_effect_and_a_retry_pays_once(
    sim: Simulator, client: stripe.StripeClient, payee: str, action: str
) -> None:
    sim.fund()
    sim.control("faults", action=action, method="POST", path="/v1/transfers")
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.transfers.create(wanted(payee), KEY)
    status = {"http_500": 500, "http_409": 409, "http_429": 429, "reset_before_commit": None}
    assert caught.value.http_status == status[action]
    assert transfers(sim) == 0
    made = client.v1.transfers.create(wanted(payee), KEY)
    assert "idempotent-replayed" not in headers(made)
    assert transfers(sim) == 1


@pytest.mark.parametrize("action", ["reset_after_commit", "timeout_after_commit"])
def test_25_faults_after_the_commit_keep_the_effect_and_a_retry_gets_the_replay(
    sim: Simulator, payee: str, action: str
) -> None:
    sim.fund()
    client = sim.client(timeout=0.5)
    sim.control("faults", action=action, method="POST", path="/v1/transfers")
    with pytest.raises(stripe.APIConnectionError) as caught:
        client.v1.transfers.create(wanted(payee), KEY)
    assert caught.value.should_retry
    assert transfers(sim) == 1
    assert headers(client.v1.transfers.create(wanted(payee), KEY))["idempotent-replayed"] == "true"
    assert transfers(sim) == 1


def test_25_a_429_names_its_reason_unless_told_not_to(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.control("faults", action="http_429", limited_reason="endpoint-rate")
    sim.control("faults", action="http_429", limited_reason=None)
    found = []
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError) as caught:
            client.v1.balance.retrieve()
        found.append((caught.value.headers or {}).get("stripe-rate-limited-reason"))
    assert found == ["endpoint-rate", None]


def test_25_a_fault_hits_the_next_n_matching_calls_only(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.control("faults", action="http_500", method="GET", path="/v1/topups*", times=2)
    client.v1.balance.retrieve()
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.topups.list()
    assert client.v1.topups.list().data == []


def test_25_an_account_that_falls_due_in_the_moment_of_a_transfer_gets_nothing(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    other = client.v2.core.accounts.create(RECIPIENT).id
    sim.control(f"accounts/{other}/onboard", outcome="active")
    sim.control("faults", action="reset_after_commit", method="POST", path="/v1/transfers")
    sim.control("faults", action="account_due", account=payee, method="POST", path="/v1/transfers")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.transfers.create(wanted(payee), KEY)
    assert caught.value.code == "insufficient_capabilities_for_transfer"
    assert transfers(sim) == 0
    with pytest.raises(stripe.APIConnectionError):  # the other fault was kept for the next call
        client.v1.transfers.create(wanted(other), {"idempotency_key": "payout:po_2:1"})
    sim.control(f"accounts/{payee}/onboard", outcome="active")
    client.v1.transfers.create(wanted(payee), {"idempotency_key": "payout:po_1:2"})
    assert transfers(sim) == 2


def test_26_a_saved_500_goes_on_though_the_transfer_exists(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    sim.control("faults", action="http_500_after_commit", path="/v1/transfers")
    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            client.v1.transfers.create(wanted(payee), KEY)
        assert caught.value.http_status == 500
    assert (caught.value.headers or {})["idempotent-replayed"] == "true"
    found = client.v1.transfers.list({"transfer_group": "po_1"}).data
    assert [t.amount for t in found] == [1000]


# 30


def test_30_kill_9_loses_nothing_that_was_acknowledged(own_sim: Simulator) -> None:
    own_sim.fund(1_000_000)
    client = own_sim.client()
    payee = client.v2.core.accounts.create(RECIPIENT).id
    own_sim.control(f"accounts/{payee}/onboard", outcome="active")
    told: list[str] = []
    with ThreadPoolExecutor(4) as pool:

        def pay(number: int) -> None:
            key: Any = {"idempotency_key": f"k{number}"}
            try:
                told.append(own_sim.client().v1.transfers.create(wanted(payee, 10), key).id)
            except stripe.APIConnectionError:
                return

        jobs = [pool.submit(pay, number) for number in range(100)]
        while len(told) < 25:
            time.sleep(0.005)
        own_sim.kill()
        for job in jobs:
            job.result()
        assert own_sim.process is not None
        assert own_sim.process.returncode == -signal.SIGKILL
    own_sim.start()
    known = {t.id for t in client.v1.transfers.list({"limit": 100}).auto_paging_iter()}
    assert set(told) <= known
    for number in range(100):
        client.v1.transfers.create(wanted(payee, 10), {"idempotency_key": f"k{number}"})
    assert len(list(client.v1.transfers.list({"limit": 100}).auto_paging_iter())) == 100
    assert client.v1.balance.retrieve().available[0].amount == 1_000_000 - 100 * 10


def test_30_armed_faults_clock_and_undelivered_events_survive_a_restart(
    own_sim: Simulator, receiver: Receiver
) -> None:
    client = own_sim.client()
    url = receiver.base + "/hook"
    client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["topup.succeeded"]})
    own_sim.control("clock", advance_seconds=86400)
    own_sim.control("faults", action="http_409", method="GET", path="/v1/balance")
    receiver.answers = [500, 500]
    own_sim.fund(500)
    receiver.wait(1)
    own_sim.kill()
    own_sim.start()
    with pytest.raises(stripe.APIError):
        client.v1.balance.retrieve()
    assert own_sim.status()["now"] > time.time() + 80_000
    assert len({event["id"] for event in receiver.wait(3, 10, "topup.succeeded")}) == 1


def test_30_reset_empties_it(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    sim.fund()
    client.v1.transfers.create(wanted(payee), KEY)
    sim.control("reset")
    assert client.v1.balance.retrieve().available[0].amount == 0
    assert transfers(sim) == 0
    assert client.v1.events.list().data == []
