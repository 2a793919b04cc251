"""Signing in by mail: once, in time, in the right browser, and nobody learns who is known here."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.settings import Settings
from infra.tables import Member, SignIn, SignInCode, StaffMail, StaffSession
from tests.console.conftest import Browser, Mailbox, Team, hidden_fields

DOOR = "/console/sign-in"
CODE = "/console/sign-in/code"


def ask(browser: Browser, email: str) -> None:
    answer = browser.send(DOOR, DOOR, email=email)
    assert answer.headers["location"] == CODE


def age(sessions: sessionmaker[Session], email: str, by: timedelta) -> None:
    """Let the codes of this person have been asked for so long ago."""
    with sessions.begin() as session:
        mine = select(Member.id).where(func.lower(Member.email) == email.lower())
        session.execute(
            update(SignInCode)
            .where(SignInCode.member_id.in_(mine))
            .values(created_at=SignInCode.created_at - by, expires_at=SignInCode.expires_at - by)
        )


def test_a_code_lets_its_own_browser_in_once(
    team: Team, browser: Browser, new_browser: Callable[..., Browser], mailbox: Mailbox
) -> None:
    email = team.emails[Role.OPS]
    ask(browser, email.upper())
    code = mailbox.code(email)
    stranger = new_browser()
    refused = stranger.send(CODE, CODE, 422, code=code)
    assert "Nobody asked for a code in this browser" in refused.text
    landed = browser.send(CODE, CODE, code=code.replace(" ", ""))
    assert landed.headers["location"] == "/console"
    assert "Hello Ops Person" in browser.open("/console").text
    again = browser.client.post(
        CODE, data=hidden_fields(new_browser().open(CODE).text, CODE) | {"code": code}
    )
    assert again.status_code == 403, "a form of another browser"
    browser.send("/console", "/console/sign-out")
    used = browser.send(CODE, CODE, 422, code=code)
    assert "It was used already" in used.text


def test_a_link_shows_on_get_and_lets_in_on_post_once(
    team: Team, browser: Browser, new_browser: Callable[..., Browser], mailbox: Mailbox
) -> None:
    email = team.emails[Role.FINANCE]
    ask(browser, email)
    link = mailbox.link(email)
    for _ in range(3):  # a mail scanner looks, and looks again
        scanner = new_browser().open(link)
        assert email in scanner.text
    phone = new_browser(agent="Mozilla/5.0 (iPhone) Safari/600")
    assert "You asked for this in another browser" in phone.open(link).text
    assert "another browser" not in browser.open(link).text
    phone.send(link, link)
    assert "Hello Finance Person" in phone.open("/console").text
    assert "It was used already" in browser.open(link, 410).text
    assert browser.client.get("/console").headers["location"] == DOOR


def test_two_clicks_on_one_link_open_one_session(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    email = team.emails[Role.VIEWER]
    ask(new_browser(), email)
    link = mailbox.link(email)
    browsers = [new_browser() for _ in range(4)]
    forms = [hidden_fields(one.open(link).text, link) for one in browsers]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].client.post(link, data=pair[1]), zip(browsers, forms, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410]
    with sessions() as session:
        mine = select(func.count()).where(StaffSession.member_id == team.ids[Role.VIEWER])
        assert session.scalar(mine) == 1


def test_a_code_is_over_after_a_quarter_of_an_hour(
    team: Team, browser: Browser, mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    email = team.emails[Role.OPS]
    ask(browser, email)
    code, link = mailbox.code(email), mailbox.link(email)
    age(sessions, email, timedelta(minutes=15))
    assert "older than 15 minutes" in browser.send(CODE, CODE, 422, code=code).text
    assert "older than 15 minutes" in browser.open(link, 410).text


def test_guessing_closes_the_code_and_not_the_link(team: Team, browser: Browser, mailbox: Mailbox) -> None:
    email = team.emails[Role.OPS]
    ask(browser, email)
    code, link = mailbox.code(email), mailbox.link(email)
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**8:08d}"
    texts = [browser.send(CODE, CODE, 422, code=wrong).text for _ in range(5)]
    assert all("This is not the code" in text for text in texts[:4])
    assert "Too many wrong codes" in texts[4]
    assert "Too many wrong codes" in browser.send(CODE, CODE, 422, code=code).text
    browser.send(link, link)
    assert "Hello Ops Person" in browser.open("/console").text


def test_nobody_learns_who_is_known(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    known, unknown = new_browser(), new_browser()
    ask(known, team.emails[Role.OPS])
    ask(unknown, "nobody.at.all@lumen.example")
    mailbox.carry()
    assert mailbox.letters("nobody.at.all@lumen.example") == []

    def plain(text: str) -> str:
        return re.sub(r'value="[^"]*"', "", text)

    assert plain(known.open(CODE).text) == plain(unknown.open(CODE).text)
    refusals = [one.send(CODE, CODE, 422, code="12345678") for one in (known, unknown)]
    assert plain(refusals[0].text) == plain(refusals[1].text)
    assert set(refusals[0].headers) == set(refusals[1].headers)
    with sessions() as session:
        newest = session.scalars(select(SignInCode).order_by(SignInCode.id.desc()).limit(2)).all()
        assert {one.tries for one in newest} == {1}
        assert "nobody" not in str([vars(one) for one in newest])
        mails = session.scalars(select(StaffMail).order_by(StaffMail.id.desc()).limit(2)).all()
        assert {mail.state for mail in mails} == {"sent", "skipped"}


def test_a_mailbox_is_not_flooded_and_nobody_is_locked_out(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox
) -> None:
    email = team.emails[Role.FINANCE]
    for _ in range(8):
        ask(new_browser(), email)
    mailbox.carry()
    letters = mailbox.letters(email)
    assert len(letters) == 5
    mine = new_browser()
    link = mailbox.link(email)
    mine.send(link, link)
    assert "Hello Finance Person" in mine.open("/console").text


def test_too_many_tries_get_a_page_that_says_when(team: Team, browser: Browser) -> None:
    for _ in range(10):
        ask(browser, team.emails[Role.OPS])
    answer = browser.send(DOOR, DOOR, 429, email=team.emails[Role.OPS])
    assert int(answer.headers["retry-after"]) > 0
    assert "Too many tries" in answer.text


def test_an_address_that_is_none_is_said_at_its_field(browser: Browser) -> None:
    for typed in ("", "olga", "olga@lumen", "a@b.example\nBcc: c@d.example"):
        page = browser.send(DOOR, DOOR, 422, email=typed)
        assert 'aria-invalid="true"' in page.text
        assert 'href="#sign-in-email"' in page.text


def test_the_wanted_page_is_reached_and_no_other_site(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox
) -> None:
    browser = new_browser()
    to_door = browser.client.get("/console/people?role=ops")
    assert to_door.headers["location"] == "/console/sign-in?next=/console/people%3Frole%3Dops"
    email = team.emails[Role.OPS]
    browser.send(to_door.headers["location"], DOOR, email=email)
    landed = browser.send(CODE, CODE, code=mailbox.code(email))
    assert landed.headers["location"] == "/console/people?role=ops"
    for elsewhere in ("https://evil.example/console", "//evil.example/console", "/console/../api", "/other"):
        fooled = new_browser()
        fooled.send(f"{DOOR}?next={elsewhere}", DOOR, email=email)
        link = mailbox.link(email)
        assert fooled.send(link, link).headers["location"] == "/console"


def test_the_cookie_is_shut(team: Team, browser: Browser, sessions: sessionmaker[Session]) -> None:
    landed = browser.sign_in(team.emails[Role.OPS])
    cookie = next(one for one in landed.headers.get_list("set-cookie") if one.startswith("handsel_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    secret = cookie.partition("=")[2].partition(";")[0]
    assert len(secret) >= 43
    with sessions() as session:
        row = session.scalars(select(StaffSession).where(StaffSession.member_id == team.ids[Role.OPS])).one()
        assert secret not in str(vars(row))


def test_the_log_keeps_no_address_of_anybody(team: Team, sessions: sessionmaker[Session]) -> None:
    team.signed_in(Role.OPS)
    with sessions() as session:
        line = session.scalars(select(SignIn).where(SignIn.member_id == team.ids[Role.OPS])).one()
    assert (line.result, line.how, line.browser) == ("signed_in", "code", "Firefox, Linux")
    assert line.network == ""  # the test's own address is no IP address


def test_letters_carry_the_code_in_both_forms_and_no_unsubscribe(
    team: Team, browser: Browser, mailbox: Mailbox, settings: Settings
) -> None:
    email = team.emails[Role.OWNER]
    ask(browser, email)
    letter = mailbox.newest(email)
    code = mailbox.code(email)
    assert letter["subject"] == "Your sign-in to Handsel"
    assert code in letter["html"]
    assert code.replace(" ", "") not in letter["subject"]
    names = (
        {name.lower() for name, _ in letter["headers"]}
        if isinstance(letter["headers"], list)
        else {name.lower() for name in letter["headers"]}
    )
    assert "list-unsubscribe" not in names
    assert "auto-submitted" in names
    assert settings.public_url in letter["html"]
