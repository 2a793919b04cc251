"""The console in a real browser: sign-in through the mailbox, a second person, by keyboard, for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from api.console.frame import console_of
from api.console.limits import ConsoleLimits
from domain.roles import Role
from infra.settings import Settings
from infra.setup import setup_address
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_accessible import OTHER_VIEWS, VIEWS, Views, check_views, violations
from tests.browser.test_by_hand import focused, tab_to
from tests.conftest import RunningStack
from tests.console.conftest import Mailbox, Team


@pytest.fixture
def served_sessions(served: FastAPI) -> sessionmaker[Session]:
    console_of(served).limits = ConsoleLimits()
    return served.state.sessions


@pytest.fixture
def mailbox(
    served_sessions: sessionmaker[Session], served_settings: Settings, stack: RunningStack
) -> Mailbox:
    return Mailbox(served_sessions, served_settings, stack.mailbox_url)


Visit = Callable[..., Any]


@pytest.fixture
def visit(chromium: Any, served_settings: Settings) -> Iterator[Visit]:
    """Opens pages of the console in browsers of their own; complaints of the browser fail the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_(path: str = "/console", size: dict[str, int] = DESK, **options: Any) -> Any:
        context = chromium.new_context(viewport=size, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if "Policy" in said.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served_settings.public_url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Any, mailbox: Mailbox, email: str) -> None:
    """By the code that is mailed."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Mail me a code").click()
    page.get_by_role("heading", name="Look into your mail").wait_for()
    page.get_by_label("Code").fill(mailbox.code(email))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Hello").wait_for()


def test_an_owner_signs_in_and_a_second_person_joins(team: Team, visit: Visit, mailbox: Mailbox) -> None:
    owner = visit()
    sign_in(owner, mailbox, team.emails[Role.OWNER])
    owner.get_by_role("link", name="People").first.click()
    owner.get_by_label("Name").fill("Fay Finance")
    email = f"fay.{team.brand_id[-8:]}@lumen.example"
    owner.get_by_label("E-mail address").fill(email)
    owner.locator("#invite-role").select_option("finance")
    owner.get_by_role("button", name="Send the invitation").dblclick()
    owner.get_by_text("The invitation is on its way.").wait_for()
    assert "done=" not in owner.url
    fay = visit(mailbox.link(email), PHONE)
    fay.get_by_role("heading", name="Join Lumen & Oak").wait_for()
    fay.get_by_role("button", name="Join Lumen & Oak").click()
    fay.get_by_text("Welcome. You are a member now.").wait_for()
    assert len(mailbox.letters(email)) == 1
    fay.get_by_text("Menu").click()
    fay.get_by_role("link", name="People").click()
    fay.get_by_text("Only an owner can change it.").wait_for()
    assert fay.get_by_role("link", name="API keys").count() == 0
    owner.get_by_role("link", name="People").first.click()
    owner.get_by_role("link", name="Fay Finance").click()
    owner.get_by_role("button", name="Remove Fay Finance").click()
    owner.get_by_text("The person is removed and signed out.").wait_for()
    fay.reload()
    fay.get_by_role("heading", name="Sign in").wait_for()


def test_a_link_lets_another_device_in(team: Team, visit: Visit, mailbox: Mailbox) -> None:
    email = team.emails[Role.OPS]
    desk = visit("/console/people")
    desk.get_by_label("E-mail address").fill(email)
    desk.get_by_role("button", name="Mail me a code").click()
    desk.get_by_role("heading", name="Look into your mail").wait_for()
    phone = visit(mailbox.link(email), PHONE)
    phone.get_by_text("You asked for this in another browser.").wait_for()
    phone.get_by_role("button", name="Sign in").click()
    phone.get_by_role("heading", name="People").wait_for()


def test_everything_by_keyboard(team: Team, visit: Visit, mailbox: Mailbox) -> None:
    page = visit("/console/keys")
    tab_to(page, "email")
    page.keyboard.type(team.emails[Role.OWNER])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Look into your mail").wait_for()
    tab_to(page, "code")
    page.keyboard.type("12345678")
    page.keyboard.press("Enter")
    summary = page.locator(".summary")
    summary.wait_for()
    assert page.evaluate("document.activeElement.className") == "summary"
    assert violations(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "code"
    page.keyboard.type(mailbox.code(team.emails[Role.OWNER]))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="API keys").wait_for()
    page.reload()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    tab_to(page, "name")
    page.keyboard.type("warehouse")
    tab_to(page, "role")
    page.keyboard.type("ops")
    tab_to(page, "Make the key")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The key is made").wait_for()
    assert page.locator(".secret").inner_text().startswith("hs_local_")
    assert violations(page) == []
    tab_to(page, "I have stored it")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Revoke warehouse").wait_for()
    tab_to(page, "Revoke warehouse")
    page.keyboard.press("Enter")
    page.get_by_text("The key is revoked.").wait_for()


def test_without_script(team: Team, visit: Visit, mailbox: Mailbox) -> None:
    page = visit("/console/sign-ins", PHONE, java_script_enabled=False)
    page.get_by_label("E-mail address").fill(team.emails[Role.VIEWER])
    page.get_by_role("button", name="Mail me a code").click()
    page.get_by_label("Code").fill(mailbox.code(team.emails[Role.VIEWER]))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Sign-in log").wait_for()
    assert "UTC" in page.inner_text("table")
    page.get_by_label("Result").select_option("wrong_code")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("No line fits.").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()


PAGES = (
    "/console",
    "/console/brands",
    "/console/people",
    "/console/people/{member}",
    "/console/keys",
    "/console/brand",
    "/console/sessions",
    "/console/sign-ins",
    "/console/nothing",
)


@pytest.mark.parametrize(("role", "views"), [(Role.OWNER, VIEWS + OTHER_VIEWS), (Role.VIEWER, VIEWS)])
def test_every_page_is_accessible(
    role: Role, views: Views, team: Team, visit: Visit, mailbox: Mailbox
) -> None:
    page = visit()
    sign_in(page, mailbox, team.emails[role])
    address = page.url.partition("/console")[0]
    for path in PAGES:
        page.goto(address + path.format(member=team.ids[Role.OPS]))
        check_views(page, views)


def test_every_door_is_accessible(
    team: Team, visit: Visit, mailbox: Mailbox, served_settings: Settings
) -> None:
    page = visit("/console/sign-in", PHONE)
    check_views(page, VIEWS + OTHER_VIEWS)
    page.get_by_role("button", name="Mail me a code").click()
    page.get_by_text("Please look at this again").wait_for()
    check_views(page, VIEWS)
    page.get_by_label("E-mail address").fill(team.emails[Role.OPS])
    page.get_by_role("button", name="Mail me a code").click()
    page.get_by_role("heading", name="Look into your mail").wait_for()
    check_views(page, VIEWS + OTHER_VIEWS)
    page.goto(served_settings.public_url + mailbox.link(team.emails[Role.OPS]))
    check_views(page, VIEWS)
    page.goto(setup_address(served_settings))
    page.get_by_role("heading", name="This is set up").wait_for()
    check_views(page, VIEWS)
    page.goto(f"{served_settings.public_url}/console/join/nonsense")
    check_views(page, VIEWS)
