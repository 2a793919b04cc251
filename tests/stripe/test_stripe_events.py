"""Events and webhooks: what is told, to whom, signed how, and how often."""

import time
from typing import Any

import pytest
import stripe

from tests.stripe.simulator import KEY, RECIPIENT, Receiver, Simulator, wait_for

ALL: Any = {"enabled_events": ["*"]}
CAPABILITY = "v2.core.account[configuration.recipient].capability_status_updated"
DAY = 86400


def pay(client: stripe.StripeClient, payee: str, **options: Any) -> stripe.Transfer:
    wanted: Any = {"amount": 1000, "currency": "usd", "destination": payee, "metadata": {"v": "1"}}
    return client.v1.transfers.create(wanted, options or None)


@pytest.fixture
def endpoint(client: stripe.StripeClient, receiver: Receiver) -> stripe.WebhookEndpoint:
    return client.v1.webhook_endpoints.create({"url": receiver.base + "/platform", **ALL})


def destination(client: stripe.StripeClient, receiver: Receiver, **more: Any) -> Any:
    wanted: Any = {
        "name": "thin",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": [CAPABILITY],
        "webhook_endpoint": {"url": receiver.base + "/thin"},
        "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
        **more,
    }
    return client.v2.core.event_destinations.create(wanted)


# 21


