"""The local carrier, and what the API believes of what it sends."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.adapters.carrier_webhooks import signature, signing_key, verify
from activities.carrier_port import CarrierCode, CarrierEvent, WebhookForged
from tests.outside.programs import Program, eventually, free_port

SECRET = "a-secret-of-this-test"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Receiver:
    """An HTTP server that takes webhooks as the API does: verified, or not taken."""

    def __init__(self, port: int) -> None:
        self.events: list[CarrierEvent] = []
        self.refuse = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.refuse:
                    self.send_response(503)
                else:
                    receiver.events.append(verify(dict(self.headers), body, SECRET, datetime.now(UTC)))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def codes(self, reference: str) -> list[str]:
        return [event.code.value for event in self.events if event.reference == reference]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def carrier_and_receiver(
    state: Path, listening: bool = True
) -> Iterator[tuple[Program, Callable[[], Receiver]]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api/v1/webhooks/carriers"
    words = ("--state", str(state), "--secret", SECRET, "--webhook-url", url)
    program = Program("infra.local.carrier", words).start()
    opened: list[Receiver] = []

    def receiver() -> Receiver:
        if not opened:
            opened.append(Receiver(port))
        return opened[0]

    if listening:
        receiver()
    try:
        yield program, receiver
    finally:
        program.stop()
        for one in opened:
            one.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Receiver]]:
    with carrier_and_receiver(tmp_path_factory.mktemp("carrier") / "carrier.db") as (program, receiver):
        yield program, receiver()


def ship(carrier: Program, reference: str, *plan: tuple[float, str], status: int = 201) -> dict[str, Any]:
    shipment = {
        "reference": reference,
        "country": "US",
        "service": "express",
        "plan": [{"after": after, "code": code} for after, code in plan],
    }
    answer = httpx.post(f"{carrier.url}/_carrier/shipments", json=shipment)
    assert answer.status_code == status, answer.text
    return answer.json()


JOURNEY = ((0, "label_created"), (0.1, "in_transit"), (0.2, "out_for_delivery"), (0.3, "delivered"))


def test_a_parcel_goes_its_way_and_every_step_is_told_once_in_order(pair: tuple[Program, Receiver]) -> None:
    carrier, receiver = pair
    parcel = ship(carrier, "ship_journey", *JOURNEY)
    assert eventually(lambda: len(receiver.codes("ship_journey")) == 4)
    assert receiver.codes("ship_journey") == [code for _, code in JOURNEY]
    last = receiver.events[-1]
    assert last.tracking_number == parcel["tracking_number"]
    assert abs((last.occurred_at - datetime.now(UTC)).total_seconds()) < 5
    page = httpx.get(parcel["tracking_url"])
    assert page.status_code == 200
    assert "out for delivery" in page.text
    listed = httpx.get(f"{carrier.url}/_carrier/parcels", params={"reference": "ship_journey"}).json()
    assert [event["code"] for event in listed[0]["events"]] == [code for _, code in JOURNEY]
    assert listed[0]["tracking_number"] == parcel["tracking_number"]
    time.sleep(0.3)
    assert len(receiver.codes("ship_journey")) == 4


@pytest.mark.parametrize("code", sorted(CarrierCode))
def test_every_code_is_told(pair: tuple[Program, Receiver], code: str) -> None:
    carrier, receiver = pair
    ship(carrier, f"ship_{code}", (0, code))
    assert eventually(lambda: receiver.codes(f"ship_{code}") == [code])


def test_handing_in_a_parcel_twice_ships_one(pair: tuple[Program, Receiver]) -> None:
    carrier, receiver = pair
    first = ship(carrier, "ship_twice", (0, "label_created"))
    second = ship(carrier, "ship_twice", (0, "label_created"), status=200)
    assert first["tracking_number"] == second["tracking_number"]
    eventually(lambda: receiver.codes("ship_twice"))
    time.sleep(0.2)
    assert receiver.codes("ship_twice") == ["label_created"]


def test_an_event_by_hand_ends_the_plan_when_it_is_final(pair: tuple[Program, Receiver]) -> None:
    carrier, receiver = pair
    parcel = ship(carrier, "ship_hand", (0, "in_transit"), (0.6, "delivered"))
    url = f"{carrier.url}/_carrier/parcels/{parcel['tracking_number']}/events"
    assert httpx.post(url, json={"code": "lost"}).status_code == 201
    assert eventually(lambda: "lost" in receiver.codes("ship_hand"))
    time.sleep(0.8)
    assert "delivered" not in receiver.codes("ship_hand")
    assert httpx.post(url.replace("HL", "XX"), json={"code": "lost"}).status_code == 404


def test_a_default_plan_delivers(pair: tuple[Program, Receiver]) -> None:
    carrier, _ = pair
    answer = httpx.post(f"{carrier.url}/_carrier/shipments", json={"reference": "plain", "country": "DE"})
    planned = [step["code"] for step in answer.json()["planned"]]
    assert planned[-1] == "delivered"


def test_bad_parcels_name_the_field(pair: tuple[Program, Receiver]) -> None:
    carrier, _ = pair
    for wrong in ({"country": "us"}, {"plan": [{"after": 1, "code": "teleported"}]}, {"reference": ""}):
        shipment = {"reference": "x", "country": "US"} | wrong
        answer = httpx.post(f"{carrier.url}/_carrier/shipments", json=shipment)
        assert answer.status_code == 422
        assert next(iter(wrong)) in answer.text


def test_unacknowledged_news_is_told_again_with_the_same_id(pair: tuple[Program, Receiver]) -> None:
    carrier, receiver = pair
    receiver.refuse = True
    parcel = ship(carrier, "ship_refused", (0, "delivered"))
    time.sleep(0.4)
    receiver.refuse = False
    assert eventually(lambda: receiver.codes("ship_refused") == ["delivered"])
    listed = httpx.get(f"{carrier.url}/_carrier/parcels/{parcel['tracking_number']}").json()
    told = [event for event in receiver.events if event.reference == "ship_refused"]
    assert [event["id"] for event in listed["events"]] == [event.id for event in told]


def test_nothing_is_lost_when_carrier_and_receiver_die(tmp_path: Path) -> None:
    with carrier_and_receiver(tmp_path / "c.db", listening=False) as (carrier, open_receiver):
        for n in range(15):
            ship(carrier, f"ship_{n}", (0, "in_transit"), (0.4, "delivered"))
        time.sleep(0.2)
        carrier.kill()
        time.sleep(0.4)
        carrier.start()
        receiver = open_receiver()
        assert eventually(lambda: len({(e.reference, e.code) for e in receiver.events}) == 30, 15)
        assert len({event.id for event in receiver.events}) == 30


def test_modes_make_news_double_late_or_missing_but_never_the_last(tmp_path: Path) -> None:
    plan = ((0, "label_created"), (0.05, "in_transit"), (0.1, "out_for_delivery"), (0.15, "delivered"))
    outcomes = []
    for run in range(2):
        with carrier_and_receiver(tmp_path / f"{run}.db") as (carrier, open_receiver):
            modes = {"seed": 7, "duplicate": 0.3, "out_of_order": 0.3, "missing": 0.3, "hold": 0.5}
            httpx.put(f"{carrier.url}/_carrier/modes", json=modes).raise_for_status()
            receiver = open_receiver()
            for n in range(20):
                ship(carrier, f"ship_{n}", *plan)
            eventually(lambda r=receiver: sum(e.code == "delivered" for e in r.events) >= 20)
            time.sleep(1.0)
            outcomes.append(Counter((e.reference, e.code) for e in receiver.events))
            in_order = [code for _, code in plan]
            orders = [receiver.codes(f"ship_{n}") for n in range(20)]
    told = outcomes[0]
    assert outcomes[1] == told, "the same seed gives the same troubles"
    assert all(told[f"ship_{n}", CarrierCode.DELIVERED] >= 1 for n in range(20))
    assert set(told.values()) == {1, 2}
    assert len(told) < 80
    assert any(order != sorted(order, key=in_order.index) for order in orders)


def test_an_idle_carrier_costs_nothing(pair: tuple[Program, Receiver]) -> None:
    carrier, _ = pair
    assert carrier.process is not None
    ship(carrier, "ship_far", (100_000, "delivered"))
    stat = Path(f"/proc/{carrier.process.pid}/stat")
    if not stat.exists():
        pytest.skip("needs /proc to read the processor time of a process")

    def ticks() -> int:
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    time.sleep(0.5)
    before = ticks()
    time.sleep(2)
    assert ticks() - before <= 5, "more than 2.5 % of a core while nothing is due"


# What is believed


def message(secret: str = SECRET, now: datetime = NOW, **changed: object) -> tuple[dict[str, str], bytes]:
    event = {
        "id": "evt_1",
        "tracking_number": "HL1",
        "code": "delivered",
        "occurred_at": "2026-11-23T11:59:00Z",
        "reference": "ship_1",
    } | changed
    body = json.dumps(event).encode()
    timestamp = str(int(now.timestamp()))
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": signature(signing_key(secret), "evt_1", timestamp, body),
    }
    return headers, body


def test_a_true_message_is_believed() -> None:
    headers, body = message()
    event = verify(headers, body, SECRET, NOW)
    assert (event.code, event.reference, event.tracking_number) == ("delivered", "ship_1", "HL1")
    rotated = headers | {"Webhook-Signature": "v1,bm90IHRoaXM= " + headers["Webhook-Signature"]}
    assert verify(rotated, body, SECRET, NOW) == event


def test_a_secret_of_standard_webhooks_is_read_as_base64() -> None:
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    headers, body = message(secret)
    assert verify(headers, body, secret, NOW).id == "evt_1"
    assert headers["Webhook-Signature"] == signature(
        b"0123456789abcdef01234567", "evt_1", headers["Webhook-Timestamp"], body
    )


def test_the_published_example_of_standard_webhooks_is_signed_alike() -> None:
    """The vector of the Standard Webhooks specification's own libraries."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"Webhook-Id": "evt_2"}, None),
        ({"Webhook-Timestamp": "1"}, None),
        ({"Webhook-Timestamp": "later"}, None),
        ({"Webhook-Timestamp": "²"}, None),
        ({"Webhook-Signature": ""}, None),
        ({"Webhook-Signature": "v1,"}, None),
        ({"Webhook-Signature": "v1a,AAAA"}, None),
        ({"Webhook-Signature": "v1,\xff\xfe"}, None),
        ({}, b"{}"),
        ({}, b""),
    ],
)
def test_a_changed_message_is_forged(change: dict[str, str], body: bytes | None) -> None:
    headers, true_body = message()
    with pytest.raises(WebhookForged):
        verify(headers | change, true_body if body is None else body, SECRET, NOW)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_is_forged(name: str) -> None:
    headers, body = message()
    del headers[name]
    with pytest.raises(WebhookForged):
        verify(headers, body, SECRET, NOW)


