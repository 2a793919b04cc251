"""Stripe's messages: which ones are wanted, where they are sent, and whether one was signed by Stripe."""

from __future__ import annotations

import json
import time
from typing import Any

import stripe

from activities.adapters.stripe_answers import signed_at, snapshot_event, thin_event
from activities.payments_port import WEBHOOK_PATHS, WebhookEvent, WebhookForged, WebhookSecrets

TOLERANCE_SECONDS = 300
PLATFORM_EVENTS = (
    "balance.available",
    "payout.canceled",
    "payout.failed",
    "payout.paid",
    "topup.canceled",
    "topup.failed",
    "topup.reversed",
    "topup.succeeded",
    "transfer.created",
    "transfer.reversed",
    "transfer.updated",
)
CONNECT_EVENTS = (
    "account.application.deauthorized",
    "account.external_account.created",
    "account.external_account.deleted",
    "account.external_account.updated",
    "account.updated",
    "capability.updated",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.updated",
)
THIN_EVENTS = (
    "v2.core.account[configuration.recipient].capability_status_updated",
    "v2.core.account[requirements].updated",
    "v2.core.account.closed",
)


class StripeWebhooks:
    """What the gateway does about messages; `StripeGateway` makes the client."""

    _client: stripe.StripeClient

    def verify_webhook(self, payload: bytes, header: str, secret: str, *, thin: bool) -> WebhookEvent:
        """Check the signature over the raw bytes and return what the event is about.

        Refuses an empty secret, and a time more than 300 s from now in either direction (the SDK
        takes times in the future). Raises `WebhookForged`.
        """
        if not secret.strip():
            raise WebhookForged("no secret is set for this endpoint")
        try:
            stripe.WebhookSignature.verify_header(payload, header, secret, TOLERANCE_SECONDS)
            body = json.loads(payload)
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise WebhookForged("the message was not signed for this endpoint") from error
        if signed_at(header) > time.time() + TOLERANCE_SECONDS:
            raise WebhookForged("the message is signed in the future")
        kind = "v2.core.event" if thin else "event"
        if not isinstance(body, dict) or body.get("object") != kind:
            raise WebhookForged(f"the message is not a {kind}")
        try:
            return thin_event(body) if thin else snapshot_event(body)
        except (KeyError, TypeError, ValueError) as error:
            raise WebhookForged("the message does not have the form of an event") from error

    def register_webhooks(self, base_url: str) -> WebhookSecrets:
        """Send events to the service at this address and return the secrets.

        Stripe shows a secret once, so endpoints that are already at these addresses are replaced:
        calling it twice leaves one of each kind. The SDK's API version is pinned on them.
        Raises `stripe.StripeError`.
        """
        urls = {kind: base_url.rstrip("/") + path for kind, path in WEBHOOK_PATHS.items()}
        self._remove_endpoints(set(urls.values()))
        return WebhookSecrets(
            platform=self._endpoint(urls["platform"], PLATFORM_EVENTS, connect=False),
            connect=self._endpoint(urls["connect"], CONNECT_EVENTS, connect=True),
            thin=self._destination(urls["thin"]),
        )

    def _remove_endpoints(self, urls: set[str]) -> None:
        for endpoint in list(self._client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter()):
            if endpoint.url in urls:
                self._client.v1.webhook_endpoints.delete(endpoint.id)
        destinations = self._client.v2.core.event_destinations
        shown = destinations.list({"include": ["webhook_endpoint.url"], "limit": 100})
        for destination in list(shown.auto_paging_iter()):
            if destination.webhook_endpoint and destination.webhook_endpoint.url in urls:
                destinations.delete(destination.id)

    def _endpoint(self, url: str, events: tuple[str, ...], *, connect: bool) -> str:
        wanted: Any = {
            "url": url,
            "enabled_events": list(events),
            "connect": connect,
            "api_version": stripe.api_version,
        }
        secret = self._client.v1.webhook_endpoints.create(wanted).secret
        if not secret:
            raise RuntimeError("Stripe did not show the secret of a new endpoint")
        return secret

    def _destination(self, url: str) -> str:
        wanted: Any = {
            "name": "Handsel",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": list(THIN_EVENTS),
            "events_from": ["@self", "@accounts"],
            "webhook_endpoint": {"url": url},
            "include": ["webhook_endpoint.signing_secret"],
        }
        made = self._client.v2.core.event_destinations.create(wanted)
        secret = made.webhook_endpoint.signing_secret if made.webhook_endpoint else None
        if not secret:
            raise RuntimeError("Stripe did not show the secret of a new event destination")
        return secret
