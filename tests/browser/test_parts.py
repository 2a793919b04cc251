"""Payments in parts as people see them, in a real browser: the offer, the creator's page, finance's desk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from domain.commands import RecordReversal
from domain.ledger import payout_id
from domain.offer import FeeTail
from domain.payment_policy import LateFee, PaymentPolicy
from domain.policy import Policy
from domain.roles import Role
from domain.sign_in import How
from infra.sessions import Origin, open_session
from infra.settings import Settings
from infra.tables import Member
from tests.browser.test_accessible import VIEWS, check_views
from tests.browser.test_posts import page, served_sessions, shoot, studio, team  # noqa: F401 - fixtures
from tests.console.conftest import Team
from tests.pages.studio import STRIPE, Studio

TAILS = (FeeTail(percent=20, live_for="30d"),)
POLICY = Policy(payment=PaymentPolicy(late_fee=LateFee(after="2d", per_day=50)))


@pytest.fixture
def finance(page: Any, team: Team, served_sessions: sessionmaker[Session], served_settings: Settings) -> Any:  # noqa: F811
    """The page of somebody of finance who is signed in."""
    with served_sessions.begin() as session:
        member = session.get_one(Member, team.ids[Role.FINANCE])
        opened = open_session(
            session, served_settings, member, How.CODE, Origin("", "test"), datetime.now(UTC)
        )
    cookie = {"name": "handsel_session", "value": opened.secret, "url": served_settings.public_url}
    page.context.add_cookies([cookie])
    return page


def half_paid(studio: Studio) -> str:  # noqa: F811
    """The first part is paid, the tail waits."""
    return studio.completed(studio.campaign(policy=POLICY, tails=TAILS))


def test_an_offer_says_what_is_paid_when(page: Any, studio: Studio, served_settings: Settings) -> None:  # noqa: F811
    of = studio.invited(studio.campaign(policy=POLICY, tails=TAILS))
    page.goto(served_settings.public_url + studio.link(of))
    page.get_by_text("more once it has stayed online and marked for 30 days").first.wait_for()
    shoot(page, "parts-offer")
    check_views(page, VIEWS)


def test_a_creator_sees_what_is_paid_and_what_is_still_to_come(
    page: Any,  # noqa: F811
    studio: Studio,  # noqa: F811
    served_settings: Settings,
) -> None:
    of = half_paid(studio)
    page.goto(served_settings.public_url + studio.link(of))
    page.get_by_role("heading", name="Your post is fine, and the first part is paid").wait_for()
    page.get_by_text("For a post that stays online for 30 days").wait_for()
    shoot(page, "parts-creator")
    check_views(page, VIEWS)


def test_finance_sees_every_part_and_says_what_becomes_of_a_reversal(
    finance: Any,
    studio: Studio,  # noqa: F811
    served_settings: Settings,
) -> None:
    of = half_paid(studio)
    part = studio.state(of).parts[0]
    back = RecordReversal(payout_id=payout_id(of), transfer_id=part.transfer_id, total=5_000)
    studio.give(of, back, STRIPE)
    finance.goto(f"{served_settings.public_url}/console/payouts/{payout_id(of)}")
    finance.get_by_role("heading", name="All payments of this collaboration").wait_for()
    finance.get_by_text("for a post that stays live, live for 30 days").wait_for()
    finance.get_by_text("Settle what Stripe reversed").click()
    finance.get_by_label("What becomes of it").wait_for()
    shoot(finance, "parts-finance")
    check_views(finance, VIEWS)
