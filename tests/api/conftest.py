"""The application over the run's real database, a brand of one's own for each test, keys of every role."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api.main import create_app
from domain.roles import Actor, ActorKind, Role
from infra.api_keys import make_key
from infra.brands import NewBrand, found_brand
from infra.settings import Settings

WEBHOOK_SECRETS = {
    "stripe_webhook_secret": "whsec_platform_0123456789abcdef",
    "stripe_connect_webhook_secret": "whsec_connect_0123456789abcdef",
    "stripe_thin_webhook_secret": "whsec_thin_0123456789abcdef",
    "carrier_webhook_secret": "carrier-secret-0123456789abcdef0123",
    "stripe_api_key": "sk_test_handsel_0123456789abcdef",
}


@pytest.fixture(scope="session")
def api_settings(settings: Settings) -> Settings:
    """The stack's settings with webhook secrets that the tests know."""
    return settings.model_copy(update=WEBHOOK_SECRETS)


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Logs of servers in threads go where no test reads a command's output."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))


@pytest.fixture(scope="session")
def app(api_settings: Settings) -> FastAPI:
    return create_app(api_settings)


@pytest.fixture(scope="session")
def web(app: FastAPI) -> Iterator[TestClient]:
    """The running application, called without a key."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def address(api_settings: Settings) -> Iterator[str]:
    """The same application behind a real server on loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(api_settings), log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def sessions(web: TestClient, app: FastAPI) -> sessionmaker[Session]:
    return app.state.sessions


@dataclass
class Tenant:
    """A brand, and one key of each role."""

    id: str
    keys: dict[Role, str]
    web: TestClient

    def call(self, method: str, path: str, role: Role = Role.OWNER, **options: Any) -> httpx.Response:
        """Call the API with this brand's key of a role."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"} | options.pop("headers", {})
        return self.web.request(method, f"/api/v1{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """Read as owner; the answer must be good."""
        answer = self.call("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, json: Any = None, status: int = 201, **options: Any) -> Any:
        """Post as owner; the answer must have this status."""
        answer = self.call("POST", path, json=json, **options)
        assert answer.status_code == status, answer.text
        return answer.json()


def make_tenant(sessions: sessionmaker[Session], web: TestClient, name: str) -> Tenant:
    new = NewBrand(
        name=name,
        sender_name=name,
        sender_email="team@lumen.example",
        currency="USD",
        postal_address="1 Way, Town",
        owner_name="Olga Owner",
        owner_email="olga@lumen.example",
    )
    with sessions.begin() as session:
        founded = found_brand(session, new, mode="local")
        owner = Actor(kind=ActorKind.BRAND, id=founded.owner.id)
        keys = {
            role: make_key(
                session, mode="local", brand_id=founded.brand.id, name=role, role=role, by=owner
            ).secret
            for role in Role
        }
        return Tenant(founded.brand.id, keys, web)


@pytest.fixture
def brand(sessions: sessionmaker[Session], web: TestClient) -> Tenant:
    return make_tenant(sessions, web, "Lumen & Oak")


@pytest.fixture
def other(sessions: sessionmaker[Session], web: TestClient) -> Tenant:
    """Another brand of the same installation."""
    return make_tenant(sessions, web, "Rival & Sons")


def lamp(sku: str = "LAMP-OAK", stock: int = 10, cost: int = 0) -> dict[str, Any]:
    variant = {"name": "Oak", "sku": sku, "stock": stock, "retail_amount": 4800, "cost_amount": cost}
    return {"name": f"Lamp {sku}", "variants": [variant]}


def campaign_body(name: str = "Spring", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "currency": "USD",
        "budget": 100_000,
        "brief": {"summary": "Show the lamp in your room.", "hard_requirements": ["the lamp is lit"]},
        "offer": {
            "type": "gifting_paid",
            "fee": {"amount": 22_000, "currency": "USD"},
            "deliverables": [{"platform": "instagram", "format": "reel"}],
        },
        "variants": ["LAMP-OAK"],
        **changes,
    }


def creator_body(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "email": f"creator{number}@mail.example",
        "name": f"Creator Number{number}",
        "country": "DE",
        "language": "de",
        "accounts": [{"platform": "instagram", "handle": f"creator{number}", "followers": 4200 + number}],
        **changes,
    }
