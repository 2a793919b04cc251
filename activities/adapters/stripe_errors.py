"""Stripe's failures under a name of our own, for whoever asks Stripe on behalf of somebody who waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stripe
import structlog

from domain.errors import HandselError

log = structlog.get_logger("handsel.payments")


class PaymentsUnavailable(HandselError):
    """Stripe did not answer, or refused us. Nothing is lost; ask again later."""

    code = "payments_unavailable"
    status = 503


@contextmanager
def asking_stripe() -> Iterator[None]:
    """Within this block the SDK's errors leave as `PaymentsUnavailable`. Logs the kind, never the text."""
    try:
        yield
    except stripe.StripeError as error:
        log.warning("stripe_failed", kind=type(error).__name__, code=error.code or "")
        raise PaymentsUnavailable("the payment service does not answer at the moment") from error
