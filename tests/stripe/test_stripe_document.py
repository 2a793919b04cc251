"""Behaviour 1: every answer fits Stripe's OpenAPI document read strictly, and the SDK's types.

Every test of this folder sends its answers through these checks. Here the checks themselves are
shown to fail, and each operation of the document is called once.
"""

import json
import re
from typing import Any

import httpx
import pytest
import stripe

from infra.local.stripe import app
from infra.local.stripe.calls import OPERATIONS, Operation, route
from tests.stripe import document, sdk_types
from tests.stripe.simulator import ANSWERED, KEY, RECIPIENT, WEB, Receiver, Simulator

needs_document = pytest.mark.skipif(
    document.DOCUMENT is None, reason="Stripe's OpenAPI document is not beside the project"
)
NOT_BUILT = {("POST", "/v1/account_sessions"), ("POST", "/v1/payouts/{payout}/reverse")}


def transfer(client: stripe.StripeClient, payee: str) -> dict[str, Any]:
    made = client.v1.transfers.create({"amount": 5, "currency": "usd", "destination": payee})
    return dict(made.to_dict())


@needs_document
def test_01_the_document_check_finds_invented_missing_and_wrong_fields(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    good = transfer(client, payee)
    path = f"/v1/transfers/{good['id']}"
    assert document.complaints("GET", path, 200, good) == []
    missing = {k: v for k, v in good.items() if k != "reversed"}
    for bad in ({**good, "status": "paid"}, missing, {**good, "amount": "5"}, {**good, "created": None}):
        assert document.complaints("GET", path, 200, bad)


def test_01_the_type_check_finds_invented_missing_and_wrong_fields(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    good = transfer(client, payee)
    assert sdk_types.complaints(good) == []
    missing = {k: v for k, v in good.items() if k != "reversed"}
    nested = {**good, "reversals": {**good["reversals"], "data": [{"object": "transfer_reversal"}]}}
    for bad in ({**good, "status": "paid"}, missing, {**good, "amount": "5"}, nested):
        assert sdk_types.complaints(bad)
    include: Any = ["configuration.recipient", "requirements"]
    account = client.v2.core.accounts.create({**RECIPIENT, "include": include}).to_dict()
    assert sdk_types.complaints(account) == []
    account["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"] = {
        "status": "restricted"
    }
    assert sdk_types.complaints(account)


@needs_document
def test_01_every_operation_of_the_document_is_built_or_answers_501() -> None:
    assert app.BUILT
    for method, path in document.operations():
        found = route(method, path)
        assert found is not None, f"{method} {path}"
        assert (found[0].handler is None) == ((method, path) in NOT_BUILT), f"{method} {path}"


@needs_document
def test_01_no_operation_is_built_that_the_document_does_not_have() -> None:
    for operation in OPERATIONS:
        assert document.operation_of(operation.method, operation.template), operation.template


@needs_document
def test_04_the_tables_of_parameters_are_those_of_the_document() -> None:
    assert document.DOCUMENT is not None
    for operation in OPERATIONS:
        template = document.operation_of(operation.method, operation.template)
        assert template is not None
        if operation.handler is None:
            continue
        item = document.DOCUMENT["paths"][template][operation.method.lower()]
        known = {p["name"] for p in item.get("parameters", []) if p["in"] == "query"}
        required: set[str] = set()
        for content in item.get("requestBody", {}).get("content", {}).values():
            known |= set(content["schema"].get("properties", {}))
            required |= set(content["schema"].get("required", []))
        assert set(operation.spec) <= known, operation.template
        assert known <= set(operation.spec), operation.template
        ours = {name for name, field in operation.spec.items() if field.required}
        assert required <= ours, operation.template


@needs_document
@pytest.mark.parametrize(
    ("method", "path"), document.operations() if document.DOCUMENT else [], ids=lambda v: str(v)
)
def test_01_an_answer_about_nothing_fits_the_document(sim: Simulator, method: str, path: str) -> None:
    path = re.sub(r"{\w+}", "x_none", path)
    options: dict[str, Any] = {"json": {}} if path.startswith("/v2/") and method == "POST" else {}
    answer = sim.raw(method, path, **options)
    assert answer.status_code in (200, 400, 403, 404, 501)
    assert answer.headers["content-type"] == "application/json"


@needs_document
def test_01_every_built_operation_answers_200_to_a_good_call(
    sim: Simulator, client: stripe.StripeClient, receiver: Receiver, payee: str
) -> None:
    ANSWERED.clear()
    sim.control("settings", v1_accounts="on", topup_seconds=60)
    walk_accounts(client)
    walk_money(sim, client, payee)
    walk_events(client, receiver)
    assert set(document.operations()) - ANSWERED == NOT_BUILT


def walk_accounts(client: stripe.StripeClient) -> None:
    v1, v2 = client.v1.accounts, client.v2.core.accounts
    capabilities: Any = {"transfers": {"requested": True}}
    old = v1.create({"type": "express", "country": "US", "capabilities": capabilities}).id
    urls: Any = {"return_url": "http://127.0.0.1/a", "refresh_url": "http://127.0.0.1/b"}
    link: Any = {"account": old, "type": "account_onboarding", **urls}
    assert WEB.post(client.v1.account_links.create(link).url, data={}).status_code == 303
    v1.retrieve_current()
    v1.retrieve(old, {"expand": ["external_accounts"]})
    v1.update(old, {"metadata": {"a": "b"}})
    v1.list({"limit": 1})
    v1.capabilities.list(old)
    v1.capabilities.retrieve(old, "transfers")
    v1.capabilities.update(old, "transfers", {"requested": True, "expand": ["account"]})
    bank: Any = {"object": "bank_account", "country": "US", "account_number": "000123456789"}
    v1.external_accounts.create(old, {"external_account": bank})
    v1.external_accounts.list(old)
    v1.login_links.create(old)
    v1.reject(old, {"reason": "other"})
    v1.delete(old)
    new = v2.create(RECIPIENT).id
    use: Any = {"type": "account_onboarding", "account_onboarding": urls}
    client.v2.core.account_links.create({"account": new, "use_case": use})
    v2.retrieve(new)
    v2.update(new, {"display_name": "x"})
    v2.list()
    v2.close(new)


def walk_money(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    topups, transfers, payouts = client.v1.topups, client.v1.transfers, client.v1.payouts
    sim.fund()
    topup = topups.create({"amount": 1, "currency": "usd"}).id
    topups.retrieve(topup)
    topups.update(topup, {"description": "x"})
    topups.list()
    topups.cancel(topup)
    made = transfers.create({"amount": 9, "currency": "usd", "destination": payee}).id
    transfers.retrieve(made)
    transfers.update(made, {"description": "x"})
    transfers.list()
    back = transfers.reversals.create(made, {"amount": 1}).id
    transfers.reversals.retrieve(made, back)
    transfers.reversals.update(made, back, {"metadata": {"a": "b"}})
    transfers.reversals.list(made)
    payout = payouts.create({"amount": 1, "currency": "usd"}).id
    payouts.retrieve(payout)
    payouts.update(payout, {"metadata": {"a": "b"}})
    payouts.list()
    payouts.cancel(payout)
    client.v1.balance.retrieve()
    row = client.v1.balance_transactions.list().data[0]
    client.v1.balance_transactions.retrieve(row.id)


def walk_events(client: stripe.StripeClient, receiver: Receiver) -> None:
    endpoints, destinations = client.v1.webhook_endpoints, client.v2.core.event_destinations
    made = endpoints.create({"url": receiver.base, "enabled_events": ["*"]}).id
    endpoints.retrieve(made)
    endpoints.update(made, {"description": "x"})
    endpoints.list()
    endpoints.delete(made)
    client.v1.events.retrieve(client.v1.events.list({"limit": 100}).data[0].id)
    there = destinations.create(
        {
            "name": "n",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["*"],
            "webhook_endpoint": {"url": receiver.base},
        }
    ).id
    destinations.retrieve(there)
    destinations.list()
    destinations.ping(there)
    destinations.delete(there)
    client.v2.core.events.retrieve(client.v2.core.events.list().data[0].id)


JUNK: list[Any] = ["", "x", "-1", "a[b]", "\x00", "9" * 30, "é" * 600, {"x": "y"}, {"0": {"z": "1"}}, ["a"]]


def as_form(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in as_form(f"{name}[{key}]", inner).items()}
    if isinstance(value, list):
        return as_form(name, dict(enumerate(value)))
    return {name: value}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.template}")
def test_04_junk_in_any_parameter_is_a_4xx_with_the_error_body(
    sim: Simulator, payee: str, operation: Operation
) -> None:
    path = operation.template.replace("{account}", payee)
    if "/accounts/" in path:
        path = path.replace("{id}", payee)
    path = re.sub(r"{\w+}", "x_none", path)
    with httpx.Client(base_url=sim.base, headers={"Authorization": f"Bearer {KEY}"}) as web:
        for name in operation.spec:
            for value in [*JUNK, None, 5, True] if path.startswith("/v2/") else JUNK:
                options: dict[str, Any] = {"params": as_form(name, value)}
                if operation.method == "POST":
                    options = {"data": as_form(name, value)}
                    if path.startswith("/v2/"):
                        options = {"json": {name: value}}
                answer = web.request(operation.method, path, **options)
                assert answer.status_code < 500, (name, value, answer.text)
                if answer.status_code != 200:
                    assert answer.json()["error"]["message"], (name, value)


def test_01_errors_have_the_body_of_the_document(sim: Simulator) -> None:
    answer = WEB.get(f"{sim.base}/v1/transfers/tr_x", headers={"Authorization": f"Bearer {KEY}"})
    error = json.loads(answer.content)["error"]
    assert (error["code"], error["type"], error["param"]) == (
        "resource_missing",
        "invalid_request_error",
        "id",
    )
