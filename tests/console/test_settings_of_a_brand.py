"""Keys, sessions and the brand itself, as the console shows and changes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.settings import Settings
from infra.tables import ApiKey, AuditFact, Brand, SignIn, StaffSession
from tests.console.conftest import Browser, Team, hidden_fields

KEYS = "/console/keys"


def test_a_key_is_shown_once_works_with_its_role_and_is_revoked(
    team: Team, web: TestClient, sessions: sessionmaker[Session]
) -> None:
    owner = team.signed_in()
    form = hidden_fields(owner.open(KEYS).text, KEYS) | {"name": "warehouse", "role": "viewer"}
    made = owner.post(KEYS, 201, **form)
    found = re.search(r"hs_local_[\w-]{43}", made.text)
    assert found
    headers = {"Authorization": f"Bearer {found.group(0)}"}
    assert web.get("/api/v1/brand", headers=headers).json()["name"] == "Lumen & Oak"
    assert web.post("/api/v1/products", headers=headers, json={}).status_code == 403
    again = owner.post(KEYS, **form)
    assert again.headers["location"] == f"{KEYS}?done=key_made_already"
    page = owner.open(KEYS).text
    assert found.group(0) not in page
    assert page.count("warehouse") >= 1
    with sessions() as session:
        key = session.scalars(select(ApiKey).where(ApiKey.brand_id == team.brand_id)).one()
    owner.send(KEYS, f"{KEYS}/{key.id}/revoke")
    assert web.get("/api/v1/brand", headers=headers).status_code == 401
    assert "There is no such key" in owner.open(f"{KEYS}?state=live").text
    assert "warehouse" in owner.open(f"{KEYS}?state=revoked").text
    with sessions() as session:
        query = select(AuditFact).where(AuditFact.subject_id == key.id).order_by(AuditFact.id)
        events = session.scalars(query).all()
    assert [(one.event, one.actor_id) for one in events] == [
        ("key_created", team.ids[Role.OWNER]),
        ("key_revoked", team.ids[Role.OWNER]),
    ]


def test_a_wrong_form_of_a_key_makes_none(team: Team, sessions: sessionmaker[Session]) -> None:
    owner = team.signed_in()
    for typed in ({"name": "", "role": "ops"}, {"name": "x" * 121, "role": "ops"}, {"name": "x", "role": ""}):
        refused = owner.send(KEYS, KEYS, 422, **typed)
        assert 'class="summary" role="alert"' in refused.text
    with sessions() as session:
        assert session.scalars(select(ApiKey).where(ApiKey.brand_id == team.brand_id)).all() == []


def test_sessions_are_listed_and_ended_one_by_one_and_all(
    team: Team, new_browser: Callable[..., Browser], sessions: sessionmaker[Session]
) -> None:
    here = team.signed_in(Role.OPS)
    phone = new_browser(agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19) Version/19 Mobile Safari/604.1")
    phone.sign_in(team.emails[Role.OPS])
    third = team.signed_in(Role.OPS)
    page = here.open("/console/sessions").text
    assert "Safari, iPhone" in page
    with sessions() as session:
        query = select(StaffSession).where(StaffSession.member_id == team.ids[Role.OPS])
        lost = next(one for one in session.scalars(query) if "iPhone" in one.browser)
    here.send("/console/sessions", f"/console/sessions/{lost.id}/end")
    assert phone.client.get("/console").status_code == 303
    assert "Safari, iPhone" not in here.open("/console/sessions").text
    here.send("/console/sessions", "/console/sessions/end-others")
    assert third.client.get("/console").status_code == 303
    here.open("/console")
    here.send("/console", "/console/sign-out")
    with sessions() as session:
        log = select(SignIn.result).where(SignIn.member_id == team.ids[Role.OPS]).order_by(SignIn.id)
        assert list(session.scalars(log)) == ["signed_in"] * 3 + ["ended"] * 2 + ["signed_out"]
    assert here.client.get("/console").headers["location"] == "/console/sign-in"


def test_nobody_ends_the_session_of_somebody_else(team: Team, sessions: sessionmaker[Session]) -> None:
    ops, viewer = team.signed_in(Role.OPS), team.signed_in(Role.VIEWER)
    with sessions() as session:
        query = select(StaffSession.id).where(StaffSession.member_id == team.ids[Role.OPS])
        theirs = session.scalars(query).one()
    marks = hidden_fields(viewer.open("/console/sessions").text, "/console/sign-out")
    viewer.post(f"/console/sessions/{theirs}/end", 404, **marks)
    ops.open("/console")


def test_an_owner_signs_somebody_out_everywhere(team: Team) -> None:
    owner, ops = team.signed_in(), team.signed_in(Role.OPS)
    person = f"/console/people/{team.ids[Role.OPS]}"
    owner.send(person, f"{person}/sign-out")
    assert ops.client.get("/console").status_code == 303
    ops.sign_in(team.emails[Role.OPS])
    ops.open("/console")


def test_a_session_ends_unused_and_ends_in_any_case(
    team: Team, sessions: sessionmaker[Session], settings: Settings
) -> None:
    for changes in (
        {"seen_at": timedelta(hours=settings.session_idle_hours, seconds=1)},
        {"expires_at": timedelta(days=settings.session_days, seconds=1)},
    ):
        browser = team.signed_in(Role.VIEWER)
        browser.open("/console")
        with sessions.begin() as session:
            mine = StaffSession.member_id == team.ids[Role.VIEWER]
            values = {name: getattr(StaffSession, name) - by for name, by in changes.items()}
            session.execute(update(StaffSession).where(mine).values(values))
        assert browser.client.get("/console").headers["location"] == "/console/sign-in"


def test_the_log_shows_owners_all_and_others_their_own(team: Team) -> None:
    ops, owner = team.signed_in(Role.OPS), team.signed_in()
    assert "Olga Owner" not in ops.open("/console/sign-ins").text.partition("<main")[2]
    whole = owner.open("/console/sign-ins").text
    assert "Ops Person" in whole
    assert "Olga Owner" in whole
    assert "Ops Person" not in owner.open("/console/sign-ins?result=wrong_code").text
    ops.send("/console/sign-in/code", "/console/sign-in/code", 422, code="00000000")
    assert "used already" in owner.open("/console/sign-ins?result=used").text


def test_a_long_list_goes_on_by_cursor(team: Team, sessions: sessionmaker[Session]) -> None:
    from datetime import UTC, datetime

    from domain.sign_in import How, Result
    from infra.sessions import Origin, log_sign_in
    from infra.tables import Member

    owner = team.signed_in()
    with sessions.begin() as session:
        member = session.get_one(Member, team.ids[Role.VIEWER])
        for number in range(120):
            origin = Origin(f"203.0.{number}.0/24", "Firefox, Linux")
            log_sign_in(session, member, How.CODE, Result.WRONG_CODE, origin, datetime.now(UTC))
            session.flush()
    seen: list[str] = []
    path = "/console/sign-ins?result=wrong_code"
    for _ in range(3):
        text = owner.open(path).text
        seen += re.findall(r"203\.0\.\d+\.0/24", text)
        following = re.search(r'<a href="([^"]+)" rel="next">', text)
        path = following.group(1).replace("&amp;", "&") if following else ""
    assert path == ""
    assert seen == [f"203.0.{number}.0/24" for number in reversed(range(120))]


def test_an_owner_changes_the_brand_and_wrong_fields_are_named(
    team: Team, sessions: sessionmaker[Session]
) -> None:
    owner, viewer = team.signed_in(), team.signed_in(Role.VIEWER)
    fields = {
        "name": "Lumen and Oak",
        "sender_name": "Olga of Lumen",
        "sender_email": "hello@lumen.example",
        "postal_address": "1 Way\nTown",
    }
    owner.send("/console/brand", "/console/brand", **fields)
    page = viewer.open("/console/brand").text
    assert "Olga of Lumen" in page
    assert "Only an owner can change it" in page
    refused = owner.send("/console/brand", "/console/brand", 422, **fields | {"sender_email": "nobody"})
    assert "This is not an e-mail address." in refused.text
    header = owner.send("/console/brand", "/console/brand", 422, **fields | {"name": "A\nBcc: x@y.example"})
    assert 'id="brand-name-error"' in header.text
    with sessions() as session:
        brand = session.get_one(Brand, team.brand_id)
        assert (brand.name, brand.sender_email) == ("Lumen and Oak", "hello@lumen.example")
        query = select(AuditFact).where(AuditFact.subject_id == brand.id).order_by(AuditFact.id)
        facts = session.scalars(query).all()
    assert facts[-1].data == {"fields": ["name", "postal_address", "sender_email", "sender_name"]}