@given(st.integers(0, 2000), st.integers(1, 255))
def test_any_flipped_byte_is_forged(place: int, flip: int) -> None:
    headers, body = message()
    at = place % len(body)
    changed = body[:at] + bytes([body[at] ^ flip]) + body[at + 1 :]
    with pytest.raises(WebhookForged):
        verify(headers, changed, SECRET, NOW)


@pytest.mark.parametrize("secret", ["", "   ", "whsec_", "whsec_***"])
def test_no_secret_believes_nothing(secret: str) -> None:
    timestamp = str(int(NOW.timestamp()))
    body = message()[1]
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(b"", "evt_1", timestamp, body),
    }
    with pytest.raises(WebhookForged):
        verify(headers, body, secret, NOW)


@pytest.mark.parametrize(("age", "believed"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_five_minutes_either_way(age: int, believed: bool) -> None:
    headers, body = message(now=NOW - timedelta(seconds=age))
    if believed:
        assert verify(headers, body, SECRET, NOW).id == "evt_1"
    else:
        with pytest.raises(WebhookForged):
            verify(headers, body, SECRET, NOW)


@pytest.mark.parametrize(
    "changed",
    [{"code": "teleported"}, {"occurred_at": "2026-11-23T11:59:00"}, {"reference": ""}, {"id": "evt_9"}],
)
def test_a_signed_message_that_is_no_event_is_refused(changed: dict[str, str]) -> None:
    headers, body = message(**changed)
    with pytest.raises(WebhookForged):
        verify(headers, body, SECRET, NOW)
