"""Payout runs as finance sees them: what is due, what was paid, what waits, and how much is lacking."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import Shown


class PayoutRunShown(Shown):
    """One run of the brand in one currency. Amounts in minor units."""

    id: str
    currency: str
    state: Literal["open", "parked", "finished"] = Field(
        description="parked: the paying balance does not cover all of it; it goes on by itself"
    )
    opened_at: datetime
    ended_at: datetime | None
    due_count: int = Field(description="Payments that belong to it")
    due_total: int
    paid_count: int
    paid_total: int
    parked_count: int = Field(description="Payments that the balance does not cover")
    shortage: int = Field(description="What the balance lacks for all of them; 0 while it is enough")
    balance_seen: int | None = Field(description="The paying balance when it was last seen for this run")
    balance_seen_at: datetime | None


class RunPaymentShown(Shown):
    """One payment of a run."""

    payout_id: str
    collaboration_id: str
    creator_id: str
    place: int | None = Field(description="In the line of those that wait, from 1; null for the others")
    amount: int
    state: Literal["waiting", "paid", "left"] = Field(
        description="left: something else than money came in its way"
    )
    pay_by: datetime
    ended_at: datetime | None


class PayoutRunDetail(PayoutRunShown):
    """A run with its payments: those that wait in the order of the line, then the others."""

    payments: list[RunPaymentShown]
    left_out: int = Field(description="Payments beyond the first 500, which are not shown")
