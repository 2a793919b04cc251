"""Every route of the application as every role, as nobody, with a key, and as another brand."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from api.auth import ACCESS, roles_of
from api.console.access import DOORS, PAGES, roles_of_page
from api.main import create_app
from domain.roles import Role
from infra.api_keys import make_key
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import ApiKey, Brand, Member, MemberInvitation, StaffSession
from tests.console.conftest import Team
from tests.console.walk import Insider, Walked, every_route, mark_on

OPEN = {
    "/api/v1/openapi.json": "the document for programs",
    "/healthz": "for probes",
    "/readyz": "for probes",
    "/docs/errors": "what error codes mean",
    "/static": "style and script",
}
"""Addresses that ask nobody anything, and why."""
BY_LINK = ("/c/{token}", "/u/{token}")
"""Addresses whose token says who may; tests/pages and tests/mail walk them."""
SIGNED = ("/webhooks/",)
"""Addresses whose messages are signed; tests/api/test_webhooks.py walks them."""

As = Callable[[Team, Role], Insider]


@pytest.fixture
def insider(app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> As:
    return lambda team, role: Insider(app, sessions, settings, team.ids[role])


def pages(app: FastAPI) -> list[Walked]:
    """Every page that asks who one is, those that end the session last."""
    found = [one for one in every_route(app) if one.kind == "ConsoleRoute" and one.name not in DOORS]
    return sorted(found, key=lambda one: one.name == "sign_out")


def things_of(team: Team, sessions: sessionmaker[Session]) -> dict[str, str]:
    """One of everything of this brand that an address of the console can name."""
    with sessions.begin() as session:
        key = make_key(session, mode="local", brand_id=team.brand_id, name="press", role=Role.OPS)
        invitation = MemberInvitation(
            id=new_id("member_invitation"),
            brand_id=team.brand_id,
            email="ina@lumen.example",
            name="Ina",
            role="ops",
            invited_by=team.ids[Role.OWNER],
            created_at=session.scalar(select(func.now())),
            expires_at=session.scalar(select(func.now() + func.make_interval(0, 0, 0, 7))),
        )
        session.add(invitation)
        return {
            "member_id": team.ids[Role.VIEWER],
            "key_id": key.row.id,
            "invitation_id": invitation.id,
            "rest": "somewhere",
        }


def census(sessions: sessionmaker[Session], brand_id: str) -> list[object]:
    """Everything that the console can change of this brand."""
    with sessions() as session:
        brand = session.get_one(Brand, brand_id)
        members = session.scalars(select(Member).where(Member.brand_id == brand_id).order_by(Member.id))
        keys = session.scalars(select(ApiKey).where(ApiKey.brand_id == brand_id).order_by(ApiKey.id))
        asked = select(MemberInvitation).where(MemberInvitation.brand_id == brand_id)
        return [
            (brand.name, brand.sender_name, brand.sender_email, brand.postal_address),
            [(one.id, one.role, one.removed_at) for one in members],
            [(one.id, one.revoked_at) for one in keys],
            [(one.id, one.revoked_at, one.accepted_at) for one in session.scalars(asked)],
        ]


def test_every_route_has_its_row_and_every_row_its_route(app: FastAPI) -> None:
    for one in every_route(app):
        if one.path.startswith("/api/v1/") and one.path not in OPEN:
            assert one.kind == "CallRoute", f"{one.path} does not ask for a key"
            assert roles_of(one.name), one.name
        elif one.path.startswith("/console"):
            assert one.kind == "ConsoleRoute", f"{one.path} does not ask who is there"
            assert (one.name in DOORS) != (one.name in PAGES), f"{one.name} needs a row in access.PAGES"
        else:
            assert one.path in OPEN or one.path.startswith(BY_LINK + SIGNED), f"who may open {one.path}?"
    names = {one.name for one in every_route(app)}
    assert (DOORS | PAGES.keys()) - names == set()
    assert ACCESS.keys() - names == set()


def test_nobody_is_sent_to_the_door_and_changes_nothing(
    app: FastAPI, web: TestClient, team: Team, sessions: sessionmaker[Session]
) -> None:
    things = things_of(team, sessions)
    before = census(sessions, team.brand_id)
    for one in pages(app):
        answer = web.request(one.method, one.at(things), data={"csrf": "x"} if one.method == "POST" else None)
        assert answer.status_code == 303, (one, answer.text)
        assert answer.headers["location"].startswith("/console/sign-in"), one
    assert census(sessions, team.brand_id) == before


def test_a_key_opens_no_page_and_a_session_no_call(
    app: FastAPI, web: TestClient, team: Team, sessions: sessionmaker[Session], insider: As
) -> None:
    with sessions.begin() as session:
        key = make_key(session, mode="local", brand_id=team.brand_id, name="all", role=Role.OWNER)
    for one in pages(app):
        answer = web.request(one.method, one.at({}), headers={"Authorization": f"Bearer {key.secret}"})
        assert answer.headers["location"].startswith("/console/sign-in"), one
    owner = insider(team, Role.OWNER)
    for one in every_route(app):
        if one.kind == "CallRoute":
            assert owner.client.request(one.method, one.at({})).status_code == 401, one


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_and_sends_what_its_row_says(
    role: Role, app: FastAPI, team: Team, insider: As, sessions: sessionmaker[Session]
) -> None:
    things = things_of(team, sessions)
    person = insider(team, role)
    before = census(sessions, team.brand_id)
    for one in pages(app):
        if role in roles_of_page(one.name):
            continue
        answer = person.call(one, things)
        assert answer.status_code == 403, (one, answer.status_code)
        assert "This is not for your role" in answer.text
        assert "Nothing was changed" in answer.text
    assert census(sessions, team.brand_id) == before
    for one in pages(app):
        if role in roles_of_page(one.name):
            answer = person.call(one, things if one.method == "GET" else {})
            assert answer.status_code in (200, 303, 404, 409, 422), (one, answer.status_code, answer.text)
            assert "/console/sign-in?next" not in answer.headers.get("location", ""), one


def test_what_belongs_to_another_brand_does_not_exist(
    app: FastAPI, team: Team, other_team: Team, insider: As, sessions: sessionmaker[Session]
) -> None:
    things = things_of(team, sessions)
    things["session_id"] = insider(team, Role.OPS).session_id
    before = census(sessions, team.brand_id)
    stranger = insider(other_team, Role.OWNER)
    for one in pages(app):
        if "{" in one.path:
            answer = stranger.call(one, things, role="viewer")
            assert answer.status_code == 404, (one, answer.status_code)
    switch = next(one for one in pages(app) if one.name == "switch_brand")
    assert stranger.call(switch, {}, member_id=team.ids[Role.OWNER]).status_code == 404
    assert census(sessions, team.brand_id) == before
    with sessions() as session:
        assert session.get_one(StaffSession, things["session_id"]).ended_at is None
    for path in ("/console/people", "/console/keys", "/console/sign-ins"):
        text = stranger.client.get(path).text
        assert team.ids[Role.OPS] not in text
        assert things["key_id"] not in text
        assert "ina@lumen.example" not in text


def test_a_form_that_is_not_of_ones_own_page_counts_for_nothing(
    app: FastAPI, web: TestClient, team: Team, insider: As, sessions: sessionmaker[Session]
) -> None:
    things = things_of(team, sessions)
    owner, other_session = insider(team, Role.OWNER), insider(team, Role.OWNER)
    before = census(sessions, team.brand_id)
    for one in every_route(app):
        if one.kind != "ConsoleRoute" or one.method != "POST":
            continue
        for mark in ("", "x" * 64, other_session.csrf):
            answer = owner.client.post(one.at(things), data={"csrf": mark, "role": "viewer"})
            assert answer.status_code == 403, (one, mark)
            assert "This form is out of date" in answer.text
        answer = owner.client.post(
            one.at(things), data={"csrf": owner.csrf}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403, one
    assert census(sessions, team.brand_id) == before
    assert owner.client.get("/console").status_code == 200


def test_every_page_is_shut_to_scripts_frames_caches_and_search(
    app: FastAPI, team: Team, insider: As, sessions: sessionmaker[Session]
) -> None:
    things = things_of(team, sessions)
    owner = insider(team, Role.OWNER)
    for one in every_route(app):
        if one.kind != "ConsoleRoute" or one.method != "GET":
            continue
        answer = owner.client.get(one.at(things))
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, one
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self';" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert (
            re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son[a-z]+=|javascript:", answer.text) is None
        )


def test_a_person_may_call_what_the_table_says(
    app: FastAPI, web: TestClient, team: Team, insider: As
) -> None:
    calls = [one for one in every_route(app) if one.kind == "CallRoute"]
    assert len(calls) > 80
    for role in Role:
        person = insider(team, role)
        headers = {"Authorization": f"Session {person.client.cookies['handsel_session']}"}
        for one in calls:
            answer = web.request(one.method, one.at({}), headers=headers)
            refused = role not in roles_of(one.name)
            if refused:
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (one, role)
            else:
                assert answer.status_code not in (401, 403, 500, 503), (one, role, answer.text)


def test_https_shuts_cookies_and_forbids_plain_http(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://handsel.example"}))
    with TestClient(app, base_url="https://handsel.example", follow_redirects=False) as client:
        answer = client.get("/console/sign-in")
        door = next(one for one in answer.headers.get_list("set-cookie") if "handsel_door" in one)
        assert door.startswith("__Host-handsel_door=")
        assert all(part in door for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"))
        assert "Domain" not in door
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        email = {"email": "a@b.example", "csrf": mark_on(answer.text)}
        assert client.post("/console/sign-in", data=email).status_code == 303


def test_everything_else_is_shut_too(web: TestClient) -> None:
    for path in ("/static/site.css", "/docs/errors", "/healthz", "/nothing", "/api/v1/brand", "/c/nonsense"):
        headers = web.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in headers
