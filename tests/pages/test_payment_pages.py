"""Setting up a payment: a link to Stripe made on the click, and why one is not paid yet."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from domain.commands import Flag
from domain.offer import CampaignType
from domain.stages import Stage
from infra.tables import Event, Notice, Payee
from tests.conftest import RunningStack
from tests.pages.conftest import Browser
from tests.pages.engine import Engine
from tests.pages.studio import Studio
from tests.records.arrivals import arrived


@pytest.fixture
def stripe_url(stack: RunningStack) -> str:
    if "stripe.main" not in stack.ports:
        pytest.skip("the Stripe simulator is not a part of this stack")
    return stack.url("stripe.main")


def test_the_link_is_made_on_the_click_and_kept_nowhere(
    studio: Studio, browser: Browser, stripe_url: str
) -> None:
    of = studio.waiting_for_account(studio.campaign())
    path = studio.link(of)
    page = browser.open(path)
    assert "Set up how you are paid" in page.text
    assert stripe_url not in page.text.replace(stripe_url + "/_", "")
    first = browser.client.post(f"{path}/payment")
    assert first.status_code == 303
    address = first.headers["location"]
    assert (
        f"{urlsplit(address).scheme}://{urlsplit(address).netloc}" in first.headers["content-security-policy"]
    )
    assert httpx.get(address).status_code == 200
    second = browser.client.post(f"{path}/payment").headers["location"]
    assert second != address, "each click makes its own link"
    with studio.sessions() as session:
        payees = session.scalars(select(Payee).where(Payee.creator_id == studio.state(of).creator_id)).all()
        assert len(payees) == 1, "one account, however often one clicks"
        notices = session.scalars(select(Notice).where(Notice.collaboration_id == of)).all()
    assert address not in repr([vars(notice) for notice in notices])
    again = browser.open(f"{path}/payment/refresh")
    assert again.status_code == 303
    assert again.headers["location"] not in (address, second)


def test_back_from_stripe_the_payment_looks_again(
    studio: Studio, browser: Browser, engine: Engine, stripe_url: str
) -> None:
    of = studio.waiting_for_account(studio.campaign())
    path = studio.link(of)
    browser.client.post(f"{path}/payment")
    unready = browser.open(f"{path}/payment/return")
    page = browser.open(unready.headers["location"])
    assert "Stripe has your details and still checks them" in page.text
    assert "Continue at Stripe" in page.text
    with studio.sessions() as session:
        account = session.get_one(Payee, studio.state(of).creator_id).stripe_account_id
    httpx.post(
        f"{stripe_url}/_sim/accounts/{account}/onboard",
        json={"outcome": "active"},
        headers={"Authorization": f"Bearer {studio.settings.stripe_api_key}"},
    ).raise_for_status()
    engine.adopt(studio, of)
    ready = browser.open(f"{path}/payment/return")
    page = browser.open(ready.headers["location"])
    assert "Your payment account is ready." in page.text
    assert "Ready to receive money" in page.text
    with studio.sessions() as session:
        names = session.scalars(select(Event.name).where(Event.collaboration_id == of)).all()
        assert session.get_one(Payee, studio.state(of).creator_id).can_receive
    assert "reassessment_asked" in names or "attempt_opened" in names


def test_why_am_i_not_paid_yet(studio: Studio, browser: Browser) -> None:
    of = studio.in_production(studio.campaign())
    page = browser.open(studio.link(of))
    assert "Why am I not paid yet?" in page.text
    for label in ("You accepted the terms", "The parcel arrived", "Your content is handed in"):
        assert label in page.text
    waiting = studio.waiting_for_account(studio.campaign())
    page = browser.open(studio.link(waiting))
    assert "Waits for you" in page.text
    assert "The creator has not set up a payment account yet." not in page.text, "said to, not about, them"


def test_who_waits_for_the_brand_is_told_so(studio: Studio, browser: Browser) -> None:
    of = studio.payable(studio.campaign())
    studio.payee(of)
    studio.report(of)
    studio.give(of, Flag(reason="funds_short"))
    page = browser.open(studio.link(of))
    assert "You need not do anything." in page.text
    assert "The payment waits for" in page.text


@pytest.mark.parametrize(
    ("currency", "amount", "rate", "said"),
    [
        ("EUR", 20_182, "0.917345", "201,82\xa0€ of it, at its rate 0.917345"),
        ("JPY", 32_862, "1.4937281", "32.862\xa0JP¥ of it, at its rate 1.4937281"),
        ("KWD", 67_566, "3.0712", "67,566\xa0KWD of it, at its rate 3.0712"),
    ],
)
def test_the_creator_sees_what_stripe_made_of_it(
    studio: Studio, browser: Browser, currency: str, amount: int, rate: str, said: str
) -> None:
    of = studio.paid(studio.campaign())
    assert "Stripe made" not in browser.open(studio.link(of)).text
    arrived(studio.sessions, of, studio.clock, amount=amount, currency=currency, rate=rate)
    assert said in browser.open(studio.link(of)).text


def test_what_was_not_converted_is_not_said_twice(studio: Studio, browser: Browser) -> None:
    of = studio.paid(studio.campaign())
    arrived(studio.sessions, of, studio.clock, rate="")
    assert "Stripe made" not in browser.open(studio.link(of)).text


def test_a_gift_has_no_payment(studio: Studio, browser: Browser, stripe_url: str) -> None:
    of = studio.shipped(studio.campaign(CampaignType.GIFTING))
    path = studio.link(of)
    assert "Your payment" not in browser.open(path).text
    assert browser.client.post(f"{path}/payment").headers["location"] == path
    with studio.sessions() as session:
        assert session.get(Payee, studio.state(of).creator_id) is None


def test_an_invited_creator_sets_nothing_up(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of)
    assert browser.client.post(f"{path}/payment").headers["location"] == path


def test_stripe_away_is_said_and_nothing_is_lost(studio: Studio, browser: Browser) -> None:
    from activities.adapters.stripe_gateway import StripeGateway
    from api.pages.desk import desk_of

    desk = desk_of(browser.app)
    away = StripeGateway("sk_test_away", "http://127.0.0.1:9", "v2", timeout=1, loopback_only=True)
    desk.__dict__["gateway"] = away
    try:
        of = studio.waiting_for_account(studio.campaign())
        page = browser.client.post(f"{studio.link(of)}/payment")
    finally:
        del desk.__dict__["gateway"]
    assert page.status_code == 503
    assert "Nothing is lost" in page.text
    assert studio.state(of).stage is Stage.PAYABLE
