"""A real browser on a real server: Chromium where it is installed, skipped by name where it is not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from api.main import create_app
from domain.roles import Role
from domain.sign_in import How
from infra.sessions import Origin, open_session
from infra.settings import Settings
from infra.tables import Member
from tests.console.conftest import Team, found_team
from tests.pages.studio import Studio

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
SHOTS = os.environ.get("HANDSEL_SCREENSHOTS", "")
"""A folder to put pictures of pages into; none are made when it is not named."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="needs Chromium: apt-get install chromium"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def served_settings(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of an application on a port of its own, with a store that lets its pages upload.

    `rclone serve s3` knows one origin, that of the stack's own application; this one has another.
    """
    port, store_port = _free_port(), _free_port()
    address, store = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{store_port}"
    folder = tmp_path_factory.mktemp("objects")
    (folder / settings.s3_bucket).mkdir()
    keys = f"{settings.s3_access_key},{settings.s3_secret_key}"
    words = [
        str(Path(sysconfig.get_path("scripts")) / "rclone"),
        "serve",
        "s3",
        "--config=",
        "--auth-key",
        keys,
    ]
    words += ["--addr", f"127.0.0.1:{store_port}", "--allow-origin", address, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield settings.model_copy(
        update={"public_url": address, "api_port": port, "s3_endpoint": store, "s3_public_endpoint": ""}
    )
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def served(served_settings: Settings) -> Iterator[FastAPI]:
    """The application on a port of this machine."""
    app = create_app(served_settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=served_settings.api_port, log_config=None, access_log=False
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.05)
    yield app
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium(served: FastAPI) -> Iterator[Any]:
    """Chromium for one module: Playwright keeps an event loop running, which other tests must not meet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def studio(served: FastAPI, served_settings: Settings) -> Studio:
    return Studio(served.state.sessions, served.state.vault, served_settings).found()


@pytest.fixture
def served_sessions(served: FastAPI) -> sessionmaker[Session]:
    return served.state.sessions


@pytest.fixture
def team(served_sessions: sessionmaker[Session]) -> Team:
    """A brand with a member of each role."""
    return found_team(served_sessions, lambda **_: pytest.fail("a browser of another sort"))


@pytest.fixture
def team_studio(served: FastAPI, served_settings: Settings, team: Team) -> Studio:
    """The creators and campaigns of that brand."""
    return Studio(served.state.sessions, served.state.vault, served_settings).of_brand(team.brand_id)


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page on a phone; complaints of the browser fail the test."""
    context = chromium.new_context(viewport=PHONE)
    context.set_default_timeout(20_000)
    made = context.new_page()
    complaints: list[str] = []
    made.on("console", lambda said: complaints.append(said.text) if "Policy" in said.text else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    yield made
    context.close()
    assert complaints == []


@pytest.fixture
def page_of(
    page: Any, team: Team, served_sessions: sessionmaker[Session], served_settings: Settings
) -> Callable[[Role], Any]:
    """Signs a member of this role in, and gives the page."""

    def signed_in(role: Role) -> Any:
        with served_sessions.begin() as session:
            member = session.get_one(Member, team.ids[role])
            now = datetime.now(UTC)
            opened = open_session(session, served_settings, member, How.CODE, Origin("", "test"), now)
        cookie = {"name": "handsel_session", "value": opened.secret, "url": served_settings.public_url}
        page.context.add_cookies([cookie])
        return page

    return signed_in


def shoot(page: Any, name: str) -> None:
    """Pictures of a page, on a phone and on a desk."""
    if not SHOTS:
        return
    for size, where in ((PHONE, "phone"), (DESK, "desk")):
        page.set_viewport_size(size)
        page.screenshot(path=str(Path(SHOTS) / f"{name}-{where}.png"), full_page=True)
