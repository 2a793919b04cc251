"""Every operation as every role, as nobody, and with another brand's ids."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api.auth import roles_of
from domain.ledger import payout_id
from domain.roles import Role
from infra.ids import new_id
from infra.tables import Payout, PayoutRunRow
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp
from tests.api.differences import found_difference

BODIES: dict[str, Any] = {
    "set_account_codes": {"codes": [{"account": "world", "code": "9999"}]},
    "change_difference": {"note": "asked Stripe"},
    "settle_difference": {"reason": "made by hand"},
    "reopen_period": {"reason": "an invoice came late"},
    "change_member": {"role": "viewer"},
    "change_variant": {"stock": 5},
    "add_variant": {"name": "Ash", "sku": "LAMP-ASH", "retail_amount": 1},
    "erase_creator": {"rule": "creator_asked"},
    "change_creator": {"do_not_contact": "asked"},
    "change_campaign": {"budget": 200_000},
    "refuse_payout": {"reason": "odd"},
    "hold_payout": {"reason": "odd"},
    "release_payout": {"reason": "fine"},
    "override_gate": {"gate": "not_duplicate", "reason": "fine", "remark": "Asked."},
    "approve_payouts": {"all_waiting": True},
    "record_off_platform": {"document_id": "document_01k9z3v5e8fw0a2t4s6q8r0b1c", "method": "cash"},
    "refuse_off_platform": {"reason": "odd"},
    "request_clawback": {"amount": 1, "reason": "odd", "remark": "Asked."},
    "approve_clawback": {"number": 1},
    "refuse_clawback": {"number": 1, "reason": "odd"},
    "settle_reversal": {"reason": "seen"},
    "set_approval_rules": {"other_currencies": 1},
    "check_caption": {
        "platform": "instagram",
        "format": "post",
        "jurisdiction": "US",
        "relationship": "paid",
        "brand": {"name": "Lumen & Oak"},
        "caption": "Ad: a lamp.",
    },
}
SUBMISSION = "subm_01k9z3v5e8fw0a2t4s6q8r0b1c"


@pytest.fixture
def things(brand: Tenant, sessions: sessionmaker[Session]) -> dict[str, str]:
    """One of everything that an address can name."""
    product = brand.post("/products", lamp(cost=1450))
    creator = brand.post("/creators", creator_body())
    campaign = brand.post("/campaigns", campaign_body())
    invited = brand.post(
        f"/campaigns/{campaign['id']}/invitations", {"creator_ids": [creator["id"]]}, status=200
    )
    return {
        "difference_id": found_difference(sessions, brand.id),
        "month": f"{datetime.now(UTC):%Y-%m}",
        "product_id": product["id"],
        "variant_id": product["variants"][0]["id"],
        "creator_id": creator["id"],
        "campaign_id": campaign["id"],
        "collaboration_id": invited["collaboration_ids"][0],
        "payout_id": a_payout(sessions, brand, invited["collaboration_ids"][0], creator["id"]),
        "member_id": brand.get("/members")["items"][0]["id"],
        "invitation_id": brand.post(
            "/member-invitations", {"name": "Ina", "email": "ina@lumen.example", "role": "ops"}
        )["id"],
        "key_id": brand.get("/api-keys")["items"][-1]["id"],
        "command": "pause",
        "run_id": a_run(sessions, brand),
    }


def a_payout(sessions: sessionmaker[Session], brand: Tenant, of: str, creator_id: str) -> str:
    """A payment that is due, written past the workflow: only its address matters here."""
    with sessions.begin() as session:
        session.add(
            Payout(
                id=payout_id(of),
                brand_id=brand.id,
                collaboration_id=of,
                creator_id=creator_id,
                amount=1,
                currency="USD",
                state="written_by_a_test",
                pay_by=datetime.now(UTC),
                created_at=datetime.now(UTC),
            )
        )
    return payout_id(of)


def a_run(sessions: sessionmaker[Session], brand: Tenant) -> str:
    """A payout run that is over."""
    now = datetime.now(UTC)
    run_id = new_id("payout_run")
    with sessions.begin() as session:
        session.add(
            PayoutRunRow(
                id=run_id, brand_id=brand.id, currency="USD", state="finished", opened_at=now, ended_at=now
            )
        )
    return run_id


def operations(web: TestClient) -> list[tuple[str, str, str]]:
    """Method, path below /api/v1 and name of every operation that needs a key."""
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    return [
        (method.upper(), path.removeprefix("/api/v1"), operation["operationId"])
        for path, methods in paths.items()
        if path.startswith("/api/v1/")
        for method, operation in methods.items()
    ]


def body_for(name: str, things: dict[str, str]) -> Any:
    if name == "invite_creators":
        return {"creator_ids": [things["creator_id"]]}
    if name.startswith("command_"):
        known = {
            "command_approve": {"submission_id": SUBMISSION},
            "command_request_changes": {"submission_id": SUBMISSION, "feedback": "brighter"},
            "command_ship": {"shipment_id": "ship_01k9z3v5e8fw0a2t4s6q8r0b1c"},
            "command_accept_post": {"reason": "seen"},
            "command_reject_post": {"reason": "seen"},
            "command_settle_finding": {"verdict": "accepted", "reason": "seen"},
            "command_settle_attempt": {"result": "refused"},
            "command_record_off_platform": {
                "payout_id": things["payout_id"],
                "document_id": "document_01k9z3v5e8fw0a2t4s6q8r0b1c",
                "method": "cash",
            },
            "command_approve_off_platform": {"payout_id": things["payout_id"]},
            "command_refuse_off_platform": {"payout_id": things["payout_id"], "reason": "odd"},
            "command_request_clawback": {"payout_id": things["payout_id"], "amount": 1, "reason": "odd"},
            "command_approve_clawback": {"number": 1},
            "command_refuse_clawback": {"number": 1, "reason": "odd"},
            "command_settle_clawback": {"number": 1, "result": "refused"},
            "command_settle_reversal": {"payout_id": things["payout_id"], "reason": "seen"},
            "command_approve_payout": {"payout_id": things["payout_id"]},
            "command_refuse_payout": {"payout_id": things["payout_id"], "reason": "odd"},
            "command_hold_payout": {"reason": "odd"},
            "command_release_payout": {"reason": "fine"},
            "command_override_gate": {
                "payout_id": things["payout_id"],
                "gate": "not_duplicate",
                "reason": "fine",
            },
        }
        return known.get(name)
    return BODIES.get(name)


def test_without_a_key_every_operation_is_refused_and_says_so(web: TestClient) -> None:
    for method, path, name in operations(web):
        answer = web.request(method, "/api/v1" + re.sub(r"\{\w+\}", "x", path))
        assert answer.status_code == 401, name
        assert answer.json()["code"] == "no_key"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header", ["Bearer hs_local_guess", "Basic abc", "Bearer", "hs_local_x", "Bearer \xe9"]
)
def test_a_wrong_key_is_refused(web: TestClient, header: str) -> None:
    answer = web.get("/api/v1/brand", headers={"Authorization": header.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_key")


def test_a_role_may_do_exactly_what_the_table_says(
    web: TestClient, brand: Tenant, things: dict[str, str]
) -> None:
    for method, path, name in operations(web):
        for role in Role:
            if role in roles_of(name):
                continue
            answer = brand.call(method, path.format(**things), role, json=body_for(name, things))
            assert answer.status_code == 403, (name, role, answer.text)
            assert answer.json()["code"] == "forbidden"


def test_the_least_role_is_let_in(web: TestClient, brand: Tenant, things: dict[str, str]) -> None:
    order = [Role.VIEWER, Role.FINANCE, Role.OPS, Role.OWNER]
    for method, path, name in operations(web):
        if method == "DELETE":
            continue
        role = next(role for role in order if role in roles_of(name))
        answer = brand.call(method, path.format(**things), role, json=body_for(name, things))
        if answer.status_code == 403 and answer.json()["code"] == "needs_person":
            continue  # the role is right, and a key is not a person
        assert answer.status_code not in (401, 403, 500, 503), (name, answer.text)


def test_what_belongs_to_another_brand_does_not_exist(
    web: TestClient, brand: Tenant, other: Tenant, things: dict[str, str]
) -> None:
    before = brand.get(f"/campaigns/{things['campaign_id']}"), brand.get("/members"), brand.get("/products")
    for method, path, name in operations(web):
        if "{" not in path:
            continue
        answer = other.call(method, path.format(**things), json=body_for(name, things))
        assert answer.status_code == 404, (name, answer.status_code, answer.text)
    after = brand.get(f"/campaigns/{things['campaign_id']}"), brand.get("/members"), brand.get("/products")
    assert before == after


def test_lists_hold_the_callers_own_things_only(brand: Tenant, other: Tenant, things: dict[str, str]) -> None:
    for path in ("/campaigns", "/creators", "/products", "/collaborations", "/shipments"):
        assert other.get(path)["items"] == []
    assert other.get("/members")["items"][0]["id"] != things["member_id"]


def test_another_brands_creators_cannot_be_invited(
    brand: Tenant, other: Tenant, things: dict[str, str]
) -> None:
    other.post("/products", lamp())
    campaign = other.post("/campaigns", campaign_body())
    report = other.post(
        f"/campaigns/{campaign['id']}/invitations", {"creator_ids": [things["creator_id"]]}, status=200
    )
    assert report["skipped"] == [{"creator_id": things["creator_id"], "reason": "unknown"}]
    assert report["invited"] == 0


def test_a_viewer_sees_creators_without_their_personal_data(brand: Tenant, things: dict[str, str]) -> None:
    path = f"/creators/{things['creator_id']}"
    assert brand.get(path)["profile"]["email"] == "creator1@mail.example"
    assert brand.call("GET", path, Role.VIEWER).json()["profile"] is None


def test_a_key_is_shown_once_and_counts_until_it_is_revoked(web: TestClient, brand: Tenant) -> None:
    made = brand.post("/api-keys", {"name": "warehouse", "role": "ops"})
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert made["secret"].startswith("hs_local_")
    assert web.get("/api/v1/brand", headers=headers).status_code == 200
    listed = brand.call("GET", "/api-keys").text
    assert made["id"] in listed
    assert made["secret"] not in listed
    assert brand.call("DELETE", f"/api-keys/{made['id']}").json()["revoked_at"]
    assert web.get("/api/v1/brand", headers=headers).status_code == 401


def test_there_is_always_an_owner(brand: Tenant) -> None:
    owner = brand.get("/members")["items"][0]
    refused = brand.call("DELETE", f"/members/{owner['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    refused = brand.call("PATCH", f"/members/{owner['id']}", json={"role": "viewer"})
    assert refused.json()["code"] == "last_owner"
    second = brand.post("/members", {"name": "Omar", "email": "omar@lumen.example", "role": "owner"})
    assert brand.call("DELETE", f"/members/{owner['id']}").status_code == 200
    assert [one["id"] for one in brand.get("/members")["items"]] == [second["id"]]
    again = brand.post("/members", {"name": "Olga", "email": "olga@lumen.example", "role": "finance"})
    assert again["id"] == owner["id"]
