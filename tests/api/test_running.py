"""A campaign that runs: commands, parcels out, tracking in, the carrier's news, and its end."""

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.pick_list import COLUMNS
from infra.settings import Settings
from infra.tables import ShipmentEvent
from infra.vault import PostalAddress
from tests.api.conftest import Tenant, creator_body
from tests.api.live import accept, launched, until, working
from tests.api.test_webhooks import send_carrier

Sessions = sessionmaker[Session]
HEADER = "shipment_id,carrier,tracking_number,tracking_url"


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@pytest.fixture
def parcels(brand: Tenant, web: TestClient, app: FastAPI, sessions: Sessions) -> Any:
    """A live campaign with three accepted offers: the campaign and the rows of its pick list."""
    campaign, collaborations = launched(brand, 3)
    risky = PostalAddress(
        name='=HYPERLINK("http://evil.example")',
        company="+49 GmbH",
        lines=["@home", "\t-2"],
        city="Berlin; Mitte",
        country="DE",
    )
    for number, one in enumerate(collaborations):
        accept(web, sessions, app.state.vault, one, risky if number == 0 else None)
    until(lambda: brand.get(f"/campaigns/{campaign['id']}")["counts"] == {"preparing": 3})
    return campaign, pick_list(brand, campaign)


def pick_list(brand: Tenant, campaign: Any, **query: str) -> list[dict[str, str]]:
    answer = brand.call("GET", f"/campaigns/{campaign['id']}/shipments.csv", params=query)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.text.splitlines()[0] == ",".join(COLUMNS)
    return rows


