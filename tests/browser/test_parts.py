"""Payments in parts as people see them, in a real browser: the offer, the creator's page, finance's desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.commands import RecordReversal
from domain.ledger import payout_id
from domain.offer import FeeTail
from domain.payment_policy import LateFee, PaymentPolicy
from domain.policy import Policy
from domain.roles import Role
from infra.settings import Settings
from tests.browser.conftest import shoot
from tests.browser.test_accessible import VIEWS, check_views
from tests.pages.studio import STRIPE, Studio

TAILS = (FeeTail(percent=20, live_for="30d"),)
POLICY = Policy(payment=PaymentPolicy(late_fee=LateFee(after="2d", per_day=50)))


@pytest.fixture
def finance(page_of: Callable[[Role], Any]) -> Any:
    """The page of somebody of finance who is signed in."""
    return page_of(Role.FINANCE)


def half_paid(team_studio: Studio) -> str:
    """The first part is paid, the tail waits."""
    return team_studio.completed(team_studio.campaign(policy=POLICY, tails=TAILS))


def test_an_offer_says_what_is_paid_when(page: Any, team_studio: Studio, served_settings: Settings) -> None:
    of = team_studio.invited(team_studio.campaign(policy=POLICY, tails=TAILS))
    page.goto(served_settings.public_url + team_studio.link(of))
    page.get_by_text("more once it has stayed online and marked for 30 days").first.wait_for()
    shoot(page, "parts-offer")
    check_views(page, VIEWS)


def test_a_creator_sees_what_is_paid_and_what_is_still_to_come(
    page: Any,
    team_studio: Studio,
    served_settings: Settings,
) -> None:
    of = half_paid(team_studio)
    page.goto(served_settings.public_url + team_studio.link(of))
    page.get_by_role("heading", name="Your post is fine, and the first part is paid").wait_for()
    page.get_by_text("For a post that stays online for 30 days").wait_for()
    shoot(page, "parts-creator")
    check_views(page, VIEWS)


def test_finance_sees_every_part_and_says_what_becomes_of_a_reversal(
    finance: Any,
    team_studio: Studio,
    served_settings: Settings,
) -> None:
    of = half_paid(team_studio)
    part = team_studio.state(of).parts[0]
    back = RecordReversal(payout_id=payout_id(of), transfer_id=part.transfer_id, total=5_000)
    team_studio.give(of, back, STRIPE)
    finance.goto(f"{served_settings.public_url}/console/payouts/{payout_id(of)}")
    finance.get_by_role("heading", name="All payments of this collaboration").wait_for()
    finance.get_by_text("for a post that stays live, live for 30 days").wait_for()
    finance.get_by_text("Settle what Stripe reversed").click()
    finance.get_by_label("What becomes of it").wait_for()
    shoot(finance, "parts-finance")
    check_views(finance, VIEWS)
