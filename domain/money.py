"""Money: whole minor units and an ISO 4217 currency; never a float.

The exponent table says how many decimals a currency is written with. Amounts travel and are stored as
integers; only a page or an e-mail turns them into text, in the reader's format.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

# ISO 4217 minor units other than two. Source: ISO 4217 table A.1 and Stripe's list of zero-decimal
# currencies (https://docs.stripe.com/currencies#zero-decimal).
EXPONENTS: Final = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "JPY",
            "KMF",
            "KRW",
            "MGA",
            "PYG",
            "RWF",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3),
}

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code", examples=["USD"])]


class Money(BaseModel):
    """An amount: whole minor units (cents, yen) of one currency."""

    model_config = ConfigDict(frozen=True)

    amount: int = Field(ge=0, le=10**15, description="Minor units", examples=[22000])
    currency: Currency


def exponent(currency: str) -> int:
    """How many decimals the currency is written with (USD 2, JPY 0, KWD 3)."""
    return EXPONENTS.get(currency, 2)


# Amounts that Stripe takes only in larger steps than one minor unit: three-decimal currencies end in 0, and
# the krona and the shilling are written with two decimals that have to be 00.
# https://docs.stripe.com/currencies#special-cases, https://docs.stripe.com/currencies#three-decimal
_STEPS: Final = {**dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 10), "ISK": 100, "UGX": 100}


def smallest_step(currency: str) -> int:
    """The smallest amount that Stripe can move in this currency, minor units; amounts are multiples of it."""
    return _STEPS.get(currency, 1)


def shares(money: Money, weights: Sequence[int]) -> list[int]:
    """The amount split by weights (above zero, in sum too), minor units; together exactly the amount.

    Each share is a multiple of the currency's smallest step, rounded down; the steps that are left over go
    one by one to the largest remainders, the first among equals first. What is no whole step stays with the
    first.
    """
    step, whole = smallest_step(money.currency), sum(weights)
    steps = money.amount // step
    cut = [steps * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: -(steps * weights[place] % whole))
    for place in order[: steps - sum(cut)]:
        cut[place] += 1
    split = [count * step for count in cut]
    split[0] += money.amount - steps * step
    return split


def as_decimal(money: Money) -> Decimal:
    """The amount in major units, exactly (USD 22000 -> 220.00)."""
    return Decimal(money.amount).scaleb(-exponent(money.currency))


def from_major(text: str | Decimal | int, currency: str) -> Money:
    """Read an amount in major units ('220.00'). Raises ValueError when it has too many decimals."""
    minor = Decimal(str(text)).scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{currency} has {exponent(currency)} decimals")
    return Money(amount=int(minor), currency=currency)
