"""Money that comes back, over the API and the real parts: a clawback after the end, a payment elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from domain.commands import ConfirmTransfer
from domain.ledger import payout_id
from infra.ledger_check import check
from infra.settings import Settings
from tests.api.live import until, working
from tests.api.test_payouts import Desk
from tests.records.finance import ONE_APPROVAL, approve, person, set_rules
from tests.records.office import STRIPE


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


def test_a_clawback_after_the_end_is_asked_by_one_and_approved_by_another(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    mo, ida = person(desk.office), person(desk.office)
    assert desk.give(of, approve(of), mo) == "done"
    desk.paid(of)
    (made,) = desk.gateway.find_transfers(payout_id(of))
    confirm = ConfirmTransfer(payout_id=payout_id(of), transfer_id=made.transfer_id)
    assert desk.give(of, confirm, STRIPE) in ("done", "ended")
    until(lambda: desk.office.state(of).stage == "completed", 120)
    path = f"/payouts/{payout_id(of)}"
    one, other = desk.signed_in(mo), desk.signed_in(ida)
    body = {"amount": 10_000, "reason": "post_deleted", "remark": "Gone after two days."}
    assert one.post(f"{path}/clawback", body, status=200)["outcome"] == "clawback_requested"
    refused = one.call("POST", f"{path}/clawback/approve", json={"number": 1})
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    assert other.post(f"{path}/clawback/approve", {"number": 1}, status=200)["stage"] == "completed"
    until(lambda: one.get(path)["clawbacks"][0]["state"] == "done", 120)
    (transfer,) = desk.gateway.find_transfers(payout_id(of))
    assert transfer.amount_reversed == 10_000
    shown = one.get(path)
    assert (shown["returned"], shown["clawbacks"][0]["decided_by"]) == (10_000, f"brand:{ida.id}")
    assert desk.office.balance(f"campaign:{desk.office.campaign_id}:budget") == 10 * 22_000 - 22_000 + 10_000
    with desk.office.sessions() as session:
        assert [one for one in check(session) if of in one.subject or payout_id(of) in one.subject] == []


def test_paid_elsewhere_with_a_document(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    mo, ida = person(desk.office), person(desk.office)
    one, other = desk.signed_in(mo), desk.signed_in(ida)
    path = f"/payouts/{payout_id(of)}"
    receipt = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    sent = {"content": receipt, "headers": {"Content-Type": "application/pdf"}}
    document = one.call("POST", f"{path}/documents", **sent)
    assert document.status_code == 201, document.text
    assert one.call("POST", f"{path}/documents", **sent).json()["id"] == document.json()["id"]
    wrong = one.call(
        "POST", f"{path}/documents", content=b"MZ...", headers={"Content-Type": "application/pdf"}
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "body")
    body = {"document_id": document.json()["id"], "method": "bank_transfer", "remark": "Monday."}
    assert one.post(f"{path}/off-platform", body, status=200)["outcome"] == "off_platform_reported"
    desk.flagged(of, "off_platform_asked")
    assert one.call("POST", f"{path}/off-platform/approve").json()["code"] == "four_eyes"
    assert other.post(f"{path}/off-platform/approve", status=200)["stage"] == "completed"
    shown = one.get(path)
    assert (shown["state"], shown["off_platform"][0]["state"]) == ("paid_elsewhere", "approved")
    assert desk.attempts(of) == desk.transfers(of) == 0
