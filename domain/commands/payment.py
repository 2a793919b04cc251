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
    """Stripe itself says that the transfer exists."""

    name: Literal["confirm_transfer"] = "confirm_transfer"
    transfer_id: Annotated[str, Field(max_length=80)]
