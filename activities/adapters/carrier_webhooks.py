"""Verifies what carriers send, in the style of Standard Webhooks, on the raw bytes.

`webhook-signature` holds `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`. Nothing of a
message is looked at before its signature is right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from activities.carrier_port import CarrierEvent, WebhookForged

TOLERANCE: Final = timedelta(minutes=5)
"""How far a message's time may be from ours, on either side."""
_PREFIX: Final = "whsec_"


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> CarrierEvent:
    """The event in a message that the carrier really sent.

    `headers` in any case, `body` as received, `now` aware. `secret` is text, or base64 after 'whsec_'.
    Raises `WebhookForged` for anything else, an empty secret included.
    """
    key = signing_key(secret)
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not timestamp or "webhook-signature" not in given:
        raise WebhookForged("a signature header is missing")
    _check_time(timestamp, now)
    expected = signature(key, message_id, timestamp, body).encode()
    offered = [part.encode() for part in given["webhook-signature"].split(" ")]
    if not any([hmac.compare_digest(expected, part) for part in offered]):  # noqa: C419 - every one is compared
        raise WebhookForged("the signature does not fit the message")
    try:
        event = CarrierEvent.model_validate_json(body)
    except ValidationError as error:
        raise WebhookForged("the message is not a carrier event") from error
    if event.id != message_id:
        raise WebhookForged("the message carries another id than its header")
    return event


def signing_key(secret: str) -> bytes:
    """The key of a secret. Raises `WebhookForged` when it is empty or not base64 after 'whsec_'."""
    try:
        key = base64.b64decode(secret[len(_PREFIX) :], validate=True) if secret.startswith(_PREFIX) else None
    except binascii.Error as error:
        raise WebhookForged("the webhook secret is not base64") from error
    key = secret.encode() if key is None else key
    if not key.strip():
        raise WebhookForged("no webhook secret is set, so no message can be believed")
    return key


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`."""
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _check_time(timestamp: str, now: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookForged("the message's time cannot be read")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise WebhookForged("the message is too old, or from the future")
