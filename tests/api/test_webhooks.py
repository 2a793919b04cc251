"""Messages from outside: signed ones are stored once, forged ones change nothing."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.carrier_webhooks import signature, signing_key
from api.main import create_app
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import Inbox
from tests.api.conftest import WEBHOOK_SECRETS

Sessions = sessionmaker[Session]
STRIPE = {
    "/webhooks/stripe": "stripe_webhook_secret",
    "/webhooks/stripe/connect": "stripe_connect_webhook_secret",
    "/webhooks/stripe/thin": "stripe_thin_webhook_secret",
}


def transfer_event(event_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "type": "transfer.created",
        "livemode": False,
        "created": int(time.time()),
        "request": {"id": None, "idempotency_key": "payout:x:1"},
        "data": {
            "object": {
                "id": "tr_1",
                "object": "transfer",
                "amount": 22000,
                "currency": "usd",
                "transfer_group": "payout_01k9z3v5e8fw0a2t4s6q8r0b1c",
                "metadata": {"attempt": "1", "name": "Ana Person"},
                "description": "for ana@mail.example",
            }
        },
        **changes,
    }


def thin_event(event_id: str) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "v2.core.event",
        "type": "v2.core.account[requirements].updated",
        "livemode": False,
        "created": datetime.now(UTC).isoformat(),
        "related_object": {"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"},
    }


def send_stripe(
    web: TestClient, path: str, body: Any, *, secret: str = "", at: int | None = None, tail: bytes = b""
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    moment = int(time.time()) if at is None else at
    key = (secret or WEBHOOK_SECRETS[STRIPE[path]]).encode()
    seal = hmac.new(key, f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={moment},v1={seal}", "Content-Type": "application/json"}
    return web.post(path, content=raw + tail, headers=headers)


def send_carrier(web: TestClient, event: Any, *, secret: str = "", at: int | None = None) -> httpx.Response:
    raw = json.dumps(event).encode()
    moment = str(int(time.time()) if at is None else at)
    key = signing_key(secret or WEBHOOK_SECRETS["carrier_webhook_secret"])
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": moment,
        "webhook-signature": signature(key, event["id"], moment, raw),
    }
    return web.post("/webhooks/carrier", content=raw, headers=headers)


def carrier_event(event_id: str) -> dict[str, Any]:
    return {
        "id": event_id,
        "tracking_number": "JD0146000042",
        "code": "in_transit",
        "occurred_at": datetime.now(UTC).isoformat(),
        "reference": new_id("shipment"),
    }


def stored(sessions: Sessions, event_id: str) -> list[Inbox]:
    with sessions() as session:
        return list(session.scalars(select(Inbox).where(Inbox.external_id == event_id)))


def test_a_signed_event_is_stored_once_with_ids_only(web: TestClient, sessions: Sessions) -> None:
    event_id = new_id("event")
    for _ in range(3):
        assert send_stripe(web, "/webhooks/stripe", transfer_event(event_id)).status_code == 200
    (row,) = stored(sessions, event_id)
    assert (row.source, row.type, row.handled_at) == ("stripe", "transfer.created", None)
    assert row.body["object_id"] == "tr_1"
    assert row.body["payout_id"] == "payout_01k9z3v5e8fw0a2t4s6q8r0b1c"
    assert row.body["idempotency_key"] == "payout:x:1"
    assert "Ana" not in str(row.body)
    assert "mail.example" not in str(row.body)


def test_each_address_takes_its_own_events(web: TestClient, sessions: Sessions) -> None:
    connect, thin = new_id("event"), new_id("event")
    body = transfer_event(connect, type="account.updated", account="acct_7")
    assert send_stripe(web, "/webhooks/stripe/connect", body).status_code == 200
    assert send_stripe(web, "/webhooks/stripe/thin", thin_event(thin)).status_code == 200
    assert stored(sessions, connect)[0].source == "stripe_connect"
    assert stored(sessions, connect)[0].body["account"] == "acct_7"
    assert stored(sessions, thin)[0].body["account"] == "acct_1"


def forgeries(web: TestClient) -> dict[str, httpx.Response]:
    event = transfer_event("evt_forged")
    now = int(time.time())
    raw = json.dumps(event).encode()
    path = "/webhooks/stripe"
    return {
        "no signature": web.post(path, content=raw),
        "empty signature": web.post(path, content=raw, headers={"Stripe-Signature": ""}),
        "garbled": web.post(path, content=raw, headers={"Stripe-Signature": "t=x,v1=\xe9".encode("latin-1")}),
        "wrong secret": send_stripe(web, path, event, secret="whsec_guess"),
        "secret of another address": send_stripe(
            web, path, event, secret=WEBHOOK_SECRETS["stripe_connect_webhook_secret"]
        ),
        "old": send_stripe(web, path, event, at=now - 3600),
        "from the future": send_stripe(web, path, event, at=now + 3600),
        "changed on its way": send_stripe(web, path, event, tail=b" "),
        "not an event": send_stripe(web, path, {"object": "list"}),
        "not JSON": send_stripe(web, path, b"\xff\xfe"),
        "thin to the wrong address": send_stripe(web, path, thin_event("evt_forged")),
        "live money": send_stripe(web, path, transfer_event("evt_forged", livemode=True)),
        "carrier, wrong secret": send_carrier(web, carrier_event("evt_forged"), secret="guess"),
        "carrier, old": send_carrier(web, carrier_event("evt_forged"), at=now - 3600),
        "carrier, not signed": web.post("/webhooks/carrier", json=carrier_event("evt_forged")),
        "carrier, other code": send_carrier(web, carrier_event("evt_forged") | {"code": "eaten"}),
    }


def test_a_forgery_is_refused_and_changes_nothing(web: TestClient, sessions: Sessions) -> None:
    with sessions() as session:
        before = session.scalar(select(func.count()).select_from(Inbox))
    for name, answer in forgeries(web).items():
        assert answer.status_code == 400, (name, answer.text)
        assert answer.json()["code"] in ("forged", "wrong_mode"), name
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Inbox)) == before


def test_a_flood_is_cut_off(web: TestClient) -> None:
    for path in (*STRIPE, "/webhooks/carrier"):
        assert web.post(path, content=b"x" * 300_000).status_code == 413


def test_a_carriers_event_is_stored_once(web: TestClient, sessions: Sessions) -> None:
    event = carrier_event(new_id("event"))
    assert send_carrier(web, event).status_code == 200
    assert send_carrier(web, event).status_code == 200
    (row,) = stored(sessions, event["id"])
    assert (row.source, row.type) == ("carrier", "in_transit")
    assert set(row.body) == {"tracking_number", "reference", "occurred_at"}


@pytest.mark.parametrize("path", [*STRIPE, "/webhooks/carrier"])
def test_without_its_secret_an_address_does_not_exist(settings: Settings, path: str) -> None:
    none = dict.fromkeys([*STRIPE.values(), "carrier_webhook_secret"], "")
    with TestClient(create_app(settings.model_copy(update=none))) as web:
        assert web.post(path, json={}).status_code == 404


def test_who_forges_too_often_is_told_to_wait_and_signed_messages_still_count(api_settings: Settings) -> None:
    with TestClient(create_app(api_settings)) as web:
        wrong = [send_stripe(web, "/webhooks/stripe", b"{}", secret="whsec_wrong") for _ in range(61)]
        assert [answer.status_code for answer in wrong] == [400] * 60 + [429]
        assert int(wrong[-1].headers["retry-after"]) > 0
        assert wrong[-1].json()["code"] == "too_many"
        event = transfer_event(f"evt_{new_id('job')}")
        assert send_stripe(web, "/webhooks/stripe", event).status_code == 200
