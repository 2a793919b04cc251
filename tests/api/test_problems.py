"""Whatever goes wrong: one form, a stable code that is explained, and no word too many."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog.testing
from fastapi.testclient import TestClient

from api import explanations, traffic
from api.main import create_app
from infra.settings import Settings
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp

PROJECT = Path(__file__).resolve().parents[2]
INTERNAL = {
    "account_short",
    "audit_unfit",
    "audit_unchained",
    "audit_broken",
    "evidence_lost",
    "entry_differs",
    "entry_repeated",
    "integrity",
    "request_differs",
    "sequence_differs",
    "vault_unreadable",
    "already_recorded",
    "certificate_unsound",
}
"""Codes of defects and of retries inside; a caller sees `defect` or nothing."""


def raised_codes() -> Iterator[str]:
    """Every code that domain, workflows, infra and the API give to an error; pages speak in sentences."""
    for folder in ("domain", "workflows", "infra", "api"):
        for file in (PROJECT / folder).rglob("*.py"):
            if {"local", "demo", "pages"} & set(file.parts):
                continue
            tree = ast.parse(file.read_text())
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.keyword)
                    and node.arg == "code"
                    and isinstance(node.value, ast.Constant)
                ):
                    yield str(node.value.value)
                own = isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == [
                    "code"
                ]
                if own and isinstance(node.value, ast.Constant):
                    yield str(node.value.value)


def test_every_code_is_explained() -> None:
    missing = {code for code in raised_codes() if re.fullmatch("[a-z_]+", code)}
    assert missing - set(explanations.EXPLANATIONS) - INTERNAL == set()


def test_the_document_says_what_the_page_says(web: TestClient) -> None:
    assert (PROJECT / "docs/errors.md").read_text() == explanations.as_markdown()
    page = web.get("/docs/errors")
    assert page.status_code == 200
    assert all(f'id="{code}"' in page.text for code in explanations.EXPLANATIONS)


def test_a_problem_has_the_form_of_rfc_9457(brand: Tenant) -> None:
    answer = brand.call("GET", "/campaigns/campaign_01k9z3v5e8fw0a2t4s6q8r0b1c")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/docs/errors#not_found"
    assert (problem["status"], problem["title"], problem["code"]) == (404, "Not Found", "not_found")
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_what_a_caller_sent_is_not_repeated(brand: Tenant) -> None:
    answer = brand.call("POST", "/creators", json=creator_body(email="ana person@mail", phone="call me"))
    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"email", "phone"}
    assert "ana person" not in answer.text
    assert "call me" not in answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"name": "\\u0000"}', 422),
        (b'{"name": "\\ud800"}', 422),
        (b"\xff\xfe", 422),
        (b'{"name": ' + b"[" * 5_000, 400),
        (b"x" * 1_000_001, 413),
    ],
)
def test_a_body_that_cannot_be_read(brand: Tenant, content: bytes, status: int) -> None:
    answer = brand.call("POST", "/products", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert brand.get("/products")["items"] == []


def test_a_typing_error_in_a_query_is_noticed(brand: Tenant) -> None:
    answer = brand.call("GET", "/creators", params={"limt": 10})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limt")


def test_an_address_that_is_nothing(web: TestClient, brand: Tenant) -> None:
    assert web.get("/api/v1/nothing").json()["code"] == "not_found"
    wrong = brand.call("PUT", "/brand")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"]


def test_a_command_that_is_not_the_brands(brand: Tenant) -> None:
    brand.post("/products", lamp())
    campaign = brand.post("/campaigns", campaign_body())
    creator = brand.post("/creators", creator_body())
    path = f"/campaigns/{campaign['id']}/invitations"
    (collaboration,) = brand.post(path, {"creator_ids": [creator["id"]]}, status=200)["collaboration_ids"]
    for command in ("accept", "invite", "confirm_transfer", "explode"):
        answer = brand.call("POST", f"/collaborations/{collaboration}/commands/{command}", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_command")


def test_reads_work_and_commands_wait_while_temporal_is_away(settings: Settings, brand: Tenant) -> None:
    away = settings.model_copy(update={"temporal_address": "127.0.0.1:9"})
    with TestClient(create_app(away), raise_server_exceptions=False) as web:
        tenant = Tenant(brand.id, brand.keys, web)
        assert web.get("/readyz").json() == {"status": "degraded", "database": True, "temporal": False}
        tenant.post("/products", lamp())
        campaign = tenant.post("/campaigns", campaign_body())
        answer = tenant.call("POST", f"/campaigns/{campaign['id']}/commands/launch")
        assert answer.status_code in (202, 503)
        assert answer.headers["retry-after"]
        assert tenant.get(f"/campaigns/{campaign['id']}")["status"] == "draft"


def test_without_a_database_the_process_lives_and_says_so(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+psycopg://x:y@127.0.0.1:9/z"})
    with TestClient(create_app(away), raise_server_exceptions=False) as web:
        assert web.get("/healthz").status_code == 200
        assert web.get("/readyz").status_code == 503
        answer = web.get("/api/v1/brand", headers={"Authorization": "Bearer hs_local_x"})
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert "127.0.0.1" not in answer.text


def test_logs_name_the_route_and_no_person(brand: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    # A logger that was used before this process was configured anew would not be captured.
    monkeypatch.setattr(traffic, "log", structlog.get_logger("handsel.http"))
    with structlog.testing.capture_logs() as lines:
        brand.post("/creators", creator_body())
        brand.get("/creators")
    told = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("POST", "/creators", 201),
        ("GET", "/creators", 200),
    ]
    assert "creator1@" not in str(lines)
    assert "Number1" not in str(lines)
