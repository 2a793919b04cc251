"""Links: forwarded, expired, revoked, garbled, forged; each gets a right page and gives nothing away."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from api.pages.desk import desk_of
from api.pages.limits import Window
from domain.commands import Decline, DeclineReason
from domain.ids import derived_id
from domain.stages import Stage
from infra.ids import new_id
from infra.links import issue, read_token, revoke, token_of, unsubscribe_token
from infra.tables import Answer, Link, Notice
from tests.pages.conftest import Browser
from tests.pages.engine import Engine
from tests.pages.studio import CREATOR, Studio
from tests.pages.test_answering import yes


def link_row(studio: Studio, path: str) -> Link:
    with studio.sessions() as session:
        return session.get_one(Link, read_token(path.removeprefix("/c/"), studio.settings.secret_key))


def test_nobody_learns_anything_from_a_token_that_is_none(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    good = studio.link(of).removeprefix("/c/")
    gone = token_of(new_id("link"), studio.settings.secret_key)
    forged = token_of(link_row(studio, f"/c/{good}").id, "another secret of thirty-two letters")
    desk_of(browser.app).limits.guesses_by_address.most = 1000
    texts = set()
    flipped = good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1]
    unsubscribe = unsubscribe_token(link_row(studio, f"/c/{good}").id, studio.settings.secret_key)
    for token in (good[:-1], flipped, forged, gone, unsubscribe, "x", "%00", "A" * 43, "é" * 43):
        page = browser.open(f"/c/{token}")
        assert page.status_code == 404, token
        texts.add(page.text)
        assert browser.client.post(f"/c/{token}/accept", data={"nonce": "x"}).status_code == 404
        assert browser.client.post(f"/c/{token}/fresh-link").status_code == 404
        assert browser.client.post(f"/c/{token}/uploads", json={"name": "a", "size": 1}).status_code == 404
    assert len(texts) == 1
    assert "This link does not work" in texts.pop()


def test_guessing_is_slowed_down(studio: Studio, browser: Browser) -> None:
    desk_of(browser.app).limits.guesses_by_address.most = 3
    answers = [browser.open(f"/c/{'A' * 42}{letter}") for letter in "BCDEFGH"]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "One moment, please" in answers[-1].text
    good = browser.open(studio.link(studio.invited(studio.campaign())))
    assert good.status_code == 200, "a good link still works from the same address"


def test_opening_a_link_changes_nothing(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of)
    before = studio.state(of)
    for method in ("GET", "HEAD"):
        for _ in range(3):
            assert browser.client.request(method, path).status_code == 200
    for form in ("accept", "decline", "withdraw", "payment", "fresh-link"):
        assert browser.open(f"{path}/{form}").headers["location"] == path
    assert studio.state(of) == before
    assert link_row(studio, path).browser_digest is None


def test_the_first_browser_that_acts_keeps_the_link(
    studio: Studio, browser: Browser, other_browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    form = other_browser.form(other_browser.open(path), "decline")
    assert browser.send(path, "accept", **yes(studio)).status_code == 303
    page = other_browser.open(path)
    assert page.status_code == 403
    assert "This link was used in another browser" in page.text
    for secret in ("Spring launch", "Ada", "Oat Serum", "Jena"):
        assert secret not in page.text
    refused = other_browser.client.post(f"{path}/decline", data=form | {"reason": "other"})
    assert refused.status_code == 403
    assert browser.open(path).status_code == 200
    assert studio.state(of).stage is Stage.PREPARING


def test_a_forwarded_link_can_only_send_a_fresh_one_to_its_owner(
    studio: Studio, browser: Browser, other_browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    browser.send(path, "accept", **yes(studio))
    assert "/fresh-link" in other_browser.open(path).text
    for _ in range(3):
        told = other_browser.client.post(f"{path}/fresh-link")
        assert told.status_code == 200
        assert "Please look into your mailbox" in told.text
    with studio.sessions() as session:
        query = select(Notice).where(Notice.collaboration_id == of, Notice.kind == "fresh_link")
        notices = session.scalars(query).all()
    assert len(notices) == 1, "asked three times within a minute, mailed once"
    assert notices[0].id == derived_id("notice", of, "fresh_link", 1)
    assert notices[0].state in ("queued", "sending", "sent")
    assert notices[0].message_id == f"<{notices[0].id}@hazel.example>"
    fresh = studio.link(of)
    assert other_browser.open(fresh).status_code == 200


def test_an_expired_link_offers_a_fresh_one(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of, life=timedelta(days=1), now=datetime.now(UTC) - timedelta(days=2))
    page = browser.open(path)
    assert page.status_code == 410
    assert "This link is too old" in page.text
    assert "/fresh-link" in page.text
    assert browser.client.post(f"{path}/accept", data={}).status_code == 410


def test_a_revoked_link_of_an_open_file_is_switched_off(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of)
    with studio.sessions.begin() as session:
        revoke(session, of)
    page = browser.open(path)
    assert page.status_code == 410
    assert "This link was switched off" in page.text
    assert browser.client.post(f"{path}/decline", data={}).status_code == 410


def test_the_link_of_a_closed_file_shows_its_end_and_acts_no_more(studio: Studio, browser: Browser) -> None:
    of = studio.invited(studio.campaign())
    path = studio.link(of)
    studio.give(of, Decline(reason=DeclineReason.TIMING), CREATOR)
    page = browser.open(path)
    assert page.status_code == 200
    assert "You said no, and that is fine" in page.text
    assert "<form" not in page.text
    acted = browser.client.post(f"{path}/accept", data={"nonce": "x"})
    assert acted.status_code == 303
    assert "This was already done." in browser.open(acted.headers["location"]).text


def test_a_link_is_for_one_collaboration(studio: Studio, browser: Browser) -> None:
    campaign = studio.campaign()
    one, other = studio.invited(campaign), studio.invited(campaign)
    form = browser.form(browser.open(studio.link(one)), "accept") | yes(studio)
    refused = browser.client.post(f"{studio.link(other)}/accept", data=form)
    assert refused.status_code == 400
    assert "This form is out of date." in refused.text
    assert 'value="Ada Byron"' in refused.text
    assert studio.state(other).stage is Stage.INVITED


def test_issuing_with_the_same_id_is_one_link(studio: Studio) -> None:
    of = studio.invited(studio.campaign())
    link_id = derived_id("link", of, "test")
    moment = datetime.now(UTC)
    for life in (timedelta(days=90), timedelta(days=1)):
        with studio.sessions.begin() as session:
            made = issue(
                session,
                collaboration_id=of,
                creator_id=studio.state(of).creator_id,
                now=moment,
                life=life,
                link_id=link_id,
            )
    assert made.id == link_id
    assert made.expires_at == moment + timedelta(days=90)


@pytest.mark.parametrize("path", ["", "/terms.txt", "/nothing/here"])
def test_every_answer_carries_the_headers_of_a_private_page(
    path: str, studio: Studio, browser: Browser
) -> None:
    link = studio.link(studio.invited(studio.campaign()))
    for address in (link + path, f"/c/nonsense{path}"):
        headers = browser.open(address).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-language"] == "en"


def test_the_cookie_tells_browsers_apart_and_nothing_else(studio: Studio, browser: Browser) -> None:
    path = studio.link(studio.invited(studio.campaign()))
    cookie = browser.open(path).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/c" in cookie
    assert "set-cookie" not in browser.open(path).headers
    name = re.match(r"handsel_browser=([^;]+)", cookie)
    assert name
    tampered = Browser(browser.app)
    tampered.client.cookies.set("handsel_browser", name.group(1)[:-1] + "x", path="/c")
    assert "set-cookie" in tampered.open(path).headers


def test_pages_carry_no_script_or_style_of_their_own(studio: Studio, browser: Browser) -> None:
    for of in (studio.invited(studio.campaign()), studio.in_production(studio.campaign())):
        text = browser.open(studio.link(of)).text
        assert not re.search(r"<script(?![^>]*src=)", text)
        assert "<style" not in text
        assert not re.search(r"\son\w+=", text)
        assert " style=" not in text


def test_two_browsers_at_once_and_one_keeps_the_link(
    studio: Studio, browser: Browser, other_browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    forms = [each.form(each.open(path), "accept") | yes(studio) for each in (browser, other_browser)]
    with ThreadPoolExecutor(2) as both:
        answers = list(
            both.map(
                lambda pair: pair[0].client.post(f"{path}/accept", data=pair[1]),
                zip((browser, other_browser), forms, strict=True),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [303, 403]
    assert sorted(each.open(path).status_code for each in (browser, other_browser)) == [200, 403]
    with studio.sessions() as session:
        kept = session.scalars(select(Answer).where(Answer.collaboration_id == of)).all()
    assert len(kept) == 1


def test_a_refused_form_does_not_bind_the_link(
    studio: Studio, browser: Browser, other_browser: Browser
) -> None:
    path = studio.link(studio.invited(studio.campaign()))
    assert browser.send(path, "accept", country="DE").status_code == 422
    assert link_row(studio, path).browser_digest is None
    assert other_browser.open(path).status_code == 200


def test_too_many_posts_through_one_link_have_to_wait(studio: Studio, browser: Browser) -> None:
    desk_of(browser.app).limits.acts_by_link.most = 3
    path = studio.link(studio.invited(studio.campaign()))
    codes = [browser.send(path, "accept", country="DE").status_code for _ in range(4)]
    assert codes == [422, 422, 422, 429]


def test_a_browser_without_cookies_may_answer(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.invited(studio.campaign()))
    path = studio.link(of)
    form = browser.form(browser.open(path), "accept") | yes(studio)
    browser.client.cookies.clear()
    assert browser.client.post(f"{path}/accept", data=form).status_code == 303
    browser.client.cookies.clear()
    assert "Your parcel is being made ready" in browser.open(path).text


def test_windows_slide() -> None:
    window = Window(2, 10)
    assert [window.wait("a", now) for now in (0, 1, 2)] == [0, 0, 8]
    assert window.wait("b", 2) == 0
    assert window.wait("a", 10.5) == 0
    assert window.wait("a", 10.6) > 0
