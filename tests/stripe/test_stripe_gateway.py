"""Our adapter against the simulator: what it says happened, and how many transfers then exist."""

import json
import time
from typing import Any

import pytest
import stripe

from activities.adapters.stripe_gateway import StripeGateway
from activities.payments_port import (
    WEBHOOK_PATHS,
    PaymentsGateway,
    TransferRequest,
    WebhookForged,
    WebhookSecrets,
)
from tests.stripe.simulator import KEY, WEB, Receiver, Simulator, wait_for

RETURN, REFRESH = "http://127.0.0.1:9/return", "http://127.0.0.1:9/refresh"


@pytest.fixture
def gateway(sim: Simulator) -> PaymentsGateway:
    return StripeGateway(KEY, sim.base, "v2", timeout=1, loopback_only=True)


def request(destination: str, attempt: int = 1, amount: int = 5000) -> TransferRequest:
    return TransferRequest(
        payout_id="pay_1",
        attempt=attempt,
        amount=amount,
        currency="USD",
        destination=destination,
        metadata={"payout": "pay_1", "collaboration": "col_1"},
    )


# Reaching Stripe


@pytest.mark.parametrize(
    "base", [None, "", "https://api.stripe.com", "http://10.0.0.1:80", "http://127.0.0.1.evil.com"]
)
def test_loopback_only_refuses_every_other_address(base: str | None) -> None:
    with pytest.raises(ValueError, match="address of this machine"):
        StripeGateway(KEY, base, "v2", loopback_only=True)


def test_all_four_base_addresses_are_the_given_one(sim: Simulator) -> None:
    gateway = StripeGateway(KEY, sim.base + "/", "v2")
    used = gateway._client._requestor._options.base_addresses
    assert used == dict.fromkeys(("api", "connect", "files", "meter_events"), sim.base)
    assert gateway._client._requestor._options.max_network_retries == 0
    assert stripe.enable_telemetry is False


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert StripeGateway(KEY, sim.base, "v2", loopback_only=True).balance("usd") == 0


# Accounts


@pytest.mark.parametrize("api", ["v2", "v1"])
def test_an_account_is_made_once_onboarded_and_then_can_receive(sim: Simulator, api: Any) -> None:
    sim.control("settings", v1_accounts="on")
    gateway: PaymentsGateway = StripeGateway(KEY, sim.base, api, loopback_only=True)
    account = gateway.create_account("cre_1", "DE", None, "account:cre_1")
    assert gateway.create_account("cre_1", "DE", None, "account:cre_1") == account
    before = gateway.payee_status(account)
    assert (before.can_receive, before.account_id) == (False, account)
    assert before.requirements_due
    link = gateway.onboarding_link(account, RETURN, REFRESH)
    assert WEB.post(link, data={"outcome": "active"}).headers["location"] == RETURN
    after = gateway.payee_status(account)
    assert (after.can_receive, after.status) == (True, "active")
    assert (after.requirements_due, after.disabled_reason) == ([], None)


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("due", "restricted", "requirements_past_due"),
        ("pending", "pending", "requirements_pending_verification"),
        ("rejected", "rejected", "rejected_other"),
    ],
)
def test_a_payee_that_cannot_receive_says_why(
    sim: Simulator, gateway: PaymentsGateway, outcome: str, status: str, reason: str
) -> None:
    account = gateway.create_account("cre_1", "US", None, "k")
    sim.control(f"accounts/{account}/onboard", outcome=outcome)
    found = gateway.payee_status(account)
    assert (found.can_receive, found.status, found.disabled_reason) == (False, status, reason)
    assert bool(found.requirements_due) == (outcome == "due")


def test_an_account_carries_our_id_and_nothing_personal(sim: Simulator, gateway: PaymentsGateway) -> None:
    account = gateway.create_account("cre_1", "US", None, "k")
    stored = sim.client().v2.core.accounts.retrieve(account).to_dict()
    assert stored["metadata"] == {"creator": "cre_1"}
    assert (stored["contact_email"], stored["display_name"]) == (None, None)
    told = gateway.create_account("cre_2", "US", "someone@example.com", "k2")
    stored = sim.client().v2.core.accounts.retrieve(told).to_dict()
    assert stored["contact_email"] == "someone@example.com"
    assert "example" not in json.dumps(stored["metadata"])


