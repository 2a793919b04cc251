"""The application over the run's real database, people of every role, and browsers that keep cookies."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.mailer import SmtpMailer
from activities.staff_mails import StaffMails
from api.console.frame import console_of
from api.console.limits import ConsoleLimits
from api.main import create_app
from domain.roles import HANDSEL, Role
from infra.brands import NewBrand, write_brand
from infra.members import add_member
from infra.settings import Settings
from tests.conftest import RunningStack


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="session")
def web(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def sessions(web: TestClient, app: FastAPI) -> sessionmaker[Session]:
    console_of(app).limits = ConsoleLimits()
    return app.state.sessions


@dataclass
class Mailbox:
    """The pump of the staff's mails, run by hand, and the mailbox that they arrive in."""

    sessions: sessionmaker[Session]
    settings: Settings
    url: str

    def carry(self) -> list[str]:
        """Send what is due; the states that the mails came to."""
        pump = StaffMails(self.sessions, SmtpMailer(self.settings.smtp_url), self.settings)
        states = []
        while state := pump.carry_one():
            states.append(state)
        pump.mailer.close()
        return states

    def letters(self, to: str) -> list[dict[str, Any]]:
        """Every mail to this address, oldest first, with its text and HTML."""
        listed = httpx.get(f"{self.url}/messages.json", params={"to": to}).json()["messages"]
        return [httpx.get(f"{self.url}/messages/{one['id']}.json").json() for one in listed]

    def newest(self, to: str) -> dict[str, Any]:
        self.carry()
        return self.letters(to)[-1]

    def code(self, to: str) -> str:
        """The newest code that was mailed to this address, as it is written there."""
        found = re.search(r"^(\d{4} \d{4})\s*$", self.newest(to)["text"], re.MULTILINE)
        assert found, "no code in the newest mail"
        return found.group(1)

    def link(self, to: str) -> str:
        """The path of the newest link that was mailed to this address."""
        found = re.search(r"https?://[^/\s]+(/console/\S+)", self.newest(to)["text"])
        assert found, "no link in the newest mail"
        return found.group(1)


@pytest.fixture
def mailbox(sessions: sessionmaker[Session], settings: Settings, stack: RunningStack) -> Mailbox:
    return Mailbox(sessions, settings, stack.mailbox_url)


@dataclass
class Browser:
    """A browser without script: it keeps its cookies, opens pages, and sends the forms that stand on them."""

    app: FastAPI
    mailbox: Mailbox
    agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = TestClient(
            self.app,
            raise_server_exceptions=False,
            follow_redirects=False,
            headers={"User-Agent": self.agent},
        )

    def open(self, path: str, status: int = 200) -> httpx.Response:
        """Open a page; it must have this status."""
        page = self.client.get(path)
        assert page.status_code == status, f"{path}: {page.status_code}\n{page.text}"
        return page

    def send(self, path: str, action: str, status: int = 303, **typed: Any) -> httpx.Response:
        """Open the page, fill in the form that goes to `action`, and send it."""
        page = self.open(path)
        return self.post(action, status, **hidden_fields(page.text, action), **typed)

    def post(self, action: str, status: int = 303, **fields: Any) -> httpx.Response:
        """Send these fields; the answer must have this status."""
        answer = self.client.post(action, data=fields)
        assert answer.status_code == status, f"{action}: {answer.status_code}\n{answer.text}"
        return answer

    def sign_in(self, email: str) -> httpx.Response:
        """All the way from the address to the page that one lands on."""
        self.send("/console/sign-in", "/console/sign-in", email=email)
        code = self.mailbox.code(email)
        return self.send("/console/sign-in/code", "/console/sign-in/code", code=code)


def hidden_fields(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form of this page that goes to `action`."""
    found = re.search(
        rf'<form method="post"[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.DOTALL
    )
    assert found, f"no form to {action} on this page:\n{text}"
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found.group(1))
    return {name: unescape(value) for name, value in fields}


@pytest.fixture
def new_browser(app: FastAPI, mailbox: Mailbox) -> Callable[..., Browser]:
    return lambda **facts: Browser(app, mailbox, **facts)


@pytest.fixture
def browser(new_browser: Callable[..., Browser]) -> Browser:
    return new_browser()


@dataclass
class Team:
    """A brand with one member of each role, each with an address that nobody else has."""

    brand_id: str
    name: str
    emails: dict[Role, str]
    ids: dict[Role, str]
    new_browser: Callable[..., Browser]

    def signed_in(self, role: Role = Role.OWNER) -> Browser:
        """A browser in which the member of this role is signed in."""
        browser = self.new_browser()
        browser.sign_in(self.emails[role])
        return browser


def found_team(
    sessions: sessionmaker[Session], new_browser: Callable[..., Browser], name: str = "Lumen & Oak"
) -> Team:
    mark = secrets.token_hex(5)
    emails = {role: f"{role}.{mark}@lumen.example" for role in Role}
    new = NewBrand(
        name=name,
        sender_name=name,
        sender_email="team@lumen.example",
        currency="USD",
        owner_name="Olga Owner",
        owner_email=emails[Role.OWNER],
    )
    with sessions.begin() as session:
        brand, owner = write_brand(session, new)
        ids = {Role.OWNER: owner.id}
        for role in (Role.OPS, Role.FINANCE, Role.VIEWER):
            who = add_member(session, brand.id, f"{role.title()} Person", emails[role], role, by=HANDSEL)
            ids[role] = who.id
        return Team(brand.id, brand.name, emails, ids, new_browser)


@pytest.fixture
def team(sessions: sessionmaker[Session], new_browser: Callable[..., Browser]) -> Team:
    return found_team(sessions, new_browser)


@pytest.fixture
def other_team(sessions: sessionmaker[Session], new_browser: Callable[..., Browser]) -> Team:
    """Another brand of the same installation."""
    return found_team(sessions, new_browser, "Rival & Sons")
