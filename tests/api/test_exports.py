"""Files of the books over the API: whole or refused, of one brand only, in three formats."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy.orm import Session, sessionmaker

from domain.ledger import ACCOUNT_KINDS
from domain.roles import Role
from infra.audit.sequencer import sequence_all
from tests.api.conftest import Tenant, lamp
from tests.api.differences import found_difference

MONTH = f"{datetime.now(UTC):%Y-%m}"
FORMATS = ["csv", "jsonl", "parquet"]


def _file(brand: Tenant, name: str, form: str = "csv", **query: Any) -> list[dict[str, Any]]:
    answer = brand.call("GET", f"/exports/{name}", Role.FINANCE, params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    if form == "csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    elif form == "jsonl":
        rows = [json.loads(line) for line in answer.text.splitlines() if line]
    else:
        rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert int(answer.headers["x-rows"]) == len(rows)
    assert answer.headers["content-disposition"].endswith(f'.{form}"')
    return rows


@pytest.fixture
def stocked(brand: Tenant) -> Tenant:
    """A brand with two entries in its books."""
    product = brand.post("/products", lamp(cost=1450))
    path = f"/products/{product['id']}/variants/{product['variants'][0]['id']}"
    brand.call("PATCH", path, json={"stock": 8})
    return brand


@pytest.mark.parametrize("form", FORMATS)
def test_the_ledger_in_every_format(stocked: Tenant, form: str) -> None:
    rows = _file(stocked, "ledger", form, month=MONTH)
    assert [row["kind"] for row in rows] == ["goods_received", "goods_written_down"]
    assert [int(row["amount_minor"]) for row in rows] == [14_500, 2_900]
    assert [str(row["amount"]).rstrip("0") for row in rows] == ["145.", "29."]
    assert _file(stocked, "ledger", form, until="2020-01-01T00:00:00Z") == []


def test_every_export_has_the_columns_that_it_says(stocked: Tenant, sessions: sessionmaker[Session]) -> None:
    found_difference(sessions, stocked.id, "=HYPERLINK(1)")
    stocked.call("PATCH", "/exports/account-codes", json={"codes": _codes()})
    sequence_all(sessions)
    (variant,) = stocked.get("/products")["items"][0]["variants"]
    for one in stocked.get("/exports")["items"]:
        query = {"account": f"variant:{variant['id']}:stock:USD"} if one["name"] == "statement" else {}
        answer = stocked.call("GET", f"/exports/{one['name']}", params=query)
        header = answer.text.split("\r\n", 1)[0].split(",")
        assert header == [column["name"] for column in one["columns"]]
    (difference,) = _file(stocked, "reconciliation")
    assert difference["subject"] == "'=HYPERLINK(1)"
    assert difference["our_amount"] == ""
    audit = _file(stocked, "audit", "jsonl")
    assert [line["sequence"] for line in audit] == list(range(1, len(audit) + 1))
    assert "account_code_set" in [line["event"] for line in audit]
    assert all(a["hash"] == b["previous_hash"] for a, b in pairwise(audit))
    assert _file(stocked, "payouts") == []


def test_a_statement_runs_from_opening_to_closing(stocked: Tenant) -> None:
    (variant,) = stocked.get("/products")["items"][0]["variants"]
    rows = _file(stocked, "statement", account=f"variant:{variant['id']}:stock:USD")
    assert [(row["kind"], row["amount"], row["balance"]) for row in rows] == [
        ("opening", "", "0.00"),
        ("goods_received", "145.00", "145.00"),
        ("goods_written_down", "-29.00", "116.00"),
        ("closing", "", "116.00"),
    ]


def test_moments_are_in_one_zone(stocked: Tenant) -> None:
    stocked.call("PATCH", "/brand", json={"zone": "Asia/Kathmandu"})
    assert all(row["at"].endswith("+00:00") for row in _file(stocked, "ledger"))
    assert all(row["at"].endswith("+05:45") for row in _file(stocked, "ledger", zone="brand"))


# --- the journal ------------------------------------------------------------------------------------


def _codes() -> list[dict[str, str]]:
    return [{"account": kind, "code": f"{1000 + at}"} for at, kind in enumerate(ACCOUNT_KINDS)]


def test_a_journal_without_a_code_is_refused_and_names_the_accounts(stocked: Tenant) -> None:
    answer = stocked.call("GET", "/exports/journal", Role.FINANCE)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_code_missing")
    assert answer.json()["detail"] == "no account code for: variant:stock, world"
    codes = {"codes": [{"account": "variant:stock", "code": "1400", "name": "Goods"}]}
    assert stocked.call("PATCH", "/exports/account-codes", Role.FINANCE, json=codes).status_code == 200
    assert stocked.call("GET", "/exports/journal").json()["detail"] == "no account code for: world"


def test_a_journal_balances_under_the_brands_own_codes(stocked: Tenant) -> None:
    codes = [
        {"account": "variant:stock", "code": "1400", "name": "Goods"},
        {"account": "world", "code": "9999", "name": "Elsewhere"},
        {"account": "world/goods_received", "code": "1600", "name": "Suppliers"},
    ]
    stocked.call("PATCH", "/exports/account-codes", Role.FINANCE, json={"codes": codes})
    rows = _file(stocked, "journal", month=MONTH)
    shown = [(row["account_code"], row["debit"], row["credit"], row["line"]) for row in rows]
    assert shown == [
        ("1400", "145.00", "", "1"),
        ("1600", "", "145.00", "2"),
        ("9999", "29.00", "", "1"),
        ("1400", "", "29.00", "2"),
    ]
    assert {row["day"] for row in rows} == {f"{datetime.now(UTC):%Y-%m-%d}"}
    assert [row["day"] for row in _file(stocked, "journal", "parquet")] == [datetime.now(UTC).date()] * 4


def test_a_code_is_taken_away_by_an_empty_one_and_an_unknown_account_is_refused(stocked: Tenant) -> None:
    for code in ("1400", ""):
        body = {"codes": [{"account": "variant:stock", "code": code}]}
        items = stocked.call("PATCH", "/exports/account-codes", json=body).json()["items"]
        assert {one["account"]: one["code"] for one in items}["variant:stock"] == code
    body = {"codes": [{"account": "creator:bank", "code": "1"}]}
    answer = stocked.call("PATCH", "/exports/account-codes", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "codes.0.account")


# --- who, and what is refused -------------------------------------------------------------------------


def test_who_may(stocked: Tenant, other: Tenant) -> None:
    assert stocked.call("GET", "/exports/ledger", Role.OPS).status_code == 200
    assert stocked.call("GET", "/exports/ledger", Role.VIEWER).status_code == 403
    refused = stocked.call("PATCH", "/exports/account-codes", Role.OPS, json={"codes": _codes()})
    assert refused.status_code == 403
    assert "owner or finance" in refused.json()["detail"]
    assert _file(other, "ledger") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"month": "2026-13"}, "month"),
        ({"month": MONTH, "since": "2026-01-01T00:00:00Z"}, "month"),
        ({"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"zone": "Mars"}, "zone"),
        ({"form": "csv"}, "form"),
    ],
)
def test_a_wrong_question_names_its_field(stocked: Tenant, query: dict[str, str], field: str) -> None:
    answer = stocked.call("GET", "/exports/ledger", params=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
