"""An office whose payouts are real: the stack's Stripe simulator behind the real gateway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.stripe_gateway import StripeGateway
from activities.payments import PaymentActivities
from domain.commands import OpenAttempt
from infra.settings import Settings
from tests.records.conftest import engine, office, own_database_url, owner, sessions, statements
from tests.records.office import Office

__all__ = ["engine", "office", "own_database_url", "owner", "sessions", "statements"]


@pytest.fixture
def gateway(settings: Settings) -> StripeGateway:
    return StripeGateway(
        settings.stripe_api_key,
        settings.stripe_api_base,
        settings.stripe_accounts_api,
        timeout=2,
        loopback_only=True,
    )


@pytest.fixture
def simulator(settings: Settings) -> Callable[[str, dict[str, Any]], Any]:
    """Says something to the simulator's control plane."""

    def say(path: str, body: dict[str, Any]) -> Any:
        answer = httpx.post(
            settings.stripe_api_base + path,
            json=body,
            headers={"Authorization": f"Bearer {settings.stripe_api_key}"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()

    return say


@pytest.fixture
def payments(
    sessions: sessionmaker[Session], gateway: StripeGateway, settings: Settings
) -> PaymentActivities:
    return PaymentActivities(sessions, gateway, settings)


@pytest.fixture
def paying(office: Office, gateway: StripeGateway, simulator: Callable[[str, dict[str, Any]], Any]) -> str:
    """A collaboration with one open attempt to a real account of the simulator, funds at hand."""
    office.clock = datetime.now(UTC) - timedelta(days=3, minutes=1)  # the parcel takes three days
    office.open()
    collaboration_id = office.payable()
    account = gateway.create_account(collaboration_id, "US", None, f"account:{collaboration_id}")
    simulator(f"/_sim/accounts/{account}/onboard", {"outcome": "active"})
    simulator("/_sim/fund", {"amount": 1_000_000, "currency": "usd"})
    office.payee(collaboration_id, account)
    report = office.report(collaboration_id, destination=account)
    office.must(collaboration_id, OpenAttempt(report_id=report))
    return collaboration_id
