"""What arrived, over the API and in the payouts' export: null and empty until Stripe was asked."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from domain.ledger import payout_id
from domain.roles import Role
from infra.settings import Settings
from tests.api.test_payouts import Desk
from tests.records.arrivals import arrived


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


def shown(desk: Desk, of: str) -> Any:
    return desk.tenant.get(f"/payouts/{payout_id(of)}")["receipt"]


def exported(desk: Desk, of: str) -> list[str]:
    answer = desk.tenant.call("GET", "/exports/payouts", Role.FINANCE, params={"format": "csv"})
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    (row,) = [row for row in rows if row["payout_id"] == payout_id(of)]
    return [row["received_currency"], row["received_amount_minor"], row["exchange_rate"]]


@pytest.mark.parametrize(
    ("currency", "amount", "rate"),
    [("EUR", 20_182, "0.917345"), ("JPY", 32_862, "1.4937281"), ("KWD", 67_566, "3.0712")],
)
def test_a_receipt_is_shown_as_stripe_said_it(desk: Desk, currency: str, amount: int, rate: str) -> None:
    of = desk.office.sent()
    assert shown(desk, of) is None
    assert exported(desk, of) == ["", "", ""]
    arrived(desk.office.sessions, of, desk.office.clock, amount=amount, currency=currency, rate=rate, fee=30)
    found = shown(desk, of)
    del found["at"]
    assert found == {"amount": amount, "currency": currency, "fee": 30, "exchange_rate": rate}
    assert exported(desk, of) == [currency, str(amount), rate]


def test_what_was_not_converted_has_an_empty_rate(desk: Desk) -> None:
    of, other = desk.office.sent(), desk.office.sent()
    arrived(desk.office.sessions, of, desk.office.clock, amount=22_000, currency="USD", rate="")
    assert (shown(desk, of)["exchange_rate"], shown(desk, other)) == ("", None)
    assert exported(desk, of) == ["USD", "22000", ""]
    assert exported(desk, other) == ["", "", ""]
