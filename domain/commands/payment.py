"""Commands from the earned fee to the confirmed transfer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.commands.base import Code, CommandModel, Id


class TransferResult(StrEnum):
    """What came of one attempt at Stripe."""

    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Flag(CommandModel):
    """A gate waits on somebody: say so beside the stage."""

    name: Literal["flag"] = "flag"
    reason: Code


class Reassess(CommandModel):
    """Something that a gate waits for may have changed; look again."""

    name: Literal["reassess"] = "reassess"


class OpenAttempt(CommandModel):
    """All gates pass: take the money in transit and open an attempt."""

    name: Literal["open_attempt"] = "open_attempt"
    report_id: Id


class SettleAttempt(CommandModel):
    """What Stripe answered to the attempt."""

    name: Literal["settle_attempt"] = "settle_attempt"
    result: TransferResult
    transfer_id: Annotated[str, Field(max_length=80)] = ""
    reason: Code = ""


class ConfirmTransfer(CommandModel):
    """Stripe itself says that the transfer of this payout exists."""

    name: Literal["confirm_transfer"] = "confirm_transfer"
    payout_id: Id | None = None
    """None only in histories that are older than parts: the payment that is current."""
    transfer_id: Annotated[str, Field(max_length=80)]


class Unflag(CommandModel):
    """No gate waits on somebody any more: only time, or nothing, is in the way."""

    name: Literal["unflag"] = "unflag"


class ApprovePayout(CommandModel):
    """Approve this payment. For a person, never for an API key."""

    name: Literal["approve_payout"] = "approve_payout"
    payout_id: Id


class RefusePayout(CommandModel):
    """Refuse to approve: the payment is held with the reason, and approvals begin anew."""

    name: Literal["refuse_payout"] = "refuse_payout"
    payout_id: Id
    reason: Code
    remark_id: Id | None = None


class HoldPayout(CommandModel):
    """Stop the payment until somebody releases it. `owner` is the member who looks after it."""

    name: Literal["hold_payout"] = "hold_payout"
    reason: Code
    remark_id: Id | None = None
    owner: Id | None = None


class ReleasePayout(CommandModel):
    """End the hold."""

    name: Literal["release_payout"] = "release_payout"
    reason: Code
    remark_id: Id | None = None


class EscalateHold(CommandModel):
    """The hold is older than the policy allows: its owner must look."""

    name: Literal["escalate_hold"] = "escalate_hold"


class OverrideGate(CommandModel):
    """A person answers for one gate that does not pass, by name and with a reason."""

    name: Literal["override_gate"] = "override_gate"
    payout_id: Id
    gate: Code
    reason: Code
    remark_id: Id | None = None
