"""The payment policy of one campaign, as data that anybody may read: what has to be true before money moves.

It stands in the campaign's `policy` under `payment`, is frozen with the offer's terms when a creator is
invited, and is what `domain/gates.py` reads. Who must approve is the brand's (`domain/approvals.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.clocks import Span


class LateFee(BaseModel):
    """What a creator gets on top when the brand pays too late. It is not taken from the campaign's budget.

    Late: after the pay-by date, or after the creator could be paid, if that came later. Time that passes
    while Stripe waits for the creator is not the brand's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Span = "0d"
    """Days of grace after the pay-by date."""
    per_day: Annotated[int, Field(ge=0, le=1000)] = 0
    """Basis points (hundredths of a percent) of the late part, for each day that has begun."""
    flat: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Once, minor units of the fee's currency."""
    most: Annotated[int, Field(ge=1, le=100)] = 20
    """Percent of the late part that it never exceeds."""

    @model_validator(mode="after")
    def _says_how_much(self) -> LateFee:
        if not self.per_day and not self.flat:
            raise ValueError("a late fee needs per_day, flat, or both")
        return self


class PaymentPolicy(BaseModel):
    """What a payment of this campaign waits for, beside what the offer itself promises."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tax_data: Literal["where_asked", "never"] = "where_asked"
    """Whether a payment waits while Stripe asks a creator for tax data, in countries that ask for it."""
    duplicate_within: Span = "0d"
    """Two fees of one brand to one creator within so long are looked at by a person; 0d switches it off.
    The same post is never paid twice in any case."""
    hold_after_payee_change: Span = "7d"
    """A payment rests for so long after the creator changed the account or its bank."""
    hold_alarm: Span = "2d"
    """A hold that is older than this asks for its owner."""
    late_fee: LateFee | None = None
    """None: paying late costs nothing."""
