"""Commands of the offer: sent, answered, waited for, stepped back from."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from domain.commands.base import Code, CommandModel, Id


class DeclineReason(StrEnum):
    """Why a creator says no."""

    NOT_INTERESTED = "not_interested"
    FEE_TOO_LOW = "fee_too_low"
    TIMING = "timing"
    PRODUCT_FIT = "product_fit"
    EXCLUSIVITY = "exclusivity"
    OTHER = "other"


class Invite(CommandModel):
    """Send the offer."""

    name: Literal["invite"] = "invite"


class Remind(CommandModel):
    """Send the next reminder of this stage."""

    name: Literal["remind"] = "remind"


class Expire(CommandModel):
    """The time to answer, or to mend an address, is over."""

    name: Literal["expire"] = "expire"


class Accept(CommandModel):
    """Say yes to the offer. `answer_id` names the stored form (name, consent, address)."""

    name: Literal["accept"] = "accept"
    answer_id: Id
    offer_id: Id
    variant_id: Id | None = None


class Decline(CommandModel):
    """Say no, with a reason."""

    name: Literal["decline"] = "decline"
    reason: DeclineReason
    answer_id: Id | None = None


class Waitlist(CommandModel):
    """Nothing was left when the creator said yes."""

    name: Literal["waitlist"] = "waitlist"
    answer_id: Id


class Promote(CommandModel):
    """A place became free: the waitlisted yes counts now. The creator is asked again by a new offer mail."""

    name: Literal["promote"] = "promote"


class CloseWaitlist(CommandModel):
    """No place will become free any more."""

    name: Literal["close_waitlist"] = "close_waitlist"


class Withdraw(CommandModel):
    """Step back: the brand before work is handed in, the creator before the post is verified."""

    name: Literal["withdraw"] = "withdraw"
    reason: Code = ""
