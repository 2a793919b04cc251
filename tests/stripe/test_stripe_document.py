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
from infra.local.stripe.calls import OPERATIONS, route
from tests.stripe import document, sdk_types
from tests.stripe.simulator import KEY, RECIPIENT, Simulator

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


def test_01_errors_have_the_body_of_the_document(sim: Simulator) -> None:
    answer = httpx.get(f"{sim.base}/v1/transfers/tr_x", headers={"Authorization": f"Bearer {KEY}"})
    error = json.loads(answer.content)["error"]
    assert (error["code"], error["type"], error["param"]) == (
        "resource_missing",
        "invalid_request_error",
        "id",
    )
