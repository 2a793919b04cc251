"""What arrived, on the staff's page of a payment."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from domain.ledger import payout_id
from infra.settings import Settings
from tests.api.test_payouts import Desk
from tests.console.test_payouts import LIST, words
from tests.console.walk import Insider
from tests.records.arrivals import arrived
from tests.records.finance import person


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


@pytest.mark.parametrize(
    ("currency", "amount", "rate", "said"),
    [
        ("EUR", 20_182, "0.917345", "€201.82, at Stripe's rate 0.917345"),
        ("JPY", 32_862, "1.4937281", "¥32,862, at Stripe's rate 1.4937281"),
        ("KWD", 67_566, "3.0712", "67.566, at Stripe's rate 3.0712"),
    ],
)
def test_a_payments_page_says_what_arrived_and_at_which_rate(
    desk: Desk, app: FastAPI, settings: Settings, currency: str, amount: int, rate: str, said: str
) -> None:
    of = desk.office.sent()
    finance = Insider(app, desk.office.sessions, settings, person(desk.office).id)
    page = f"{LIST}/{payout_id(of)}"
    before = words(finance.client.get(page).text)
    assert "Arrived as" not in before
    assert "$220.00" in before
    arrived(desk.office.sessions, of, desk.office.clock, amount=amount, currency=currency, rate=rate)
    after = words(finance.client.get(page).text)
    assert said in after
    assert "$220.00" in after, "what the brand paid stays in its own currency"
