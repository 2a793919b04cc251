"""Effects on money: promises, attempts, what people decide about a payment, and what came back.

A part of `domain/state.py`'s effects, in a file of its own; `activities/effects/` applies them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from domain.commands import Id, TransferResult
from domain.money import Money


class PaymentEffect(BaseModel):
    """Base of all of them."""

    model_config = ConfigDict(frozen=True)


class HoldFee(PaymentEffect):
    """campaign budget -> collaboration held; refuse the whole change as sold out when short."""

    do: Literal["hold_fee"] = "hold_fee"
    fee: Money


class VoidFee(PaymentEffect):
    """collaboration held -> campaign budget: the fee, or the parts of it that were not earned."""

    do: Literal["void_fee"] = "void_fee"
    fee: Money
    whole: bool = True


class EarnFee(PaymentEffect):
    """collaboration held -> creator owed; the payout comes into being."""

    do: Literal["earn_fee"] = "earn_fee"
    part: int = 1
    fee: Money
    pay_by: datetime
    number: int = 1


class UnearnFee(PaymentEffect):
    """creator owed -> collaboration held: what earned it does not hold any more; the payout waits."""

    do: Literal["unearn_fee"] = "unearn_fee"
    part: int = 1
    fee: Money
    number: int


class StartAttempt(PaymentEffect):
    """creator owed -> payout in transit, with the attempt row and the frozen gates."""

    do: Literal["start_attempt"] = "start_attempt"
    part: int = 1
    number: int
    report_id: Id


class CloseAttempt(PaymentEffect):
    """Sent: in transit -> creator paid. Refused: back to owed. Unknown: nothing moves."""

    do: Literal["close_attempt"] = "close_attempt"
    part: int = 1
    number: int
    result: TransferResult
    transfer_id: str = ""
    reason: str = ""


class MarkConfirmed(PaymentEffect):
    """Stripe itself confirmed the transfer."""

    do: Literal["mark_confirmed"] = "mark_confirmed"
    part: int = 1
    transfer_id: str


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
    part: int = 1
    document_id: Id
    decision: Literal["approved", "refused"]
    reason: str = ""
    remark_id: Id | None = None
    with_the_file: bool = False
    """Nobody decided: the collaboration ended."""


class ReturnMoney(PaymentEffect):
    """creator paid -> payout returned: Stripe reversed it without us."""

    do: Literal["return_money"] = "return_money"
    part: int = 1
    amount: int
    total: int


class SettleReturned(PaymentEffect):
    """payout returned -> campaign budget."""

    do: Literal["settle_returned"] = "settle_returned"
    part: int = 1
    amount: int
    total: int
    reason: str


class PayAgain(PaymentEffect):
    """payout returned -> creator owed: what came back is paid once more, as a part of its own."""

    do: Literal["pay_again"] = "pay_again"
    part: int
    """The new part."""
    of: int
    amount: int
    total: int
    reason: str


class OweLateFee(PaymentEffect):
    """world -> creator owed: a part was paid too late; what that costs is a part of its own."""

    do: Literal["owe_late_fee"] = "owe_late_fee"
    part: int
    """The new part."""
    of: int
    fee: Money
    days: int


class AskClawback(PaymentEffect):
    """One person asks for money back."""

    do: Literal["ask_clawback"] = "ask_clawback"
    part: int = 1
    number: int
    transfer_id: str
    amount: int
    reason: str
    remark_id: Id | None = None


class DecideClawback(PaymentEffect):
    """Another person decides; approved: creator paid -> payout returning."""

    do: Literal["decide_clawback"] = "decide_clawback"
    part: int = 1
    number: int
    decision: Literal["approved", "refused"]
    amount: int
    reason: str = ""
    remark_id: Id | None = None


class CloseClawback(PaymentEffect):
    """Done: returning -> campaign budget. Refused: back to creator paid."""

    do: Literal["close_clawback"] = "close_clawback"
    part: int = 1
    number: int
    result: TransferResult
    amount: int
    reversal_id: str = ""
    reason: str = ""
