"""The people of a brand: invited, joined, given roles, removed, and never without an owner."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import HANDSEL, Role
from infra.ids import new_id
from infra.members import add_member
from infra.settings import Settings
from infra.tables import AuditFact, Member, MemberInvitation, StaffSession
from tests.console.conftest import Browser, Mailbox, Team, hidden_fields
from tests.console.walk import Insider

PEOPLE = "/console/people"
INVITE = "/console/people/invitations"


def invite(browser: Browser, email: str, role: str = "finance") -> Any:
    return browser.send(PEOPLE, INVITE, name="Fay Finance", email=email, role=role)


def told(sessions: sessionmaker[Session], brand_id: str) -> list[str]:
    """The events of this brand's people in the audit log, in order."""
    with sessions() as session:
        query = select(AuditFact.event).where(AuditFact.brand_id == brand_id).order_by(AuditFact.id)
        return list(session.scalars(query))


def test_somebody_is_invited_joins_and_signs_in_later(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    owner = team.signed_in()
    email = f"fay.{team.brand_id[-8:]}@lumen.example"
    invite(owner, email)
    assert "The invitation is on its way" in owner.open(f"{PEOPLE}?done=invited").text
    assert email in owner.open(PEOPLE).text
    letter = mailbox.newest(email)
    assert letter["subject"] == "Lumen & Oak invites you to Handsel"
    assert "Olga Owner invites you" in " ".join(letter["text"].split())
    assert "approve, hold and settle payments" in " ".join(letter["text"].split())
    link = mailbox.link(email)
    for _ in range(2):
        assert "Join Lumen &amp; Oak" in new_browser().open(link).text
    fay = new_browser()
    fay.send(link, link)
    assert "Hello Fay Finance" in fay.open("/console").text
    assert "It was used already" in new_browser().open(link, 410).text
    later = new_browser()
    later.sign_in(email)
    assert "finance" in later.open("/console").text
    events = told(sessions, team.brand_id)
    assert [event for event in events if "invit" in event or event == "member_joined"][-3:] == [
        "member_invited",
        "member_joined",
        "invitation_accepted",
    ]


def test_an_invitation_is_taken_back_replaced_and_ends(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    owner = team.signed_in()
    email = f"gus.{team.brand_id[-8:]}@lumen.example"
    invite(owner, email)
    first = mailbox.link(email)
    invite(owner, email.upper().replace("LUMEN.EXAMPLE", "lumen.example"))
    second = mailbox.link(email)
    assert "replaced by a newer one" in new_browser().open(first, 410).text
    assert "Join Lumen" in new_browser().open(second).text
    with sessions() as session:
        mine = select(MemberInvitation.id).where(
            MemberInvitation.brand_id == team.brand_id, MemberInvitation.revoked_at.is_(None)
        )
        open_id = session.scalars(mine).one()
    guest = new_browser()
    page = guest.open(second)
    owner.send(PEOPLE, f"{INVITE}/{open_id}/revoke")
    assert "was taken back" in guest.post(second, 410, **hidden_fields(page.text, second)).text
    invite(owner, email)
    third = mailbox.link(email)
    with sessions.begin() as session:
        session.execute(
            update(MemberInvitation)
            .where(MemberInvitation.brand_id == team.brand_id)
            .values(expires_at=func.now() - timedelta(seconds=1))
        )
    assert "older than a week" in new_browser().open(third, 410).text
    with sessions() as session:
        known = select(func.count()).where(Member.brand_id == team.brand_id, Member.email == email)
        assert session.scalar(known) == 0


def test_a_double_click_invites_once_and_a_known_address_is_said_at_its_field(
    team: Team, mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    owner = team.signed_in()
    email = f"twice.{team.brand_id[-8:]}@lumen.example"
    fields = hidden_fields(owner.open(PEOPLE).text, INVITE) | {"name": "Ty", "email": email, "role": "ops"}
    for _ in range(3):
        owner.post(INVITE, **fields)
    mailbox.carry()
    assert len(mailbox.letters(email)) == 1
    refused = owner.send(PEOPLE, INVITE, 409, name="Ops", email=team.emails[Role.OPS], role="viewer")
    assert "A member has this address already" in refused.text
    assert 'id="invite-email-error"' in refused.text
    assert 'value="Ops"' in refused.text, "what was typed stays"
    nothing = owner.send(PEOPLE, INVITE, 422, name="", email="no", role="king")
    assert nothing.text.count('aria-invalid="true"') == 3


def test_a_link_of_an_invitation_that_is_none_says_so(browser: Browser, team: Team, mailbox: Mailbox) -> None:
    owner = team.signed_in()
    email = f"link.{team.brand_id[-8:]}@lumen.example"
    invite(owner, email)
    link = mailbox.link(email)
    token = link.rpartition("/")[2]
    for wrong in ("x", "A" * 43, token[:-1] + ("A" if token[-1] != "A" else "B")):
        assert "This link does not work" in browser.open(f"/console/join/{wrong}", 404).text
    assert "This link does not work" in browser.open(f"/console/sign-in/link/{token}", 404).text
    assert "This link does not work" in browser.open(link + "A", 404).text


def test_two_clicks_on_an_invitation_make_one_member(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    email = f"race.{team.brand_id[-8:]}@lumen.example"
    invite(team.signed_in(), email)
    link = mailbox.link(email)
    guests = [new_browser() for _ in range(4)]
    forms = [hidden_fields(one.open(link).text, link) for one in guests]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].client.post(link, data=pair[1]), zip(guests, forms, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410]
    with sessions() as session:
        assert session.scalar(select(func.count()).where(Member.email == email)) == 1


def test_a_role_counts_from_the_next_click(team: Team) -> None:
    owner, ops = team.signed_in(), team.signed_in(Role.OPS)
    assert "Only an owner can change it" in ops.open(PEOPLE).text
    assert ops.client.get("/console/keys").status_code == 403
    person = f"{PEOPLE}/{team.ids[Role.OPS]}"
    owner.send(person, f"{person}/role", role="owner")
    assert "Send the invitation" in ops.open(PEOPLE).text
    ops.open("/console/keys")
    owner.send(person, f"{person}/role", role="viewer")
    assert "Only an owner can change it" in ops.open(PEOPLE).text
    wrong = owner.send(person, f"{person}/role", 422, role="emperor")
    assert "Please choose." in wrong.text


def test_who_is_removed_is_out_at_once_and_their_codes_too(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    email = team.emails[Role.FINANCE]
    finance, elsewhere = team.signed_in(Role.FINANCE), new_browser()
    elsewhere.send("/console/sign-in", "/console/sign-in", email=email)
    code, link = mailbox.code(email), mailbox.link(email)
    owner = team.signed_in()
    person = f"{PEOPLE}/{team.ids[Role.FINANCE]}"
    owner.send(person, f"{person}/remove")
    assert finance.client.get("/console").headers["location"] == "/console/sign-in"
    refused = elsewhere.send("/console/sign-in/code", "/console/sign-in/code", 422, code=code)
    assert "belongs to nobody here any more" in refused.text
    assert "belongs to nobody here any more" in new_browser().open(link, 410).text
    assert owner.client.get(person).status_code == 404
    with sessions() as session:
        mine = select(StaffSession).where(StaffSession.member_id == team.ids[Role.FINANCE])
        assert all(one.ended_at is not None for one in session.scalars(mine))
    assert "member_removed" in told(sessions, team.brand_id)


def test_the_last_owner_stays_also_when_two_ask_at_once(
    team: Team, app: FastAPI, sessions: sessionmaker[Session], settings: Settings
) -> None:
    with sessions.begin() as session:
        email = f"second.{team.brand_id[-8:]}@lumen.example"
        second = add_member(session, team.brand_id, "Second Owner", email, Role.OWNER, by=HANDSEL)
    people = [team.ids[Role.OWNER], second.id]
    insiders = [Insider(app, sessions, settings, member) for member in people]
    acts = [("remove", {}), ("role", {"role": "viewer"})] * 4

    def against_the_other(number: int) -> int:
        me, (act, fields) = number % 2, acts[number]
        path = f"{PEOPLE}/{people[1 - me]}/{act}"
        answer = insiders[me].client.post(path, data={"csrf": insiders[me].csrf, **fields})
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(against_the_other, range(8)))
    assert answers.count(303) >= 1, "one of them was faster"
    with sessions() as session:
        left = select(Member).where(
            Member.brand_id == team.brand_id, Member.role == "owner", Member.removed_at.is_(None)
        )
        assert len(session.scalars(left).all()) == 1


def test_the_last_owner_can_neither_go_nor_step_down(team: Team) -> None:
    owner = team.signed_in()
    person = f"{PEOPLE}/{team.ids[Role.OWNER]}"
    for act, fields in (("remove", {}), ("role", {"role": "ops"})):
        refused = owner.send(person, f"{person}/{act}", 409, **fields)
        assert "The brand needs an owner. Make somebody else owner first." in refused.text
    assert "Hello Olga Owner" in owner.open("/console").text


def test_somebody_of_two_brands_chooses_and_switches(
    team: Team, other_team: Team, new_browser: Callable[..., Browser], sessions: sessionmaker[Session]
) -> None:
    email = team.emails[Role.OPS]
    with sessions.begin() as session:
        there = add_member(session, other_team.brand_id, "Ops There", email, Role.VIEWER, by=HANDSEL)
    browser = new_browser()
    assert browser.sign_in(email).headers["location"] == "/console/brands"
    page = browser.open("/console/brands").text
    assert "Lumen &amp; Oak" in page
    assert "Rival &amp; Sons" in page
    before = browser.client.cookies["handsel_session"]
    form = hidden_fields(page, "/console/brands") | {"member_id": there.id}
    browser.post("/console/brands", **form)
    assert browser.client.cookies["handsel_session"] != before, "a switch is a new session"
    home = browser.open("/console").text
    assert "Hello Ops There" in home
    assert "viewer" in home
    assert team.emails[Role.FINANCE] not in browser.open(PEOPLE).text
    owner = team.signed_in()
    person = f"{PEOPLE}/{team.ids[Role.OPS]}"
    owner.send(person, f"{person}/remove")
    assert "Hello Ops There" in browser.open("/console").text, "removed from one brand, still in the other"
    marks = hidden_fields(browser.open("/console/brands").text, "/console/sign-out")
    assert browser.post("/console/brands", 404, **marks, member_id=team.ids[Role.OPS])


def test_somebody_who_was_removed_comes_back_as_the_same_member(
    team: Team, new_browser: Callable[..., Browser], mailbox: Mailbox
) -> None:
    owner = team.signed_in()
    person = f"{PEOPLE}/{team.ids[Role.VIEWER]}"
    owner.send(person, f"{person}/remove")
    invite(owner, team.emails[Role.VIEWER], "ops")
    back = new_browser()
    link = mailbox.link(team.emails[Role.VIEWER])
    back.send(link, link)
    assert "ops" in owner.open(person).text


@pytest.mark.parametrize("method", ["POST"])
def test_the_api_invites_too(
    method: str, team: Team, app: FastAPI, mailbox: Mailbox, sessions: sessionmaker[Session]
) -> None:
    from fastapi.testclient import TestClient

    from infra.api_keys import make_key

    with sessions.begin() as session:
        secret = make_key(session, mode="local", brand_id=team.brand_id, name="hr", role=Role.OWNER).secret
    web = TestClient(app, headers={"Authorization": f"Bearer {secret}"})
    email = f"api.{new_id('job')[-10:]}@lumen.example"
    body = {"name": "Ann Api", "email": email, "role": "viewer"}
    made = web.request(method, "/api/v1/member-invitations", json=body).json()
    assert made["standing"] == "open"
    assert "Lumen & Oak invites you to the team" in " ".join(mailbox.newest(email)["text"].split())
    revoked = web.delete(f"/api/v1/member-invitations/{made['id']}").json()
    assert revoked["standing"] == "revoked"
    listed = web.get("/api/v1/member-invitations").json()["items"]
    assert [(one["id"], one["standing"]) for one in listed] == [(made["id"], "revoked")]
