"""Unsubscribing: looking changes nothing, one POST is enough, and a forged link learns nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from activities.contracts import Delivered
from api.main import create_app
from api.pages.unsubscribe import router
from domain.commands import Remind
from domain.notices import NoticeKind
from domain.offer import CampaignType
from domain.roles import CLOCK
from infra.settings import Settings
from infra.tables import Link, Suppression
from tests.mail.conftest import MailServer
from tests.mail.mailroom import Mailroom
from tests.records.office import CREATOR

Pump = Callable[..., Delivered]


@pytest.fixture
def site(mail_settings: Settings) -> Iterator[TestClient]:
    app: FastAPI = create_app(mail_settings)
    if not any(getattr(route, "path", "") == "/u/{token}" for route in app.routes):
        app.include_router(router)
    with TestClient(app, base_url=mail_settings.public_url) as client:
        yield client


@pytest.fixture
def invited(mailroom: Mailroom) -> str:
    mailroom.open(CampaignType.PAID)
    return mailroom.invited(CampaignType.PAID)


@pytest.fixture
def address(invited: str, pump: Pump, mail_server: MailServer) -> str:
    """What a mail program finds in the header of the invitation."""
    assert pump() == Delivered(sent=1)
    return str(mail_server.messages()[0]["List-Unsubscribe"]).strip("<>")


def suppressions(mailroom: Mailroom) -> list[tuple[str, str, str]]:
    with mailroom.sessions() as session:
        rows = session.scalars(select(Suppression)).all()
    return [(row.brand_id, row.email_digest, row.reason) for row in rows]


def test_opening_the_link_shows_a_button_and_changes_nothing(
    site: TestClient, address: str, mailroom: Mailroom
) -> None:
    page = site.get(address)
    assert page.status_code == 200
    assert "Unsubscribe from Hazel?" in page.text
    assert 'method="post"' in page.text
    assert site.head(address).status_code == 200
    assert suppressions(mailroom) == []


def test_one_click_is_enough_and_two_are_as_good(
    site: TestClient, address: str, invited: str, mailroom: Mailroom
) -> None:
    for _ in range(2):
        answer = site.post(address, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
    digest = mailroom.vault.email_digest(mailroom.email_of(invited))
    assert suppressions(mailroom) == [(mailroom.brand_id, digest, "unsubscribed")]
    assert "You are unsubscribed" in site.get(address).text


def test_after_it_no_reminder_comes_and_the_agreement_is_still_told(
    site: TestClient, address: str, invited: str, mailroom: Mailroom, pump: Pump
) -> None:
    site.post(address)
    mailroom.later(days=4)
    mailroom.must(invited, Remind(), CLOCK)
    assert pump() == Delivered(skipped=1)
    mailroom.must(invited, mailroom.yes(invited), CREATOR)
    assert pump() == Delivered(sent=1)
    assert mailroom.notices(invited)[NoticeKind.ACCEPTED.value].state == "sent"


def test_a_link_that_is_over_still_unsubscribes(
    site: TestClient, address: str, invited: str, mailroom: Mailroom
) -> None:
    with mailroom.sessions.begin() as session:
        session.execute(update(Link).values(expires_at=mailroom.clock, revoked_at=mailroom.clock))
    assert site.post(address).status_code == 200
    assert len(suppressions(mailroom)) == 1


def test_a_bounced_address_stays_bounced(
    site: TestClient, address: str, invited: str, mailroom: Mailroom
) -> None:
    mailroom.suppress(invited, "bounced")
    assert site.post(address).status_code == 200
    assert [reason for *_, reason in suppressions(mailroom)] == ["bounced"]


@pytest.mark.parametrize("damage", ["forged", "cut", "page", "long", "blank"])
def test_a_link_that_is_none_of_ours_changes_nothing_and_learns_nothing(
    site: TestClient, address: str, mailroom: Mailroom, mail_server: MailServer, damage: str
) -> None:
    start, _, token = address.rpartition("/")
    text = mail_server.messages()[0].get_body(("plain",)).get_content()
    page_token = text.partition("/c/")[2][:43]
    wrong = {
        "forged": token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"),
        "cut": token[:-1],
        "page": page_token,
        "long": token * 50,
        "blank": "%20",
    }[damage]
    for answer in (site.get(f"{start}/{wrong}"), site.post(f"{start}/{wrong}")):
        assert answer.status_code == 404
        assert "Hazel" not in answer.text
    assert suppressions(mailroom) == []


def test_the_page_may_not_be_framed_kept_or_found(site: TestClient, address: str) -> None:
    headers = site.get(address).headers
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "set-cookie" not in headers
