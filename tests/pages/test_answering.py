"""Yes and no through the page, on a real workflow: errors keep what was typed, nothing counts twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

from sqlalchemy import func, select

from domain.campaign import CampaignStatus
from domain.commands import Ship
from domain.decisions.fulfilment import current_shipment
from domain.offer import CampaignType
from domain.stages import Stage
from infra.tables import Answer, Campaign, Event, Shipment, Variant
from infra.vault import answer_of
from tests.pages.conftest import Browser
from tests.pages.engine import Engine
from tests.pages.studio import BRAND, Studio

HOME = {
    "legal_name": "Ada Byron",
    "country": "DE",
    "street_address": "Ringweg 7",
    "postal_code": "07743",
    "city": "Jena",
    "consent": "yes",
}


def yes(studio: Studio, **other: str) -> dict[str, str]:
    return HOME | {"variant": studio.variant_ids[0]} | other


def count(studio: Studio, table: type, of: str) -> int:
    with studio.sessions() as session:
        query = select(func.count()).select_from(table).where(table.collaboration_id == of)
        return session.scalar(query) or 0


def test_yes_is_kept_sealed_and_leads_to_the_status_page(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    answer = browser.send(path, "accept", **yes(studio, recipient="Studio Ada"))
    assert answer.status_code == 303
    page = browser.open(answer.headers["location"])
    assert "Your parcel is being made ready" in page.text
    assert "Thank you, that is settled" in page.text
    assert "S••• A•••, 07••• Jena, Germany" in page.text
    assert "Ringweg" not in page.text
    state = studio.state(of)
    assert state.stage is Stage.PREPARING
    with studio.sessions() as session:
        kept = answer_of(session, studio.vault, state.answer_id or "")
        row = session.get_one(Answer, state.answer_id)
    assert kept.legal_name == "Ada Byron"
    assert kept.consent
    assert kept.address is not None
    assert kept.address.lines == ["Ringweg 7"]
    assert kept.ip == "testclient"
    assert row.offer_sha256
    assert b"Byron" not in row.sealed


def test_everything_that_is_missing_is_said_at_once_and_nothing_typed_is_lost(
    studio: Studio, browser: Browser
) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of)
    page = browser.send(path, "accept", legal_name="Ada <b>Byron</b>", country="DE", postal_code="ABC")
    assert page.status_code == 422
    for sentence in (
        "Please choose one.",
        "Street and number: please fill this in.",
        "Town or city: please fill this in.",
        "Postcode: this does not look right for this country.",
        "Please read the terms, and tick the box",
        "Nothing you typed is lost.",
    ):
        assert sentence in page.text
    assert 'value="Ada &lt;b&gt;Byron&lt;/b&gt;"' in page.text
    assert 'value="ABC"' in page.text
    assert 'href="#accept-postal_code"' in page.text
    assert studio.state(of).stage is Stage.INVITED
    assert count(studio, Answer, of) == 0


def test_each_country_has_its_own_fields_without_script(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of)
    page = browser.send(path, "accept", country="US", then="country", legal_name="Ada Byron")
    assert page.status_code == 200
    assert "ZIP code" in page.text
    assert ">California<" in page.text
    assert 'value="Ada Byron"' in page.text
    assert count(studio, Answer, of) == 0
    fragment = browser.open(f"{path}/fields?country=JP&form=accept")
    assert "Prefecture" in fragment.text
    assert "Tokyo (東京都)" in fragment.text
    assert browser.open(f"{path}/fields?country=XX&form=accept").status_code == 404


def test_a_country_that_is_not_shipped_to_is_refused(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign(ships_to=("US", "CA")), country="US", zone="America/New_York")
    page = browser.open(studio.link(of))
    assert "ships only to the countries in this list" in page.text
    assert ">Germany<" not in page.text
    refused = browser.send(studio.link(of), "accept", **yes(studio))
    assert refused.status_code == 422
    assert "This campaign does not ship to this country." in refused.text


def test_a_double_click_is_one_yes(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    form = browser.form(browser.open(path), "accept") | yes(studio)
    with ThreadPoolExecutor(4) as clicks:
        answers = list(clicks.map(lambda _: browser.client.post(f"{path}/accept", data=form), range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert count(studio, Answer, of) == 1
    assert count(studio, Shipment, of) == 1
    with studio.sessions() as session:
        names = session.scalars(select(Event.name).where(Event.collaboration_id == of)).all()
    assert names.count("offer_accepted") == 1


def test_the_back_button_gives_the_same_answer_and_a_stale_tab_sees_how_things_stand(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    first, second = browser.open(path), browser.open(path)
    form = browser.form(first, "accept") | yes(studio)
    done = browser.client.post(f"{path}/accept", data=form)
    again = browser.client.post(f"{path}/accept", data=form)
    assert again.headers["location"] == done.headers["location"]
    stale = browser.client.post(f"{path}/decline", data=browser.form(second, "decline") | {"reason": "other"})
    assert stale.status_code == 409
    assert "This was already done." in stale.text
    assert "Your parcel is being made ready" in stale.text
    assert studio.state(of).stage is Stage.PREPARING


def test_no_with_a_reason(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    unsaid = browser.send(path, "decline", note="I am away in May")
    assert unsaid.status_code == 422
    assert "Please choose a reason." in unsaid.text
    assert "I am away in May" in unsaid.text
    answer = browser.send(path, "decline", reason="timing", note="I am away in May")
    page = browser.open(answer.headers["location"])
    assert "You said no, and that is fine" in page.text
    assert studio.state(of).stage is Stage.DECLINED
    with studio.sessions() as session:
        row = session.scalars(select(Answer).where(Answer.collaboration_id == of)).one()
        assert answer_of(session, studio.vault, row.id).note == "I am away in May"


def test_sold_out_variants_are_shown_as_such_and_the_last_yes_is_kept(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    campaign = studio.campaign()
    path = studio.link(studio.invited(campaign))
    page = browser.open(path)
    gone = re.search(r'value="([^"]+)"[^>]*disabled>\s*<span>Oat Serum, Travel set', page.text)
    assert gone
    refused = browser.send(path, "accept", **yes(studio, variant=gone.group(1)))
    assert refused.status_code == 422
    assert "This one is gone by now." in refused.text
    with studio.sessions.begin() as session:
        for variant_id in studio.variant_ids:
            variant = session.get_one(Variant, variant_id)
            variant.reserved = variant.stock
    of = engine.adopt(studio, studio.invited(campaign))
    path = studio.link(of)
    assert "You can still say yes: your yes is kept" in unescape(browser.open(path).text)
    answer = browser.send(path, "accept", **yes(studio))
    page = browser.open(answer.headers["location"])
    assert "Your yes is kept" in page.text
    assert studio.state(of).stage is Stage.WAITLISTED


def test_a_paused_and_a_closed_campaign_say_so(studio: Studio, browser: Browser, engine: Engine) -> None:
    campaign = studio.campaign()
    of = engine.adopt(studio, studio.invited(campaign))
    path = studio.link(of)
    form = browser.form(browser.open(path), "accept") | yes(studio)
    for status, words in ((CampaignStatus.PAUSED, "is paused"), (CampaignStatus.CLOSED, "no new answers")):
        with studio.sessions.begin() as session:
            session.get_one(Campaign, campaign).status = status
        page = browser.open(path)
        assert words in page.text
        assert "/accept" not in page.text
        assert "/decline" in page.text
    refused = browser.client.post(f"{path}/accept", data=form)
    assert refused.status_code == 409
    assert "This campaign takes no new answers any more." in refused.text
    assert studio.state(of).stage is Stage.INVITED


def test_a_paid_campaign_asks_no_address(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign(CampaignType.PAID)))
    path = studio.link(of)
    assert "postal_code" not in browser.open(path).text
    answer = browser.send(path, "accept", legal_name="Ada Byron", consent="yes")
    assert "Time to create" in browser.open(answer.headers["location"]).text


def test_the_terms_are_there_in_full_and_to_download(studio: Studio, browser: Browser) -> None:
    import hashlib

    path = studio.link(studio.invited(studio.campaign()))
    page = browser.open(path)
    terms = browser.open(f"{path}/terms.txt")
    assert terms.headers["content-type"].startswith("text/plain")
    assert "attachment" in terms.headers["content-disposition"]
    assert hashlib.sha256(terms.content).hexdigest() in page.text
    assert "WHEN YOU ARE PAID" in unescape(page.text)


def test_the_address_can_be_corrected_while_the_parcel_is_here(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.accepted(studio.campaign()))
    path = studio.link(of)
    new = HOME | {"street_address": "Marktplatz 1", "city": "Weimar", "postal_code": "99423"}
    answer = browser.send(path, "address", **new)
    page = browser.open(answer.headers["location"])
    assert "The parcel goes to the new address." in page.text
    assert "99••• Weimar" in page.text
    engine.give(studio, of, Ship(shipment_id=current_shipment(studio.state(of))), BRAND)
    assert "/address" not in browser.open(path).text


def test_a_slow_worker_gets_a_page_that_waits_and_the_same_form_counts_once(
    studio: Studio, browser: Browser, running_engine: Engine
) -> None:
    of = running_engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    form = browser.form(browser.open(path), "accept") | yes(studio)
    waiting = browser.client.post(f"{path}/accept", data=form)
    assert waiting.status_code == 202
    assert "We are on it" in waiting.text
    assert browser.form(waiting, "accept") == form
    look = unescape(re.search(r'data-wait="([^"]+)"', waiting.text)[1])
    assert browser.open(look).json()["done"] is False
    running_engine.start()
    try:
        again = browser.client.post(f"{path}/accept", data=form)
        assert again.status_code == 303
        assert browser.open(look).json()["done"] is True
    finally:
        running_engine.stop()
    assert count(studio, Answer, of) == 1
    assert studio.state(of).stage is Stage.PREPARING