# Transfers


def test_a_transfer_is_sent_once_and_can_be_found(
    sim: Simulator, gateway: PaymentsGateway, payee: str
) -> None:
    sim.fund()
    first, again = (gateway.create_transfer(request(payee)) for _ in range(2))
    assert (first.kind, again.transfer_id) == ("sent", first.transfer_id)
    (found,) = gateway.find_transfers("pay_1")
    assert (found.transfer_id, found.amount, found.currency) == (first.transfer_id, 5000, "usd")
    assert (found.destination, found.attempt, found.reversed) == (payee, 1, False)
    assert found.metadata == {"payout": "pay_1", "collaboration": "col_1", "attempt": "1"}
    assert gateway.find_transfers("pay_2") == []
    assert gateway.balance("USD") == 495_000
    assert gateway.balance("EUR") == 0


@pytest.mark.parametrize("action", ["reset_after_commit", "timeout_after_commit"])
def test_a_lost_answer_is_unknown_and_the_same_attempt_finds_the_one_transfer(
    sim: Simulator, gateway: PaymentsGateway, payee: str, action: str
) -> None:
    sim.fund()
    sim.control("faults", action=action, method="POST", path="/v1/transfers")
    assert gateway.create_transfer(request(payee)).kind == "unknown"
    (found,) = gateway.find_transfers("pay_1")
    again = gateway.create_transfer(request(payee))
    assert (again.kind, again.transfer_id) == ("sent", found.transfer_id)
    assert len(gateway.find_transfers("pay_1")) == 1


def test_a_saved_500_stays_unknown_and_the_look_up_finds_the_transfer(
    sim: Simulator, gateway: PaymentsGateway, payee: str
) -> None:
    sim.fund()
    sim.control("faults", action="http_500_after_commit", path="/v1/transfers")
    assert [gateway.create_transfer(request(payee)).kind for _ in range(3)] == ["unknown"] * 3
    assert len(gateway.find_transfers("pay_1")) == 1


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("http_429", "try_later"),
        ("http_500", "unknown"),
        ("http_409", "unknown"),
        ("reset_before_commit", "unknown"),
    ],
)
def test_a_call_that_had_no_effect_is_never_called_refused(
    sim: Simulator, gateway: PaymentsGateway, payee: str, action: str, kind: str
) -> None:
    sim.fund()
    sim.control("faults", action=action, method="POST", path="/v1/transfers")
    assert gateway.create_transfer(request(payee)).kind == kind
    assert gateway.find_transfers("pay_1") == []
    assert gateway.create_transfer(request(payee)).kind == "sent"
    assert len(gateway.find_transfers("pay_1")) == 1


def test_a_server_that_is_gone_leaves_the_outcome_unknown() -> None:
    gateway = StripeGateway(KEY, "http://127.0.0.1:9", "v2", timeout=1, loopback_only=True)
    outcome = gateway.create_transfer(request("acct_1"))
    assert (outcome.kind, outcome.code) == ("unknown", "no_answer")


def test_missing_funds_are_refused_and_a_new_attempt_pays_after_funding(
    sim: Simulator, gateway: PaymentsGateway, payee: str
) -> None:
    refused = gateway.create_transfer(request(payee))
    assert (refused.kind, refused.code, refused.retriable_after) == (
        "refused",
        "balance_insufficient",
        "funds",
    )
    assert refused.reason == "funds"
    assert 0 < len(refused.message) <= 500
    sim.fund()
    assert gateway.create_transfer(request(payee)).kind == "refused"
    assert gateway.create_transfer(request(payee, attempt=2)).kind == "sent"
    assert [t.attempt for t in gateway.find_transfers("pay_1")] == [2]


def test_a_payee_not_onboarded_is_refused_and_a_new_attempt_pays_after_onboarding(
    sim: Simulator, gateway: PaymentsGateway
) -> None:
    sim.fund()
    account = gateway.create_account("cre_1", "US", None, "k")
    refused = gateway.create_transfer(request(account))
    assert (refused.kind, refused.code) == ("refused", "insufficient_capabilities_for_transfer")
    assert refused.reason == "payee"
    sim.control(f"accounts/{account}/onboard", outcome="active")
    assert gateway.create_transfer(request(account, attempt=2)).kind == "sent"
    assert len(gateway.find_transfers("pay_1")) == 1


