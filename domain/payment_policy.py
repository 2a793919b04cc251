"""The payment policy of one campaign, as data that anybody may read: what has to be true before money moves.

It stands in the campaign's `policy` under `payment`, is frozen with the offer's terms when a creator is
invited, and is what `domain/gates.py` reads. Who must approve is the brand's (`domain/approvals.py`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from domain.clocks import Span


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
