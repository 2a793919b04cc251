"""The line of payments that wait for the same money: who is due first is paid first.

Strictly in order: a small payment never overtakes a larger one that is due before it, or the larger one
would wait for ever. How long the line is and what it needs is read in `activities/payout_line.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

LOOK_AGAIN: Final = timedelta(minutes=1)
"""After so long a payment looks again that has just been parked: a top-up may have come between the look at
the balance and the parking."""
UNSURE_LOOKS_AGAIN: Final = timedelta(seconds=15)
"""After so long it looks again while others are with Stripe: most answers come within a second."""
BALANCE_IS_FRESH: Final = timedelta(seconds=30)
"""A balance that was seen longer ago is asked of Stripe again before a payment is judged by it."""
ANSWER_IS_LATE: Final = timedelta(minutes=10)
"""An attempt that was opened so long before the balance was seen, and has no answer yet, is in that balance
or never came to be: nothing is kept back for it."""


class Standing(BaseModel):
    """Where one payment stands in the line, in minor units of its currency."""

    model_config = ConfigDict(frozen=True)

    place: int = Field(ge=1)
    """1: the next of its brand."""
    of: int = Field(ge=1)
    """Payments of the brand in the line."""
    lacking: int = Field(ge=0)
    """How much the balance has to grow until this payment is covered; 0: it is covered."""
    shortage: int = Field(ge=0)
    """How much it has to grow until all of the brand's payments in the line are covered."""
    certain: bool = True
    """False while money is under way of which nobody can say whether the balance knows it already."""

    @property
    def covered(self) -> bool:
        """Whether the balance is enough for it and everything before it."""
        return self.lacking == 0
