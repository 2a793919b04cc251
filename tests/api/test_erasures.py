"""An owner erases a creator over the API; whoever may not is refused, and the answer never names anybody."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.erasure.destroy import Eraser
from infra.objects import ObjectStore
from infra.settings import Settings
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp


def test_an_owner_erases_a_creator_and_gets_the_certificate(
    brand: Tenant, app: FastAPI, sessions: sessionmaker[Session], settings: Settings
) -> None:
    body = creator_body()
    creator = brand.post("/creators", body)["id"]
    assert brand.call("GET", f"/creators/{creator}/erasure").status_code == 404
    asked = brand.post(f"/creators/{creator}/erasure", {"rule": "creator_asked"}, status=200)
    assert asked["certificate"] is None
    Eraser(sessions, ObjectStore(settings)).finish(asked["id"], datetime.now(UTC))
    ended = brand.get(f"/creators/{creator}/erasure")
    assert ended["certificate"]["destroyed"]["keys"] == 1
    assert ended["certificate"]["creator_id"] == creator
    shown = brand.get(f"/creators/{creator}")
    assert (shown["profile"], shown["accounts"], shown["do_not_contact"]) == (None, [], "erased")
    again = brand.post(f"/creators/{creator}/erasure", {"rule": "creator_asked"}, status=200)
    assert again["certificate"] == ended["certificate"]
    assert brand.post("/creators", body)["id"] != creator, "the address is not known any more"


def test_who_is_in_a_collaboration_is_not_erased_and_the_answer_names_it(brand: Tenant) -> None:
    brand.post("/products", lamp())
    creator = brand.post("/creators", creator_body())["id"]
    campaign = brand.post("/campaigns", campaign_body())["id"]
    invited = brand.post(f"/campaigns/{campaign}/invitations", {"creator_ids": [creator]}, status=200)
    answer = brand.call("POST", f"/creators/{creator}/erasure", json={"rule": "creator_asked"})
    assert (answer.status_code, answer.json()["code"]) == (409, "collaboration_open")
    assert invited["collaboration_ids"][0] in answer.json()["detail"]
    assert brand.get(f"/creators/{creator}")["do_not_contact"] == ""


def test_a_wrong_rule_names_its_field_and_only_an_owner_may(brand: Tenant) -> None:
    creator = brand.post("/creators", creator_body())["id"]
    answer = brand.call("POST", f"/creators/{creator}/erasure", json={"rule": "because"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "rule"
    for role in (Role.OPS, Role.FINANCE, Role.VIEWER):
        refused = brand.call("POST", f"/creators/{creator}/erasure", role, json={"rule": "creator_asked"})
        assert refused.status_code == 403
