"""Messages from Stripe and from carriers: verified on their raw bytes, stored once, answered at once.

A route exists only while its secret is set. Nothing is worked here: the inbox is, later. A message that is
not signed for this address changes nothing, and what is stored holds ids and codes, never a person's data.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.carrier_webhooks import verify as verify_carrier
from activities.adapters.stripe_gateway import StripeGateway
from activities.carrier_port import CarrierEvent
from activities.carrier_port import WebhookForged as CarrierForged
from activities.payments_port import WebhookEvent, WebhookForged
from api.limits import TooBusy, Window, hold_to
from api.problems import answers
from domain.errors import Invalid, Refused
from infra.database import INBOX_CHANNEL, notify
from infra.settings import Settings
from infra.tables import Inbox, Shipment, ShipmentEvent

LARGEST_MESSAGE: Final = 256_000
"""Bytes. Stripe's largest events stay well below."""
_UNUSED_KEY: Final = "sk_test_for_verification_only"
"""Verifying a signature asks Stripe nothing; the front may run without Stripe's key."""

log = structlog.get_logger("handsel.webhooks")


class Received(BaseModel):
    """The message is stored, or was before."""

    received: bool = True


Handler = Callable[[Request], Coroutine[Any, Any, Received]]


class _Limits:
    """How much one IP address may send to one process; generous, since a proxy may stand for all."""

    def __init__(self) -> None:
        self.all = Window(12_000, 60)
        self.forged = Window(60, 60)
        """Messages that were not signed for us. Signed ones still count."""


def routes_for(settings: Settings) -> APIRouter:
    """The routes whose secrets are set."""
    router = APIRouter(tags=["webhooks"], responses=answers(400, 413, 429, 503))
    limits = _Limits()
    gateway = StripeGateway(
        settings.stripe_api_key or _UNUSED_KEY,
        settings.stripe_api_base or None,
        settings.stripe_accounts_api,
        loopback_only=settings.is_local and bool(settings.stripe_api_base),
    )
    stripe_routes = (
        ("/webhooks/stripe", "stripe", settings.stripe_webhook_secret),
        ("/webhooks/stripe/connect", "stripe_connect", settings.stripe_connect_webhook_secret),
        ("/webhooks/stripe/thin", "stripe_thin", settings.stripe_thin_webhook_secret),
    )
    for path, source, secret in stripe_routes:
        if secret:
            handler = _stripe(gateway, source, secret, is_live(settings), limits)
            router.add_api_route(
                path, handler, methods=["POST"], name=f"receive_{source}", summary=_SUMMARY[source]
            )
    if settings.carrier_webhook_secret:
        router.add_api_route(
            "/webhooks/carrier",
            _carrier(settings.carrier_webhook_secret, limits),
            methods=["POST"],
            name="receive_carrier",
            summary="Events of carriers",
        )
    return router


_SUMMARY: Final = {
    "stripe": "Events of the Stripe platform account",
    "stripe_connect": "Events of connected accounts",
    "stripe_thin": "Thin events of Stripe's v2 API",
}


def is_live(settings: Settings) -> bool:
    """Whether real money is moved: what the Stripe key says, or the mode where no key is set."""
    if settings.stripe_api_key:
        return "_live_" in settings.stripe_api_key
    return not settings.is_local


def _stripe(gateway: StripeGateway, source: str, secret: str, live: bool, limits: _Limits) -> Handler:
    async def receive(request: Request) -> Received:
        """Verify, store once, answer. Repeats and messages out of order are welcome."""
        hold_to(limits.all.wait(_sender(request)))
        body = await _read(request)
        header = request.headers.get("stripe-signature", "")
        try:
            event = gateway.verify_webhook(body, header, secret, thin=source == "stripe_thin")
        except WebhookForged as error:
            raise _forged(request, limits, source) from error
        if event.livemode is not live:
            log.warning("webhook of the other mode", source=source, type=event.type)
            raise _bad("the message is of the other mode (test or live)", "wrong_mode")
        await run_in_threadpool(store_stripe, request.app.state.sessions, source, event)
        return Received()

    return receive


def _carrier(secret: str, limits: _Limits) -> Handler:
    async def receive(request: Request) -> Received:
        """Verify, store once, answer. Repeats and messages out of order are welcome."""
        hold_to(limits.all.wait(_sender(request)))
        body = await _read(request)
        try:
            event = verify_carrier(request.headers, body, secret, datetime.now(UTC))
        except CarrierForged as error:
            raise _forged(request, limits, "carrier") from error
        await run_in_threadpool(_store_carrier, request.app.state.sessions, event)
        return Received()

    return receive


async def _read(request: Request) -> bytes:
    """The raw bytes, bounded. Raises `Invalid` (413) as soon as there are too many."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_MESSAGE:
            error = _bad("the message is too large", "too_large")
            error.status = 413
            raise error
        chunks.append(chunk)
    return b"".join(chunks)


def _bad(message: str, code: str) -> Invalid:
    error = Invalid(message, code=code)
    error.status = 400
    return error


def _sender(request: Request) -> str:
    return request.client.host if request.client else ""


def _forged(request: Request, limits: _Limits, source: str) -> Refused:
    """What a message that is not signed for us is answered: after many, less and less work."""
    wait = limits.forged.wait(_sender(request))
    if wait > 0:
        return TooBusy(wait)
    log.warning("webhook refused", source=source)
    return _bad("the message was not signed for this address", "forged")


def store_stripe(sessions: sessionmaker[Session], source: str, event: WebhookEvent) -> None:
    """Store one verified event of Stripe, once by its id; `source` is the endpoint that it came to."""
    body = {"idempotency_key": event.idempotency_key, **event.inbox_body()}
    with sessions.begin() as session:
        _store(session, source, event.id, event.type, body)


def _store_carrier(sessions: sessionmaker[Session], event: CarrierEvent) -> None:
    body = {
        "tracking_number": event.tracking_number,
        "reference": event.reference,
        "occurred_at": event.occurred_at.isoformat(),
    }
    with sessions.begin() as session:
        if _store(session, "carrier", event.id, event.code.value, body):
            _note_on_parcel(session, event)


def _store(session: Session, source: str, external_id: str, kind: str, body: dict[str, Any]) -> bool:
    """Store a message unless it is there; whether it is new. Wakes the inbox."""
    row = {"source": source, "external_id": external_id, "type": kind, "body": body}
    written = session.execute(
        insert(Inbox).values(row).on_conflict_do_nothing().returning(Inbox.external_id)
    ).first()
    if written is not None:
        notify(session, INBOX_CHANNEL)
    return written is not None


def _note_on_parcel(session: Session, event: CarrierEvent) -> None:
    """Add the carrier's message to the history of its parcel, where the parcel is known."""
    query = select(Shipment.id, Shipment.carrier).where(
        or_(Shipment.tracking_number == event.tracking_number, Shipment.id == event.reference)
    )
    parcel = session.execute(query.order_by(Shipment.id).limit(1)).first()
    if parcel is None:
        return
    row = {
        "carrier": parcel.carrier or "unknown",
        "external_id": event.id,
        "shipment_id": parcel.id,
        "code": event.code.value,
        "occurred_at": event.occurred_at,
        "received_at": datetime.now(UTC),
    }
    session.execute(insert(ShipmentEvent).values(row).on_conflict_do_nothing())
