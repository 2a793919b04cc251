"""How the simulator takes a request: key, encoding, parameters, metadata, lists, expand, limits."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.stripe.simulator import KEY, RECIPIENT, WEB, Simulator

TRANSFER: dict[str, Any] = {"amount": 1000, "currency": "usd"}


def refusal(call: Any, *args: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(*args)
    return caught.value


# 2, 29


@pytest.mark.parametrize("key", [None, "sk_test_other", "sk_live_abc"])
def test_02_a_wrong_or_missing_key_is_401_with_the_error_body(sim: Simulator, key: str | None) -> None:
    answer = sim.raw("GET", "/v1/balance", key=key)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["request-id"].startswith("req_")


def test_02_every_answer_carries_a_request_id(client: stripe.StripeClient) -> None:
    response = client.v1.balance.retrieve().last_response
    assert response is not None
    assert response.request_id.startswith("req_")


def test_02_the_key_may_come_as_basic_authorization_too(sim: Simulator) -> None:
    assert WEB.get(f"{sim.base}/v1/balance", auth=(KEY, "")).status_code == 200


# 3


def test_03_v1_bodies_are_forms_with_brackets(sim: Simulator, payee: str) -> None:
    sim.fund()
    body = f"amount=100&currency=usd&destination={payee}&metadata[payout]=po%201&expand[]=balance_transaction"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = sim.raw("POST", "/v1/transfers", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["metadata"] == {"payout": "po 1"}
    assert answer.json()["balance_transaction"]["net"] == -100


def test_03_v2_bodies_are_json_and_broken_json_is_400(sim: Simulator) -> None:
    headers = {"Content-Type": "application/json"}
    made = sim.raw("POST", "/v2/core/accounts", content=json.dumps(RECIPIENT), headers=headers)
    assert made.status_code == 200
    broken = sim.raw("POST", "/v2/core/accounts", content="{", headers=headers)
    assert broken.status_code == 400


# 4


def test_04_an_unknown_parameter_is_named(client: stripe.StripeClient, payee: str) -> None:
    error = refusal(client.v1.transfers.create, {**TRANSFER, "destination": payee, "fee": 1})
    assert (error.code, error.param) == ("parameter_unknown", "fee")


def test_04_an_unknown_nested_parameter_is_named(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.control("settings", v1_accounts="on")
    error = refusal(client.v1.accounts.create, {"controller": {"losses": {"who": "us"}}})
    assert (error.code, error.param) == ("parameter_unknown", "controller[losses][who]")
    error = refusal(client.v2.core.accounts.create, {**RECIPIENT, "nickname": "x"})
    assert (error.code, error.json_body["error"]["param"]) == ("parameter_unknown", "nickname")


@pytest.mark.parametrize("name", ["amount", "currency", "destination"])
def test_04_a_missing_parameter_is_named(client: stripe.StripeClient, payee: str, name: str) -> None:
    wanted = {**TRANSFER, "destination": payee}
    del wanted[name]
    error = refusal(client.v1.transfers.create, wanted)
    assert (error.code, error.param) == ("parameter_missing", name)


@pytest.mark.parametrize("amount", ["ten", "1.5", "0", "-5", ""])
def test_04_a_bad_integer_is_400(client: stripe.StripeClient, payee: str, amount: str) -> None:
    error = refusal(client.v1.transfers.create, {**TRANSFER, "destination": payee, "amount": amount})
    assert error.http_status == 400
    assert error.param == "amount"


# 10, 11


def test_10_more_than_available_is_refused_and_changes_nothing(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund(999)
    error = refusal(client.v1.transfers.create, {**TRANSFER, "destination": payee})
    assert (error.http_status, error.code) == (400, "balance_insufficient")
    assert (error.user_message or "").startswith("You have insufficient available funds")
    assert client.v1.balance.retrieve().available[0].amount == 999
    assert client.v1.transfers.list().data == []
    assert client.v1.balance_transactions.list({"type": "transfer"}).data == []


def test_10_a_pending_top_up_does_not_count(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    sim.control("settings", topup_seconds=3600)
    client.v1.topups.create({"amount": 5000, "currency": "usd"})
    error = refusal(client.v1.transfers.create, {**TRANSFER, "destination": payee})
    assert error.code == "balance_insufficient"
    sim.control("clock", advance_seconds=3600)
    assert client.v1.transfers.create({**TRANSFER, "destination": payee}).amount == 1000


def test_10_another_currency_does_not_help(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    sim.fund(5000, "eur")
    error = refusal(client.v1.transfers.create, {**TRANSFER, "destination": payee})
    assert error.code == "balance_insufficient"


def test_11_a_transfer_needs_the_capability_and_again_after_it_is_withdrawn(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    sim.fund()
    account = client.v2.core.accounts.create(RECIPIENT).id
    wanted = {**TRANSFER, "destination": account}
    assert refusal(client.v1.transfers.create, wanted).code == "insufficient_capabilities_for_transfer"
    sim.control(f"accounts/{account}/onboard", outcome="active")
    assert client.v1.transfers.create(wanted).destination == account
    sim.control(f"accounts/{account}/onboard", outcome="due")
    assert refusal(client.v1.transfers.create, wanted).code == "insufficient_capabilities_for_transfer"
    assert len(client.v1.transfers.list().data) == 1


def test_11_an_unknown_destination_is_refused(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.fund()
    error = refusal(client.v1.transfers.create, {**TRANSFER, "destination": "acct_nobody"})
    assert (error.code, error.param) == ("resource_missing", "destination")


# 18


def test_18_lists_are_newest_first_and_page_both_ways(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    ids = [
        client.v1.transfers.create({**TRANSFER, "destination": payee, "transfer_group": f"g{i % 2}"}).id
        for i in range(5)
    ][::-1]
    first = client.v1.transfers.list({"limit": 2})
    assert ([t.id for t in first.data], first.has_more, first.url) == (ids[:2], True, "/v1/transfers")
    second = client.v1.transfers.list({"limit": 2, "starting_after": ids[1]})
    assert [t.id for t in second.data] == ids[2:4]
    back = client.v1.transfers.list({"limit": 2, "ending_before": ids[3]})
    assert ([t.id for t in back.data], back.has_more) == (ids[1:3], True)
    assert [t.id for t in client.v1.transfers.list({"limit": 2}).auto_paging_iter()] == ids
    grouped = client.v1.transfers.list({"transfer_group": "g1"}).data
    assert [t.id for t in grouped] == [ids[1], ids[3]]
    assert client.v1.transfers.list({"destination": "acct_other"}).data == []
    assert client.v1.transfers.list({"created": {"gt": int(time.time()) + 60}}).data == []


@pytest.mark.parametrize("limit", [0, 101])
def test_18_a_limit_outside_1_to_100_is_400(client: stripe.StripeClient, limit: int) -> None:
    assert refusal(client.v1.transfers.list, {"limit": limit}).param == "limit"


def test_18_an_unknown_cursor_is_400(client: stripe.StripeClient) -> None:
    error = refusal(client.v1.transfers.list, {"starting_after": "tr_none"})
    assert (error.http_status, error.param) == (400, "starting_after")


def test_18_v2_lists_page_by_next_page_url(client: stripe.StripeClient) -> None:
    ids = [client.v2.core.accounts.create(RECIPIENT).id for _ in range(5)][::-1]
    page = client.v2.core.accounts.list({"limit": 2, "applied_configurations": ["recipient"]})
    assert [a.id for a in page.data] == ids[:2]
    assert page.next_page_url
    assert [a.id for a in page.auto_paging_iter()] == ids
    assert client.v2.core.accounts.list({"applied_configurations": ["merchant"]}).data == []


# 19


def test_19_without_expand_there_are_ids_and_with_it_objects(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    made = client.v1.transfers.create({**TRANSFER, "destination": payee})
    assert isinstance(made.balance_transaction, str)
    assert isinstance(made.destination, str)
    whole = client.v1.transfers.retrieve(made.id, {"expand": ["balance_transaction.source", "destination"]})
    assert isinstance(whole.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(whole.balance_transaction.source, stripe.Transfer)
    assert isinstance(whole.destination, stripe.Account)
    listed = client.v1.balance_transactions.list({"expand": ["data.source"], "type": "transfer"})
    assert isinstance(listed.data[0].source, stripe.Transfer)


def test_19_what_cannot_be_expanded_is_400(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.fund()
    error = refusal(client.v1.balance_transactions.list, {"expand": ["data.amount"]})
    assert error.http_status == 400


# 20


def test_20_metadata_merges_and_an_empty_value_unsets(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    sim.fund()
    wanted = {**TRANSFER, "destination": payee, "metadata": {"a": "1", "b": "2"}}
    made = client.v1.transfers.create(wanted)
    changed = client.v1.transfers.update(made.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    cleared = client.v1.transfers.update(made.id, {"metadata": ""})
    assert cleared.metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata",
    [{"k" * 41: "x"}, {"k": "x" * 501}, {f"k{i}": "x" for i in range(51)}],
    ids=["long key", "long value", "51 keys"],
)
def test_20_metadata_over_its_limits_is_400(
    client: stripe.StripeClient, payee: str, metadata: dict[str, str]
) -> None:
    wanted = {**TRANSFER, "destination": payee, "metadata": metadata}
    assert refusal(client.v1.transfers.create, wanted).http_status == 400


def test_20_an_update_cannot_pass_50_keys(sim: Simulator, client: stripe.StripeClient, payee: str) -> None:
    sim.fund()
    full = {f"k{i}": "x" for i in range(50)}
    made = client.v1.transfers.create({**TRANSFER, "destination": payee, "metadata": full})
    assert refusal(client.v1.transfers.update, made.id, {"metadata": {"one_more": "x"}})


# 27


def test_27_the_rate_limiter_answers_429_by_itself(sim: Simulator) -> None:
    sim.control("settings", rate_per_second=25)
    client = sim.client()
    limited: list[stripe.RateLimitError] = []
    for _ in range(30):
        try:
            client.v1.balance.retrieve()
        except stripe.RateLimitError as error:
            limited.append(error)
    assert limited
    assert limited[0].http_status == 429
    assert (limited[0].headers or {})["stripe-rate-limited-reason"] == "global-rate"
    sim.control("settings", rate_per_second=0)
    client.v1.balance.retrieve()


def test_27_two_writes_on_one_object_at_once_are_lock_timeout(sim: Simulator, payee: str) -> None:
    sim.fund()
    sim.control("settings", work_ms=300)

    def pay(_: int) -> str:
        try:
            sim.client().v1.transfers.create({**TRANSFER, "destination": payee})
        except stripe.RateLimitError as error:
            reason = (error.headers or {}).get("stripe-rate-limited-reason", "")
            return f"{error.error.code if error.error else ''}{reason}"
        return "paid"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(pay, range(2))) == ["lock_timeout", "paid"]


# 31


def test_31_an_unknown_path_is_404_with_the_error_body(sim: Simulator) -> None:
    for path in ("/v1/nothing", "/v2/core/nothing", "/v1/charges", "/nothing"):
        answer = sim.raw("GET", path)
        assert answer.status_code == 404
        assert "Unrecognized request URL" in answer.json()["error"]["message"]
    assert sim.raw("DELETE", "/v1/transfers").status_code == 404


def test_31_an_operation_that_is_not_built_is_501(sim: Simulator) -> None:
    answer = sim.raw("POST", "/v1/account_sessions", data={"account": "acct_x"})
    assert answer.status_code == 501
    assert answer.json()["error"]["type"] == "api_error"


def test_31_an_unknown_connected_account_is_403(sim: Simulator) -> None:
    with pytest.raises(stripe.PermissionError) as caught:
        sim.client(stripe_account="acct_unknown").v1.balance.retrieve()
    assert caught.value.error is not None
    assert caught.value.error.code == "account_invalid"


def test_the_control_plane_needs_the_key(sim: Simulator) -> None:
    answer = WEB.post(f"{sim.base}/_sim/fund", json={"amount": 1, "currency": "usd"})
    assert answer.status_code == 401
    assert KEY not in answer.text
