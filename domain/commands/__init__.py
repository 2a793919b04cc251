"""The commands of a collaboration, as models; `domain/command_table.py` says who may give which, from where.

A command is a small model of ids and codes; never a name, an address or a text (those are stored by
the front under the id that the command carries). `domain/decide.py` says what each one changes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.commands.afterwards import (
    ApproveClawback,
    ApproveOffPlatform,
    RecordBankPayout,
    RecordOffPlatform,
    RecordReversal,
    RefuseClawback,
    RefuseOffPlatform,
    RequestClawback,
    SettleClawback,
    SettleReversal,
)
from domain.commands.base import (
    Code,
    Id,
)
from domain.commands.content import (
    Approve,
    AskExtension,
    CloseContent,
    GrantExtension,
    RefuseExtension,
    RequestChanges,
    SubmitDraft,
)
from domain.commands.invitation import (
    Accept,
    CloseWaitlist,
    Decline,
    DeclineReason,
    Expire,
    Invite,
    Promote,
    Remind,
    Waitlist,
    Withdraw,
)
from domain.commands.parcels import (
    CorrectAddress,
    Deliver,
    Excuse,
    Lose,
    MarkSilent,
    ParcelProblem,
    RejectAddress,
    ReportParcel,
    Return,
    Scan,
    Ship,
)
from domain.commands.payment import (
    ApprovePayout,
    ConfirmTransfer,
    EscalateHold,
    Flag,
    HoldPayout,
    OpenAttempt,
    OverrideGate,
    Reassess,
    RefusePayout,
    ReleasePayout,
    SettleAttempt,
    TransferResult,
    Unflag,
)
from domain.commands.posting import (
    AcceptPost,
    CheckOutcome,
    Recheck,
    RecordCheck,
    RecordLook,
    RejectPost,
    SettleFinding,
    SubmitPost,
)
from domain.roles import Actor

Command = Annotated[
    Invite
    | Remind
    | Expire
    | Accept
    | Decline
    | Waitlist
    | Promote
    | CloseWaitlist
    | Withdraw
    | RejectAddress
    | CorrectAddress
    | Ship
    | Scan
    | Deliver
    | Lose
    | Return
    | Excuse
    | MarkSilent
    | ReportParcel
    | SubmitDraft
    | RequestChanges
    | Approve
    | AskExtension
    | GrantExtension
    | RefuseExtension
    | CloseContent
    | SubmitPost
    | RecordCheck
    | Recheck
    | AcceptPost
    | RejectPost
    | RecordLook
    | SettleFinding
    | Flag
    | Reassess
    | OpenAttempt
    | SettleAttempt
    | ConfirmTransfer
    | Unflag
    | ApprovePayout
    | RefusePayout
    | HoldPayout
    | ReleasePayout
    | EscalateHold
    | OverrideGate
    | RecordReversal
    | SettleReversal
    | RecordBankPayout
    | RequestClawback
    | ApproveClawback
    | RefuseClawback
    | SettleClawback
    | RecordOffPlatform
    | ApproveOffPlatform
    | RefuseOffPlatform,
    Field(discriminator="name"),
]


class Request(BaseModel):
    """One command given by one actor. `id` is the deterministic update id: the same id counts once."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    actor: Actor
    command: Command


__all__ = [
    "Accept",
    "AcceptPost",
    "Approve",
    "ApproveClawback",
    "ApproveOffPlatform",
    "ApprovePayout",
    "AskExtension",
    "CheckOutcome",
    "CloseContent",
    "CloseWaitlist",
    "Code",
    "Command",
    "ConfirmTransfer",
    "CorrectAddress",
    "Decline",
    "DeclineReason",
    "Deliver",
    "EscalateHold",
    "Excuse",
    "Expire",
    "Flag",
    "GrantExtension",
    "HoldPayout",
    "Id",
    "Invite",
    "Lose",
    "MarkSilent",
    "OpenAttempt",
    "OverrideGate",
    "ParcelProblem",
    "Promote",
    "Reassess",
    "Recheck",
    "RecordBankPayout",
    "RecordCheck",
    "RecordLook",
    "RecordOffPlatform",
    "RecordReversal",
    "RefuseClawback",
    "RefuseExtension",
    "RefuseOffPlatform",
    "RefusePayout",
    "RejectAddress",
    "RejectPost",
    "ReleasePayout",
    "Remind",
    "ReportParcel",
    "Request",
    "RequestChanges",
    "RequestClawback",
    "Return",
    "Scan",
    "SettleAttempt",
    "SettleClawback",
    "SettleFinding",
    "SettleReversal",
    "Ship",
    "SubmitDraft",
    "SubmitPost",
    "TransferResult",
    "Unflag",
    "Waitlist",
    "Withdraw",
]
