"""Pages about posts in a real browser: trying a caption, showing a proof, and reviewing; for everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.roles import Role
from infra.settings import Settings
from infra.tables import Creator
from tests.browser.conftest import shoot
from tests.browser.test_accessible import OTHER_VIEWS, VIEWS, check_views
from tests.pages.studio import Studio


@pytest.fixture
def ops(page_of: Callable[[Role], Any]) -> Any:
    """The page of somebody of ops who is signed in."""
    return page_of(Role.OPS)


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


def test_a_post_is_reviewed(ops: Any, team_studio: Studio, served_settings: Settings) -> None:
    of = team_studio.unsure(team_studio.campaign())
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


def test_a_finding_after_the_payment_is_reviewed(
    ops: Any, team_studio: Studio, served_settings: Settings
) -> None:
    of = team_studio.changed_after_payment(team_studio.campaign())
    ops.goto(f"{served_settings.public_url}/console/reviews/{of}")
    ops.get_by_role("heading", name="Settle what was found").wait_for()
    shoot(ops, "settle")
    check_views(ops, VIEWS)


def test_a_creator_tries_a_caption(page: Any, team_studio: Studio, served_settings: Settings) -> None:
    of = team_studio.in_production(team_studio.campaign())
    with team_studio.sessions.begin() as session:
        session.get_one(Creator, team_studio.state(of).creator_id).country = "US"
    page.goto(served_settings.public_url + team_studio.link(of))
    page.get_by_text("Try your caption first").click()
    page.locator("#try-caption").fill("Oat serum, every morning. #sp")
    page.get_by_role("button", name="Check this text").click()
    page.locator(".verdict").wait_for()
    shoot(page, "try")
    check_views(page, VIEWS + OTHER_VIEWS)


def test_a_creator_shows_a_proof(page: Any, team_studio: Studio, served_settings: Settings) -> None:
    of = team_studio.posted(team_studio.campaign())
    seen = {"url": team_studio.post_url, "caption": "Ad: oats", "unknown": ["overlay_text"]}
    team_studio.check(of, "needs_review", {"reason": "proof_needed"}, seen)
    page.goto(served_settings.public_url + team_studio.link(of))
    page.get_by_role("heading", name="Show us your post", exact=True).wait_for()
    shoot(page, "proof")
    check_views(page, VIEWS + OTHER_VIEWS)
