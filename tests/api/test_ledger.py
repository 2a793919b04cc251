"""The books over the API: what costs come in, and what each brand may read of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.roles import Role
from tests.api.conftest import Tenant, lamp


def _costly(brand: Tenant, stock: int = 10, cost: int = 1450) -> tuple[str, str]:
    product = brand.post("/products", lamp(stock=stock, cost=cost))
    variant = product["variants"][0]["id"]
    return f"/products/{product['id']}/variants/{variant}", f"variant:{variant}:stock:USD"


def _balance(brand: Tenant, account: str) -> int:
    return int(brand.get("/ledger/balance", params={"account": account})["balance"])


def test_stock_stands_in_the_books_at_what_it_costs(brand: Tenant) -> None:
    path, account = _costly(brand)
    assert _balance(brand, account) == 14_500
    for change, worth in [({"stock": 12}, 17_400), ({"cost_amount": 1000}, 12_000), ({"stock": 3}, 3_000)]:
        assert brand.call("PATCH", path, json=change).status_code == 200
        assert _balance(brand, account) == worth
    statement = brand.get("/ledger/statement", params={"account": account})
    assert [line["amount"] for line in statement["items"]] == [14_500, 2_900, -5_400, -9_000]
    assert statement["closing"] == statement["items"][-1]["balance"] == 3_000
    trial = brand.get("/ledger/trial-balance")
    assert {line["account"]: line["balance"] for line in trial["items"]} == {
        "variant:stock": 3_000,
        "world": -3_000,
    }
    assert trial["sums"] == [{"currency": "USD", "balance": 0}]


def test_a_moment_before_has_its_own_balance(brand: Tenant) -> None:
    path, account = _costly(brand)
    between = datetime.now(UTC)
    brand.call("PATCH", path, json={"stock": 11})
    query = {"account": account, "at": between.isoformat()}
    assert brand.get("/ledger/balance", params=query)["balance"] == 14_500
    before = {"account": account, "at": (between - timedelta(days=1)).isoformat()}
    assert brand.get("/ledger/balance", params=before)["balance"] == 0
    part = brand.get("/ledger/statement", params={"account": account, "since": between.isoformat()})
    assert (part["opening"], len(part["items"])) == (14_500, 1)


def test_a_moment_without_a_zone_is_refused_and_named(brand: Tenant) -> None:
    answer = brand.call("GET", "/ledger/trial-balance", params={"at": "2026-11-30T12:00:00"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"


def test_another_brands_accounts_do_not_exist(brand: Tenant, other: Tenant) -> None:
    _, account = _costly(brand)
    for path in ("/ledger/balance", "/ledger/statement"):
        answer = other.call("GET", path, params={"account": account})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert other.get("/ledger/trial-balance")["items"] == []


def test_statements_come_in_pages(brand: Tenant) -> None:
    path, account = _costly(brand)
    for stock in (11, 12, 13):
        brand.call("PATCH", path, json={"stock": stock})
    query = {"account": account, "limit": 3}
    first = brand.get("/ledger/statement", params=query)
    rest = brand.get("/ledger/statement", params=query | {"cursor": first["next_cursor"]})
    assert [line["balance"] for line in first["items"] + rest["items"]] == [14_500, 15_950, 17_400, 18_850]
    assert (first["closing"], rest["next_cursor"]) == (18_850, None)


def test_entries_come_in_the_order_of_their_dates_in_pages(brand: Tenant, other: Tenant) -> None:
    path, account = _costly(brand)
    for stock in (12, 3):
        brand.call("PATCH", path, json={"stock": stock})
    whole = brand.get("/ledger/entries")["items"]
    assert [one["kind"] for one in whole] == ["goods_received", "goods_received", "goods_written_down"]
    assert whole[0]["movements"] == [
        {"source": "world:USD", "destination": account, "currency": "USD", "amount": 14_500}
    ]
    first = brand.get("/ledger/entries", params={"limit": 2})
    rest = brand.get("/ledger/entries", params={"limit": 2, "cursor": first["next_cursor"]})
    assert (first["items"] + rest["items"], rest["next_cursor"]) == (whole, None)
    written_down = brand.get("/ledger/entries", params={"kind": "goods_written_down"})["items"]
    assert written_down == whole[2:]
    assert brand.get("/ledger/entries", params={"until": "2020-01-01T00:00:00Z"})["items"] == []
    assert other.get("/ledger/entries")["items"] == []
    answer = other.call("GET", "/ledger/entries", params={"cursor": whole[0]["id"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_brands_zone_is_the_owners_to_set(brand: Tenant) -> None:
    assert brand.get("/brand")["zone"] == "UTC"
    assert brand.call("PATCH", "/brand", json={"zone": "Europe/Berlin"}).json()["zone"] == "Europe/Berlin"
    wrong = brand.call("PATCH", "/brand", json={"zone": "Mars/Olympus"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "zone")
    assert brand.call("PATCH", "/brand", Role.FINANCE, json={"zone": "UTC"}).status_code == 403