def test_an_account_that_is_gone_waits_for_the_payee(sim: Simulator, gateway: PaymentsGateway) -> None:
    sim.fund()
    refused = gateway.create_transfer(request("acct_gone"))
    assert (refused.kind, refused.code, refused.reason) == ("refused", "resource_missing", "payee")


def test_a_key_used_with_other_parameters_is_unknown_not_refused(
    sim: Simulator, gateway: PaymentsGateway, payee: str
) -> None:
    sim.fund()
    gateway.create_transfer(request(payee))
    changed = gateway.create_transfer(request(payee, amount=5001))
    assert (changed.kind, changed.code) == ("unknown", "idempotency_error")
    assert [t.amount for t in gateway.find_transfers("pay_1")] == [5000]


def test_a_wrong_key_is_refused_without_effect(sim: Simulator, payee: str) -> None:
    sim.fund()
    refused = StripeGateway("sk_test_wrong", sim.base, "v2").create_transfer(request(payee))
    assert (refused.kind, refused.code, refused.retriable_after) == ("refused", "http_401", "never")
    assert sim.client().v1.transfers.list().data == []


def test_a_lock_is_try_later(sim: Simulator, gateway: PaymentsGateway, payee: str) -> None:
    sim.fund()
    sim.control("settings", rate_per_second=1)
    kinds = [gateway.create_transfer(request(payee)).kind for _ in range(3)]
    assert "try_later" in kinds


def test_a_reversed_transfer_says_so(sim: Simulator, gateway: PaymentsGateway, payee: str) -> None:
    sim.fund()
    sent = gateway.create_transfer(request(payee)).transfer_id
    sim.client().v1.transfers.reversals.create(sent, {"amount": 1000})
    (part,) = gateway.find_transfers("pay_1")
    assert (part.amount_reversed, part.reversed) == (1000, False)
    sim.client().v1.transfers.reversals.create(sent)
    assert gateway.find_transfers("pay_1")[0].reversed


def test_more_transfers_than_a_page_are_all_found(
    sim: Simulator, gateway: PaymentsGateway, payee: str
) -> None:
    sim.fund()
    for attempt in range(1, 103):
        assert gateway.create_transfer(request(payee, attempt, amount=1)).kind == "sent"
    found = gateway.find_transfers("pay_1")
    assert [t.attempt for t in found] == list(range(102, 0, -1))


# Webhooks


@pytest.fixture
def secrets(gateway: PaymentsGateway, receiver: Receiver) -> WebhookSecrets:
    return gateway.register_webhooks(receiver.base)


def test_registering_twice_leaves_one_endpoint_of_each_kind(
    sim: Simulator, gateway: PaymentsGateway, receiver: Receiver, secrets: WebhookSecrets
) -> None:
    again = gateway.register_webhooks(receiver.base)
    assert again.platform != secrets.platform
    client = sim.client()
    endpoints = client.v1.webhook_endpoints.list().data
    assert sorted(e.url for e in endpoints) == sorted(
        receiver.base + WEBHOOK_PATHS[kind] for kind in ("platform", "connect")
    )
    assert {e.api_version for e in endpoints} == {stripe.api_version}
    assert len(client.v2.core.event_destinations.list().data) == 1
    assert "whsec" not in repr(again)


def test_the_transfer_event_names_payout_attempt_and_key(
    sim: Simulator,
    gateway: PaymentsGateway,
    receiver: Receiver,
    secrets: WebhookSecrets,
    payee: str,
) -> None:
    sim.fund()
    sent = gateway.create_transfer(request(payee)).transfer_id
    receiver.wait(1, kind="transfer.created")
    hook = next(h for h in receiver.got if h.event["type"] == "transfer.created")
    assert hook.path == WEBHOOK_PATHS["platform"]
    event = gateway.verify_webhook(hook.body, hook.headers["Stripe-Signature"], secrets.platform, thin=False)
    assert (event.type, event.object_id, event.livemode) == ("transfer.created", sent, False)
    assert event.idempotency_key == "payout:pay_1:1"
    assert event.inbox_body()["payout_id"] == "pay_1"
    assert event.inbox_body()["attempt"] == 1


