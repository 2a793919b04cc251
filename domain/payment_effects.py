"""Effects of what people decide about a payment, and of money that came back: recorded with their change.

A part of `domain/state.py`'s effects, in a file of its own; `activities/effects/` applies them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from domain.commands import Id, TransferResult


class PaymentEffect(BaseModel):
    """Base of all of them."""

    model_config = ConfigDict(frozen=True)


class RecordDecision(PaymentEffect):
    """A person approves or refuses the payment; rules, limits and four eyes are checked with it."""

    do: Literal["record_decision"] = "record_decision"
    payout_id: Id
    decision: Literal["approved", "refused"]
    reason: str = ""
    remark_id: Id | None = None


class OpenHold(PaymentEffect):
    """The payment is held."""

    do: Literal["open_hold"] = "open_hold"
    number: int
    reason: str
    remark_id: Id | None = None
    owner: Id | None = None


class CloseHold(PaymentEffect):
    """The hold ends."""

    do: Literal["close_hold"] = "close_hold"
    number: int
    reason: str
    remark_id: Id | None = None
    with_the_file: bool = False
    """Nobody released it: the collaboration ended."""


class RecordOverride(PaymentEffect):
    """A person answers for one gate of one payment."""

    do: Literal["record_override"] = "record_override"
    payout_id: Id
    gate: str
    reason: str
    remark_id: Id | None = None


class OpenElsewhere(PaymentEffect):
    """Somebody says that it was paid outside of Stripe."""

    do: Literal["open_elsewhere"] = "open_elsewhere"
    payout_id: Id
    document_id: Id
    method: str
    remark_id: Id | None = None


class CloseElsewhere(PaymentEffect):
    """Another person decides; approved: creator owed -> paid elsewhere."""

    do: Literal["close_elsewhere"] = "close_elsewhere"
    payout_id: Id
    document_id: Id
    decision: Literal["approved", "refused"]
    reason: str = ""
    remark_id: Id | None = None
    with_the_file: bool = False
    """Nobody decided: the collaboration ended."""


class ReturnMoney(PaymentEffect):
    """creator paid -> payout returned: Stripe reversed it without us."""

    do: Literal["return_money"] = "return_money"
    amount: int
    total: int


class SettleReturned(PaymentEffect):
    """payout returned -> campaign budget."""

    do: Literal["settle_returned"] = "settle_returned"
    amount: int
    total: int
    reason: str


class AskClawback(PaymentEffect):
    """One person asks for money back."""

    do: Literal["ask_clawback"] = "ask_clawback"
    number: int
    amount: int
    reason: str
    remark_id: Id | None = None


class DecideClawback(PaymentEffect):
    """Another person decides; approved: creator paid -> payout returning."""

    do: Literal["decide_clawback"] = "decide_clawback"
    number: int
    decision: Literal["approved", "refused"]
    amount: int
    reason: str = ""
    remark_id: Id | None = None


class CloseClawback(PaymentEffect):
    """Done: returning -> campaign budget. Refused: back to creator paid."""

    do: Literal["close_clawback"] = "close_clawback"
    number: int
    result: TransferResult
    amount: int
    reversal_id: str = ""
    reason: str = ""
