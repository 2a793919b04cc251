"""The application over the run's real database and stores, and a studio of one's own for each module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.main import create_app
from api.pages.desk import desk_of
from api.pages.limits import Limits
from infra.settings import Settings
from tests.pages.engine import Engine
from tests.pages.studio import Studio

HOSTS = dict.fromkeys(("instagram", "tiktok", "youtube"), "http://127.0.0.1:9999")


@pytest.fixture(scope="session")
def pages_settings(settings: Settings) -> Settings:
    """The stack's settings, with hosts of posts that the tests know."""
    return settings.model_copy(update={"post_hosts": settings.post_hosts or HOSTS})


@pytest.fixture(scope="session")
def app(pages_settings: Settings) -> FastAPI:
    return create_app(pages_settings)


@pytest.fixture(scope="session")
def web(app: FastAPI) -> Iterator[TestClient]:
    """The running application. One client is one browser: it keeps cookies."""
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def studio(web: TestClient, app: FastAPI, pages_settings: Settings) -> Studio:
    return Studio(app.state.sessions, app.state.vault, pages_settings).found()


@dataclass
class Browser:
    """A browser without script: it keeps its cookie, opens pages, and sends the forms that stand on them."""

    app: FastAPI
    cookies: dict[str, str] = field(default_factory=dict)
    base: str = "http://testserver"

    def __post_init__(self) -> None:
        self.client = TestClient(
            self.app, base_url=self.base, raise_server_exceptions=False, follow_redirects=False
        )

    def open(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def form(self, page: httpx.Response, name: str) -> dict[str, Any]:
        """The hidden fields of a form of this page."""
        found = re.search(rf'<form[^>]*action="[^"]*/{name}"[^>]*>(.*?)</form>', page.text, re.DOTALL)
        assert found, f"no form {name} on this page"
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found.group(1))
        return {key: unescape(value) for key, value in hidden}

    def send(self, path: str, name: str, **typed: Any) -> httpx.Response:
        """Open the page, fill in the form, and send it."""
        page = self.open(path)
        assert page.status_code == 200, page.text
        return self.client.post(f"{path}/{name}", data=self.form(page, name) | typed)


@pytest.fixture
def browser(app: FastAPI, web: TestClient) -> Browser:
    """A browser of one's own, at an address that nobody has tried anything from."""
    desk_of(app).limits = Limits()
    return Browser(app)


@pytest.fixture
def other_browser(app: FastAPI, web: TestClient) -> Browser:
    return Browser(app)


@pytest.fixture(scope="session")
def running_engine(pages_settings: Settings) -> Iterator[Engine]:
    """The workers of this run."""
    engine = Engine(pages_settings)
    yield engine
    engine.close()


@pytest.fixture
def engine(running_engine: Engine) -> Iterator[Engine]:
    """The workers, working."""
    running_engine.start()
    yield running_engine
    running_engine.stop()