def track(brand: Tenant, lines: list[str], **more: Any) -> Any:
    content = "\r\n".join([HEADER, *lines]).encode()
    headers = {"Content-Type": "text/csv"} | more
    answer = brand.call("POST", "/shipments/tracking", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_pick_list_is_complete_and_safe_to_open(brand: Tenant, parcels: Any) -> None:
    _, rows = parcels
    assert len(rows) == 3
    assert {row["sku"] for row in rows} == {"LAMP-OAK"}
    (risky,) = [row for row in rows if row["company"]]
    for field in ("name", "company", "line1", "line2"):
        assert risky[field].startswith("'")
    assert risky["city"] == "Berlin; Mitte"
    plain = next(row for row in rows if not row["company"])
    assert (plain["name"], plain["line1"], plain["postcode"]) == ("Ana Müller", "Weg 1", "10115")


def test_addresses_are_for_those_who_ship(brand: Tenant, parcels: Any) -> None:
    campaign, _ = parcels
    for role in (Role.VIEWER, Role.FINANCE):
        assert brand.call("GET", f"/campaigns/{campaign['id']}/shipments.csv", role).status_code == 403
    assert "Weg 1" not in brand.call("GET", "/shipments").text


def test_tracking_ships_the_good_lines_and_reports_the_others(
    brand: Tenant, other: Tenant, parcels: Any
) -> None:
    campaign, rows = parcels
    first, second, third = (row["shipment_id"] for row in rows)
    unknown = "ship_01k9z3v5e8fw0a2t4s6q8r0b1c"
    lines = [
        f"{first},dhl,JD014600001,https://track.example/JD014600001",
        f"{second},dhl,=cmd,",
        f"{unknown},dhl,JD014600003,",
        f"{first},dhl,JD014600004,",
        f"{third},dhl,JD014600005,javascript:alert(1)",
    ]
    report = track(brand, lines)
    results = [(one["line"], one["result"], one["code"]) for one in report["results"]]
    assert results == [
        (2, "shipped", ""),
        (3, "refused", "invalid"),
        (4, "refused", "not_found"),
        (5, "refused", "twice"),
        (6, "refused", "invalid"),
    ]
    (shipped,) = brand.get("/shipments", params={"state": "shipped"})["items"]
    assert (shipped["tracking_number"], shipped["carrier"]) == ("JD014600001", "dhl")
    assert brand.get(f"/campaigns/{campaign['id']}")["counts"] == {"shipped": 1, "preparing": 2}
    assert track(other, [f"{second},dhl,JD014600009,"])["results"][0]["code"] == "not_found"
    assert len(pick_list(brand, campaign)) == 2


def test_the_same_tracking_again_changes_nothing_and_another_corrects(brand: Tenant, parcels: Any) -> None:
    _, rows = parcels
    line = f"{rows[0]['shipment_id']},dhl,JD014600011,"
    assert track(brand, [line])["shipped"] == 1
    assert track(brand, [line])["results"][0]["result"] == "unchanged"
    assert track(brand, [line.replace("11,", "12,")])["results"][0]["result"] == "corrected"
    (parcel,) = brand.get("/shipments", params={"state": "shipped"})["items"]
    assert parcel["tracking_number"] == "JD014600012"
    events = brand.get(f"/collaborations/{parcel['collaboration_id']}/events")["items"]
    assert [event["name"] for event in events].count("parcel_shipped") == 1


def test_costs_come_with_the_tracking_and_are_corrected_by_taking_back(brand: Tenant, parcels: Any) -> None:
    _, rows = parcels
    parcel = rows[0]["shipment_id"]
    header = f"{HEADER},freight_amount,duty_amount,cost_currency"

    def told(costs: str) -> Any:
        body = f"{header}\n{parcel},dhl,JD014600021,,{costs}"
        answer = brand.call("POST", "/shipments/tracking", content=body, headers={"Content-Type": "text/csv"})
        return answer.json()["results"][0]

    def booked(sort: str, currency: str) -> int:
        account = f"shipment:{parcel}:{sort}:{currency}"
        return int(brand.get("/ledger/balance", params={"account": account})["balance"])

    assert told("640,,")["result"] == "shipped"
    assert booked("freight", "USD") == 640
    assert told("640,,")["result"] == "unchanged"
    assert told("700,150,")["result"] == "corrected"
    assert (booked("freight", "USD"), booked("duty", "USD")) == (700, 150)
    assert told("80,150,EUR")["result"] == "corrected"
    assert (booked("freight", "USD"), booked("freight", "EUR"), booked("duty", "EUR")) == (0, 80, 150)
    for wrong in ("6.40,,", "-1,,", "640,,euro"):
        assert (told(wrong)["result"], told(wrong)["code"]) == ("refused", "invalid")
    assert (booked("freight", "EUR"), booked("duty", "USD")) == (80, 0)


def test_tracking_as_json_with_a_key_is_repeated_word_for_word(brand: Tenant, parcels: Any) -> None:
    _, rows = parcels
    body = {
        "shipments": [
            {"shipment_id": row["shipment_id"], "carrier": "ups", "tracking_number": f"1Z{number:06}"}
            for number, row in enumerate(rows)
        ]
    }
    answers = [
        brand.call("POST", "/shipments/tracking", json=body, headers={"Idempotency-Key": "friday"})
        for _ in range(2)
    ]
    assert answers[0].json()["shipped"] == 3
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"


def test_the_carriers_news_moves_the_collaboration(
    brand: Tenant, web: TestClient, sessions: Sessions, parcels: Any
) -> None:
    _, rows = parcels
    shipment = rows[0]["shipment_id"]
    number = f"JD{time.time_ns()}"
    track(brand, [f"{shipment},dhl,{number},"])
    (parcel,) = brand.get("/shipments", params={"state": "shipped"})["items"]
    path = f"/collaborations/{parcel['collaboration_id']}"
    event = {
        "id": f"evt_{number}",
        "tracking_number": number,
        "code": "delivered",
        "occurred_at": "2026-11-20T10:00:00Z",
        "reference": shipment,
    }
    for _ in range(2):
        assert send_carrier(web, event).status_code == 200
    until(lambda: brand.get(path)["stage"] == "in_production")
    found = brand.get(path)
    assert found["due_at"] is not None
    assert found["ball"] == "creator"
    with sessions() as session:
        query = select(ShipmentEvent.code).where(ShipmentEvent.shipment_id == shipment)
        assert session.scalars(query).all() == ["delivered"]


def test_a_command_counts_once_and_is_refused_where_it_does_not_fit(brand: Tenant) -> None:
    _, (collaboration,) = launched(brand, 1)
    path = f"/collaborations/{collaboration}"
    refused = brand.call("POST", f"{path}/commands/approve", json={"submission_id": "subm_" + "0" * 26})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_stage")
    before = brand.get(f"{path}/events")["items"]
    headers = {"Idempotency-Key": "step-back"}
    body = {"reason": "budget"}
    first = brand.call("POST", f"{path}/commands/withdraw", json=body, headers=headers)
    again = brand.call("POST", f"{path}/commands/withdraw", json=body, headers=headers)
    assert first.json()["stage"] == "withdrawn_by_brand"
    assert (first.status_code, first.content) == (again.status_code, again.content)
    events = brand.get(f"{path}/events")["items"]
    assert len(events) == len(before) + 1
    assert events[-1]["actor_kind"] == "brand"
    assert events[-1]["previous_hash"] == events[-2]["hash"]
    late = brand.call("POST", f"{path}/commands/withdraw", json=body)
    assert late.status_code == 409


def test_money_is_held_when_the_offer_is_accepted(
    brand: Tenant, web: TestClient, app: FastAPI, sessions: Sessions
) -> None:
    _, (collaboration,) = launched(brand, 1)
    accept(web, sessions, app.state.vault, collaboration)
    (entry,) = brand.get(f"/collaborations/{collaboration}/ledger")["items"]
    assert [line["amount"] for line in entry["movements"]] == [22_000]
    kinds = [one["kind"] for one in brand.get(f"/collaborations/{collaboration}/notices")["items"]]
    assert kinds == ["invitation", "accepted"]
    assert brand.get(f"/collaborations/{collaboration}/payouts")["items"] == []
    none = brand.call("GET", f"/collaborations/{collaboration}/gates")
    assert (none.status_code, none.json()["code"]) == (404, "no_report")


def test_a_campaign_is_paused_resumed_grown_and_cancelled(brand: Tenant) -> None:
    campaign, _ = launched(brand, 2)
    path = f"/campaigns/{campaign['id']}"
    assert brand.call("PATCH", path, json={"budget": 1}).json()["code"] == "wrong_status"
    assert brand.post(f"{path}/commands/pause", status=200)["status"] == "paused"
    assert brand.call("POST", f"{path}/commands/pause").json()["code"] == "wrong_status"
    assert brand.post(f"{path}/commands/resume", status=200)["status"] == "live"
    assert brand.post(f"{path}/commands/launch", status=200)["outcome"] == "already_launched"
    late = brand.post("/creators", creator_body(99))["id"]
    assert brand.post(f"{path}/invitations", {"creator_ids": [late]}, status=200)["invited"] == 1
    until(lambda: brand.get(path)["counts"] == {"invited": 3})
    assert brand.post(f"{path}/commands/cancel", status=200)["status"] == "cancelled"
    until(lambda: brand.get(path)["counts"] == {"withdrawn_by_brand": 3})
    refused = brand.call("POST", f"{path}/invitations", json={"creator_ids": [late]})
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_not_open")
