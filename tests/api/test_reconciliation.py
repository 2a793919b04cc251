"""Differences and months over the API: who may do what, and a round that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.settings import Settings
from tests.api.conftest import Tenant, lamp
from tests.api.differences import found_difference
from tests.api.live import until, working

PATH = "/reconciliation/differences"


@pytest.fixture
def difference(brand: Tenant, sessions: sessionmaker[Session]) -> str:
    return found_difference(sessions, brand.id)


def test_finance_takes_notes_and_settles_and_everybody_sees_it(brand: Tenant, difference: str) -> None:
    member = brand.get("/members")["items"][0]["id"]
    body = {"owner": member, "note": "asked Stripe on Monday"}
    taken = brand.call("PATCH", f"{PATH}/{difference}", Role.FINANCE, json=body)
    assert (taken.json()["owner"], taken.json()["note"]) == (member, "asked Stripe on Monday")
    seen = brand.call("GET", PATH, Role.VIEWER).json()["items"]
    assert [(one["id"], one["keeps_open"], one["age_days"]) for one in seen] == [(difference, True, 0)]
    assert brand.get("/reconciliation")["open"]["theirs_without_ours"] == 1
    settle = {"json": {"reason": "made by hand"}}
    first = brand.call("POST", f"{PATH}/{difference}/settle", Role.FINANCE, **settle).json()
    again = brand.call("POST", f"{PATH}/{difference}/settle", Role.FINANCE, json={"reason": "another"}).json()
    assert (first["state"], first["reason"], first["owner"]) == ("settled", "made by hand", member)
    assert again == first
    assert brand.get(PATH)["items"] == []
    assert [one["id"] for one in brand.get(PATH, params={"state": "settled"})["items"]] == [difference]


def test_ops_sees_and_is_told_who_may(brand: Tenant, difference: str) -> None:
    assert brand.call("GET", f"{PATH}/{difference}", Role.OPS).status_code == 200
    answer = brand.call("POST", f"{PATH}/{difference}/settle", Role.OPS, json={"reason": "made by hand"})
    assert answer.status_code == 403
    assert "owner or finance" in answer.json()["detail"]
    assert brand.get(f"{PATH}/{difference}")["state"] == "open"


def test_an_address_is_kept_out_of_the_record(brand: Tenant, difference: str) -> None:
    answer = brand.call("POST", f"{PATH}/{difference}/settle", json={"reason": "see ana@mail.example"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "reason")


def test_lists_can_be_asked_one_by_one(
    brand: Tenant, difference: str, sessions: sessionmaker[Session]
) -> None:
    other = found_difference(sessions, brand.id, "tr_2", "amount_differs")
    for which, expected in (("theirs_without_ours", difference), ("amount_differs", other)):
        assert [one["id"] for one in brand.get(PATH, params={"list": which})["items"]] == [expected]


def test_a_running_month_is_refused_with_its_reason(brand: Tenant) -> None:
    brand.post("/products", lamp(cost=1450))
    month = f"{datetime.now(UTC):%Y-%m}"
    (shown,) = brand.get("/periods")["items"]
    assert (shown["month"], shown["state"]) == (month, "open")
    codes = [one["code"] for one in brand.get(f"/periods/{month}")["in_the_way"]]
    assert codes[0] == "period_running"
    answer = brand.call("POST", f"/periods/{month}/close", Role.FINANCE)
    assert (answer.status_code, answer.json()["code"]) == (409, "period_running")
    reopening = {"json": {"reason": "an invoice came late"}}
    assert brand.call("POST", f"/periods/{month}/reopen", Role.FINANCE, **reopening).status_code == 403
    answer = brand.call("POST", f"/periods/{month}/reopen", **reopening)
    assert (answer.status_code, answer.json()["code"]) == (409, "period_not_closed")


def test_a_round_that_is_asked_for_is_done(brand: Tenant, settings: Settings) -> None:
    with working(settings):
        asked = brand.post("/reconciliation/runs", status=200)["asked_at"]

        def done() -> bool:
            complete = brand.get("/reconciliation")["complete_at"]
            return complete is not None and complete > asked

        until(done, 60)
