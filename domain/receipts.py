"""Whether what arrived follows from what was sent and the rate. Nothing is computed with it."""

from __future__ import annotations

from decimal import Decimal

from domain.money import Money, exponent


def follows(sent: Money, rate: str, arrived: Money) -> bool:
    """Whether the sent amount times the rate is what arrived, up to one minor unit.

    `rate` is decimal text, empty for no conversion. Stripe's document reads the rate between minor units;
    between currencies of different decimals it may be one between major units, so both readings are good.
    """
    if not rate:
        return sent == arrived
    by_minor = sent.amount * Decimal(rate)
    by_major = by_minor.scaleb(exponent(arrived.currency) - exponent(sent.currency))
    return any(abs(arrived.amount - reading) <= 1 for reading in (by_minor, by_major))