def test_the_thin_event_of_a_payee_that_became_able_names_its_account(
    sim: Simulator, gateway: PaymentsGateway, receiver: Receiver, secrets: WebhookSecrets
) -> None:
    account = gateway.create_account("cre_1", "US", None, "k")
    sim.control(f"accounts/{account}/onboard", outcome="active")
    kind = "v2.core.account[configuration.recipient].capability_status_updated"
    receiver.wait(1, kind=kind)
    hook = next(h for h in receiver.got if h.event["type"] == kind)
    assert hook.path == WEBHOOK_PATHS["thin"]
    signature = hook.headers["Stripe-Signature"]
    event = gateway.verify_webhook(hook.body, signature, secrets.thin, thin=True)
    assert (event.account, event.object_id, event.type) == (account, account, kind)
    with pytest.raises(WebhookForged):
        gateway.verify_webhook(hook.body, signature, secrets.thin, thin=False)
    with pytest.raises(WebhookForged):
        gateway.verify_webhook(hook.body, signature, secrets.platform, thin=True)


def test_a_creators_payout_comes_to_the_connect_endpoint_with_its_account(
    sim: Simulator,
    gateway: PaymentsGateway,
    receiver: Receiver,
    secrets: WebhookSecrets,
    payee: str,
) -> None:
    sim.fund()
    gateway.create_transfer(request(payee))
    sim.control("clock", advance_seconds=2 * 86400 + 1)
    hook = wait_for(lambda: [h for h in receiver.got if h.event["type"] == "payout.created"])[0]
    assert hook.path == WEBHOOK_PATHS["connect"]
    event = gateway.verify_webhook(hook.body, hook.headers["Stripe-Signature"], secrets.connect, thin=False)
    assert event.account == payee
    assert event.data["amount"] == 5000


BODY = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "transfer.created",
        "created": 1,
        "livemode": False,
        "data": {"object": {"object": "transfer", "id": "tr_1"}},
        "request": None,
    }
)
SECRET = "whsec_test"


def signed(body: str = BODY, secret: str = SECRET, shift: int = 0) -> str:
    moment = int(time.time()) + shift
    return stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=moment)


def test_a_signed_message_is_taken() -> None:
    gateway = StripeGateway(KEY, "http://127.0.0.1:9", "v2")
    event = gateway.verify_webhook(BODY.encode(), signed(), SECRET, thin=False)
    assert (event.id, event.object_id) == ("evt_1", "tr_1")


@pytest.mark.parametrize(
    ("payload", "header", "secret"),
    [
        (BODY.encode(), lambda: signed(secret="whsec_other"), SECRET),
        (BODY.encode() + b" ", lambda: signed(), SECRET),
        (BODY.encode(), lambda: signed(shift=-301), SECRET),
        (BODY.encode(), lambda: signed(shift=+400), SECRET),
        (BODY.encode(), lambda: "", SECRET),
        (BODY.encode(), lambda: "t=x,v1=y", SECRET),
        (BODY.encode(), lambda: "nonsense", SECRET),
        (BODY.encode(), lambda: signed(secret=""), ""),
        (BODY.encode(), lambda: signed(secret=" "), " "),
        (b"\xff\xfe", lambda: signed(), SECRET),
        (b"[]", lambda: signed("[]"), SECRET),
        (b"not json", lambda: signed("not json"), SECRET),
        (b'{"object": "event"}', lambda: signed('{"object": "event"}'), SECRET),
        (b'{"object": "v2.core.event"}', lambda: signed('{"object": "v2.core.event"}'), SECRET),
    ],
    ids=[
        "other secret", "changed body", "too old", "in the future", "no header", "garbled",
        "nonsense", "empty secret", "blank secret", "not text", "not an object", "not json",
        "no event", "other kind",
    ],
)  # fmt: skip
def test_a_forged_message_is_refused(payload: bytes, header: Any, secret: str) -> None:
    gateway = StripeGateway(KEY, "http://127.0.0.1:9", "v2")
    with pytest.raises(WebhookForged):
        gateway.verify_webhook(payload, header(), secret, thin=False)
