"""Pages about posts in a real browser: trying a caption, showing a proof, and reviewing; for everybody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from domain.sign_in import How
from infra.sessions import Origin, open_session
from infra.settings import Settings
from infra.tables import Creator, Member
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_accessible import OTHER_VIEWS, VIEWS, check_views
from tests.console.conftest import Team, found_team
from tests.pages.studio import Studio

SHOTS = os.environ.get("HANDSEL_SCREENSHOTS", "")
"""A folder to put pictures of these pages into; none are made when it is not named."""


@pytest.fixture
def served_sessions(served: FastAPI) -> sessionmaker[Session]:
    return served.state.sessions


@pytest.fixture
def team(served_sessions: sessionmaker[Session]) -> Team:
    return found_team(served_sessions, lambda **_: pytest.fail("a browser of another sort"))


@pytest.fixture
def studio(served: FastAPI, served_settings: Settings, team: Team) -> Studio:
    return Studio(served.state.sessions, served.state.vault, served_settings).of_brand(team.brand_id)


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
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
def ops(page: Any, team: Team, served_sessions: sessionmaker[Session], served_settings: Settings) -> Any:
    """The page of somebody of ops who is signed in."""
    with served_sessions.begin() as session:
        member = session.get_one(Member, team.ids[Role.OPS])
        now = datetime.now(UTC)
        opened = open_session(session, served_settings, member, How.CODE, Origin("", "test"), now)
    cookie = {"name": "handsel_session", "value": opened.secret, "url": served_settings.public_url}
    page.context.add_cookies([cookie])
    return page


def shoot(page: Any, name: str) -> None:
    """Pictures of a page, on a phone and on a desk."""
    if not SHOTS:
        return
    for size, where in ((PHONE, "phone"), (DESK, "desk")):
        page.set_viewport_size(size)
        page.screenshot(path=str(Path(SHOTS) / f"{name}-{where}.png"), full_page=True)


def test_a_caption_is_checked_by_keyboard_and_by_everybody(ops: Any, served_settings: Settings) -> None:
    ops.goto(f"{served_settings.public_url}/console/disclosure")
    ops.get_by_label("Caption").fill("Soup, finally.\nThanks to @kelpiekettles! #spon")
    ops.get_by_label("Countries").fill("US")
    ops.locator("#caption-brand_name").fill("Kelpie Kettles")
    ops.get_by_role("button", name="Check", exact=True).press("Enter")
    ops.get_by_role("heading", name="The answer").wait_for()
    assert ops.locator("mark").inner_text() in ("#spon", "Thanks to @kelpiekettles")
    shoot(ops, "caption")
    check_views(ops, VIEWS + OTHER_VIEWS)


def test_a_post_is_reviewed(ops: Any, studio: Studio, served_settings: Settings) -> None:
    of = studio.unsure(studio.campaign())
    ops.goto(f"{served_settings.public_url}/console/reviews")
    check_views(ops, VIEWS)
    shoot(ops, "reviews")
    ops.locator(f'a[href="/console/reviews/{of}"]').click()
    ops.get_by_role("heading", name="Accept the post").wait_for()
    shoot(ops, "review")
    check_views(ops, VIEWS + OTHER_VIEWS)
    ops.locator("#accept").get_by_role("button").click()
    ops.get_by_text("Please choose.").first.wait_for()
    check_views(ops, VIEWS)


def test_a_finding_after_the_payment_is_reviewed(ops: Any, studio: Studio, served_settings: Settings) -> None:
    of = studio.changed_after_payment(studio.campaign())
    ops.goto(f"{served_settings.public_url}/console/reviews/{of}")
    ops.get_by_role("heading", name="Settle what was found").wait_for()
    shoot(ops, "settle")
    check_views(ops, VIEWS)


def test_a_creator_tries_a_caption(page: Any, studio: Studio, served_settings: Settings) -> None:
    of = studio.in_production(studio.campaign())
    with studio.sessions.begin() as session:
        session.get_one(Creator, studio.state(of).creator_id).country = "US"
    page.goto(served_settings.public_url + studio.link(of))
    page.get_by_text("Try your caption first").click()
    page.locator("#try-caption").fill("Oat serum, every morning. #sp")
    page.get_by_role("button", name="Check this text").click()
    page.locator(".verdict").wait_for()
    shoot(page, "try")
    check_views(page, VIEWS + OTHER_VIEWS)


def test_a_creator_shows_a_proof(page: Any, studio: Studio, served_settings: Settings) -> None:
    of = studio.posted(studio.campaign())
    seen = {"url": studio.post_url, "caption": "Ad: oats", "unknown": ["overlay_text"]}
    studio.check(of, "needs_review", {"reason": "proof_needed"}, seen)
    page.goto(served_settings.public_url + studio.link(of))
    page.get_by_role("heading", name="Show us your post", exact=True).wait_for()
    shoot(page, "proof")
    check_views(page, VIEWS + OTHER_VIEWS)
