"""The same call with the same key counts once, whatever happens around it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.tables import IdempotentCall
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp

Sessions = sessionmaker[Session]


def send(brand: Tenant, key: str, path: str = "/products", json: Any = None, **more: Any) -> httpx.Response:
    return brand.call("POST", path, json=json or lamp(), headers={"Idempotency-Key": key}, **more)


def test_a_repeat_gets_the_first_answer(brand: Tenant) -> None:
    first, second = send(brand, "k1"), send(brand, "k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(brand.get("/products")["items"]) == 1


def test_another_call_with_the_same_key_is_refused(brand: Tenant) -> None:
    send(brand, "k1")
    refused = send(brand, "k1", json=lamp("LAMP-ASH"))
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")
    assert send(brand, "k1", "/creators", creator_body()).status_code == 409
    assert len(brand.get("/products")["items"]) == 1


def test_a_key_is_the_callers_own(brand: Tenant, other: Tenant) -> None:
    assert send(brand, "shared").json()["id"] != send(other, "shared").json()["id"]
    assert send(brand, "shared", json=lamp("X"), role=Role.OPS).status_code == 201


def test_a_refused_call_leaves_its_key_free(brand: Tenant) -> None:
    assert send(brand, "k1", "/campaigns", campaign_body()).status_code == 422
    brand.post("/products", lamp())
    assert send(brand, "k1", "/campaigns", campaign_body()).status_code == 201


def test_two_at_once_count_once(brand: Tenant) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(brand, "race"), range(8)))
    codes = sorted(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert all(a.json()["code"] == "call_in_progress" for a in answers if a.status_code == 409)
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert len(brand.get("/products")["items"]) == 1


def test_a_call_whose_process_died_may_be_sent_again_after_a_minute(
    brand: Tenant, sessions: Sessions
) -> None:
    send(brand, "died")
    with sessions.begin() as session:
        mine = select(IdempotentCall.api_key_id).where(IdempotentCall.key == "died")
        session.execute(
            update(IdempotentCall)
            .where(IdempotentCall.api_key_id == session.scalars(mine).first(), IdempotentCall.key == "died")
            .values(status=None, body=None, created_at=datetime.now(UTC) - timedelta(seconds=30))
        )
    waiting = send(brand, "died")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "call_in_progress")
    assert waiting.headers["retry-after"]
    with sessions.begin() as session:
        session.execute(
            update(IdempotentCall)
            .where(IdempotentCall.key == "died")
            .values(created_at=datetime.now(UTC) - timedelta(seconds=61))
        )
    assert send(brand, "died").json()["code"] == "name_taken"  # it was worked again, as a fresh call


def test_a_secret_is_not_kept_for_the_repeat(brand: Tenant, sessions: Sessions) -> None:
    body = {"name": "warehouse", "role": "ops"}
    first = send(brand, "secret", "/api-keys", body)
    second = send(brand, "secret", "/api-keys", body)
    assert first.json()["secret"].startswith("hs_local_")
    assert second.json() == first.json() | {"secret": None}
    with sessions() as session:
        kept = session.scalars(select(IdempotentCall.body).where(IdempotentCall.key == "secret")).all()
    assert all(first.json()["secret"] not in str(body) for body in kept)


@pytest.mark.parametrize("key", ["", " ", "a" * 101, "with blank", "ümlaut"])
def test_a_key_that_is_no_key_is_refused(brand: Tenant, key: str) -> None:
    answer = brand.call("POST", "/products", json=lamp(), headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert brand.get("/products")["items"] == []