def test_21_an_event_keeps_the_object_as_it_was_and_the_call_that_caused_it(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    made = pay(client, payee, idempotency_key="payout:1")
    client.v1.transfers.update(made.id, {"metadata": {"v": "2"}})
    updated, created = client.v1.events.list({"types": ["transfer.created", "transfer.updated"]}).data
    assert created.data.object["metadata"].to_dict() == {"v": "1"}
    assert updated.data.object["metadata"].to_dict() == {"v": "2"}
    assert updated.data.to_dict()["previous_attributes"] == {"metadata": {"v": "1"}}
    assert created.request is not None
    assert created.request.idempotency_key == "payout:1"
    assert made.last_response is not None
    assert created.request.id == made.last_response.request_id
    assert "account" not in created.to_dict()
    assert client.v1.events.retrieve(created.id).type == "transfer.created"


def test_21_events_of_creators_carry_their_account_and_are_theirs(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    pay(client, payee)
    creator = sim.client(stripe_account=payee)
    creator.v1.payouts.create({"amount": 10, "currency": "usd"})
    (event,) = creator.v1.events.list({"type": "payout.created"}).data
    assert event.account == payee
    assert client.v1.events.list({"type": "payout.created"}).data == []


def test_21_events_can_be_fetched_for_thirty_days(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.fund()
    event = client.v1.events.list().data[0]
    sim.control("clock", advance_seconds=29 * DAY)
    assert client.v1.events.retrieve(event.id)
    sim.control("clock", advance_seconds=2 * DAY)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.events.retrieve(event.id)
    assert caught.value.http_status == 404
    assert client.v1.events.list().data == []


def test_21_v1_accounts_tell_by_snapshot_and_v2_accounts_by_thin_events_only(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    sim.control("settings", v1_accounts="on")
    old: Any = {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    v1 = client.v1.accounts.create(old).id
    v2 = client.v2.core.accounts.create(RECIPIENT).id
    for account in (v1, v2):
        sim.control(f"accounts/{account}/onboard", outcome="active")

    def snapshots(account: str) -> list[str]:
        return [e.type for e in sim.client(stripe_account=account).v1.events.list().data]

    def thins(account: str) -> set[str]:
        return {e.type for e in client.v2.core.events.list({"object_id": account}).data}

    assert snapshots(v1) == ["capability.updated", "account.updated", "account.updated"]
    assert thins(v1) == set()
    assert snapshots(v2) == []
    assert {CAPABILITY, "v2.core.account[requirements].updated", "v2.core.account.created"} <= thins(v2)


# 22


def test_22_a_webhook_is_signed_over_the_raw_bytes_with_the_secret_shown_once(
    sim: Simulator,
    client: stripe.StripeClient,
    receiver: Receiver,
    payee: str,
    endpoint: stripe.WebhookEndpoint,
) -> None:
    assert endpoint.secret
    assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    assert "secret" not in client.v1.webhook_endpoints.list().data[0].to_dict()
    sim.fund()
    made = pay(client, payee)
    receiver.wait(1, kind="transfer.created")
    hook = next(h for h in receiver.got if h.event["type"] == "transfer.created")
    signature = hook.headers["Stripe-Signature"]
    event = client.construct_event(hook.body, signature, endpoint.secret)
    assert (event.type, event.data.object["id"]) == ("transfer.created", made.id)
    assert signature.startswith("t=")
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(hook.body + b" ", signature, endpoint.secret)


def test_22_a_webhook_is_resent_with_the_same_id_until_2xx(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    receiver.answers = [500, 302, 400]
    sim.fund(1)
    wait_for(lambda: len(receiver.got) >= 5, 10)
    by_id: dict[str, int] = {}
    for event in receiver.events():
        by_id[event["id"]] = by_id.get(event["id"], 0) + 1
    assert sum(by_id.values()) == 3 + len(by_id)
    wait_for(lambda: set(sim.status()["deliveries"]) == {"done"})
    assert all(event.pending_webhooks == 0 for event in client.v1.events.list().data)
    before = len(receiver.got)
    time.sleep(0.5)
    assert len(receiver.got) == before


def test_22_the_endpoints_api_version_is_the_events(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver
) -> None:
    pinned: Any = {"url": receiver.base, "enabled_events": ["topup.succeeded"]}
    client.v1.webhook_endpoints.create({**pinned, "api_version": "2025-01-27.acacia"})
    sim.fund()
    assert receiver.wait(1)[0]["api_version"] == "2025-01-27.acacia"
    assert len(receiver.got) == 1


def test_22_platform_and_connect_endpoints_get_their_own_events(
    sim: Simulator,
    client: stripe.StripeClient,
    receiver: Receiver,
    payee: str,
    endpoint: stripe.WebhookEndpoint,
) -> None:
    client.v1.webhook_endpoints.create({"url": receiver.base + "/connect", "connect": True, **ALL})
    sim.fund()
    pay(client, payee)
    creator = sim.client(stripe_account=payee)
    creator.v1.payouts.create({"amount": 10, "currency": "usd"})
    wait_for(lambda: {h.event["type"] for h in receiver.got} >= {"transfer.created", "payout.created"})
    for hook in receiver.got:
        assert (hook.path == "/connect") == (hook.event.get("account") == payee)


def test_22_an_endpoint_can_be_changed_disabled_and_deleted(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    off = client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True, "description": "x"})
    assert (off.status, off.description) == ("disabled", "x")
    sim.fund()
    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted
    assert client.v1.webhook_endpoints.list().data == []
    time.sleep(0.2)
    assert receiver.got == []


@pytest.mark.parametrize("url", ["https://example.com/hook", "http://10.1.2.3/", "ftp://127.0.0.1/", "x"])
def test_22_an_address_off_this_machine_is_refused(client: stripe.StripeClient, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.webhook_endpoints.create({"url": url, **ALL})
    assert caught.value.param == "url"


# 23


def test_23_duplicate_sends_each_event_twice(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    sim.control("webhooks", mode="duplicate")
    sim.fund()
    got = receiver.wait(4)
    assert len({event["id"] for event in got}) == 2


def test_23_reorder_sends_the_latest_first(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    sim.control("webhooks", mode="reorder", seconds=60)
    for amount in (1, 2, 3):
        sim.fund(amount)
    sim.control("clock", advance_seconds=61)
    got = [e["data"]["object"]["amount"] for e in receiver.wait(3, kind="topup.succeeded")]
    assert got == [3, 2, 1]


def test_23_delay_holds_events_back(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    sim.control("webhooks", mode="delay", seconds=600)
    sim.fund()
    time.sleep(0.3)
    assert receiver.got == []
    sim.control("clock", advance_seconds=601)
    assert receiver.wait(2)


def test_23_dropped_events_never_come_but_are_found_in_the_list(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    sim.fund(1)
    receiver.wait(2)
    wait_for(lambda: set(sim.status()["deliveries"]) == {"done"})
    sim.control("webhooks", mode="drop")
    sim.fund(2)
    time.sleep(0.3)
    assert len(receiver.got) == 2
    missed = client.v1.events.list({"delivery_success": False, "type": "topup.succeeded"}).data
    assert [e.data.object["amount"] for e in missed] == [2]
    came = client.v1.events.list({"delivery_success": True, "type": "topup.succeeded"}).data
    assert [e.data.object["amount"] for e in came] == [1]


def test_23_an_event_can_come_before_the_answer_of_its_call(
    sim: Simulator,
    client: stripe.StripeClient,
    receiver: Receiver,
    payee: str,
    endpoint: stripe.WebhookEndpoint,
) -> None:
    sim.fund()
    sim.control("webhooks", mode="before_answer")
    made = pay(client, payee)
    told = [e["data"]["object"]["id"] for e in receiver.events("transfer.created")]
    assert told == [made.id]


def test_23_modes_can_be_combined(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, endpoint: stripe.WebhookEndpoint
) -> None:
    assert sim.control("webhooks", mode=["duplicate", "delay"], seconds=0)["mode"] == [
        "duplicate",
        "delay",
    ]
    sim.fund()
    assert len({e["id"] for e in receiver.wait(4)}) == 2


# 24


def test_24_thin_events_name_an_object_that_can_be_fetched(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver
) -> None:
    made = destination(client, receiver)
    secret = made.webhook_endpoint.signing_secret
    account = client.v2.core.accounts.create(RECIPIENT).id
    sim.control(f"accounts/{account}/onboard", outcome="active")
    receiver.wait(1)
    (hook,) = receiver.got
    assert set(hook.event) == {
        "id", "object", "type", "livemode", "created", "context", "reason", "related_object",
    }  # fmt: skip
    found: Any = client.parse_event_notification(hook.body, hook.headers["Stripe-Signature"], secret)
    assert found.type == CAPABILITY
    assert found.fetch_related_object().id == account
    assert found.fetch_event().data.updated_capability == "stripe_balance.stripe_transfers"
    with pytest.raises(ValueError, match="thin event"):
        client.construct_event(hook.body, hook.headers["Stripe-Signature"], secret)


def test_24_a_destination_can_be_pinged_listed_and_deleted(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver
) -> None:
    made = destination(client, receiver)
    pinged = client.v2.core.event_destinations.ping(made.id)
    assert pinged.type == "v2.core.event_destination.ping"
    assert receiver.wait(1)[0]["id"] == pinged.id
    hidden = client.v2.core.event_destinations.retrieve(made.id).to_dict()
    assert hidden["webhook_endpoint"] is None
    shown = client.v2.core.event_destinations.list({"include": ["webhook_endpoint.url"]}).data[0]
    assert shown.webhook_endpoint is not None
    assert shown.webhook_endpoint.url == receiver.base + "/thin"
    assert shown.webhook_endpoint.signing_secret is None
    client.v2.core.event_destinations.delete(made.id)
    assert client.v2.core.event_destinations.list().data == []


def test_24_a_snapshot_destination_gets_v1_events(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver
) -> None:
    destination(
        client,
        receiver,
        event_payload="snapshot",
        snapshot_api_version=stripe.api_version,
        enabled_events=["topup.succeeded"],
    )
    sim.fund()
    assert receiver.wait(1)[0]["object"] == "event"


# 29


def test_29_everything_is_test_mode(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    sim.fund()
    pay(client, payee)
    assert client.v1.balance.retrieve().livemode is False
    assert {event.livemode for event in client.v1.events.list().data} == {False}
    assert KEY.startswith("sk_test_")
