"""What is compared between Stripe's rows and our attempts, and what is a difference. Pure.

A pair of one of ours and one of theirs (either may be missing) is in order, has to wait, or stands on exactly
one list. Nothing here mends anything: a difference is for a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple


class Which(StrEnum):
    """The lists."""

    OURS_ONLY = "ours_without_theirs"
    THEIRS_ONLY = "theirs_without_ours"
    AMOUNT = "amount_differs"
    IN_TRANSIT = "in_transit_too_long"


MEANINGS: Final[dict[Which, str]] = {
    Which.OURS_ONLY: "We recorded a transfer or a reversal, and Stripe has no row of it.",
    Which.THEIRS_ONLY: "Stripe moved money, and nothing of ours says why.",
    Which.AMOUNT: "Both sides know it, with another amount or currency.",
    Which.IN_TRANSIT: "The outcome of an attempt is not known, or a row is not available, for over a day.",
}
KEEPS_OPEN: Final = (Which.OURS_ONLY, Which.THEIRS_ONLY, Which.AMOUNT)
"""The three lists that must be empty before a month is closed."""

GRACE: Final = timedelta(hours=1)
"""How long one side may be alone before it counts as a difference."""
IN_TRANSIT_AT_MOST: Final = timedelta(days=1)

NEEDS_NONE: Final = {
    "topup": "top-up",
    "topup_reversal": "top-up",
    "payout": "own payout",
    "payout_failure": "own payout",
    "payout_cancel": "own payout",
    "reserve_transaction": "reserve",
    "reserved_funds": "reserve",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "network_cost": "fee",
    "tax_fee": "fee",
}
"""Types of Stripe's rows that follow from the account itself and need nothing of ours, and what they are.

Source: https://docs.stripe.com/reports/balance-transaction-types
"""
TRANSFERS: Final = ("transfer",)
REVERSALS: Final = ("transfer_refund", "transfer_cancel", "transfer_failure")


class Ours(NamedTuple):
    """Something of ours that moves Stripe's balance. Minor units; what goes out is below zero."""

    key: str
    amount: int
    currency: str
    at: datetime


class Theirs(NamedTuple):
    """One balance transaction. Minor units; what goes out is below zero."""

    id: str
    type: str
    amount: int
    fee: int
    currency: str
    at: datetime


class Verdict(NamedTuple):
    """In order (`matched_to`), a difference (`which`), or neither: it has to wait."""

    matched_to: str = ""
    which: Which | None = None


WAIT: Final = Verdict()


def judge(ours: Ours | None, theirs: Theirs | None, now: datetime) -> Verdict:
    """What a pair is at a moment. One of the two must be there."""
    if ours is not None and theirs is not None:
        same = (ours.amount, ours.currency) == (theirs.amount, theirs.currency)
        return Verdict(matched_to=ours.key) if same else Verdict(which=Which.AMOUNT)
    if ours is not None:
        return Verdict(which=Which.OURS_ONLY) if now - ours.at > GRACE else WAIT
    if theirs is None:
        raise ValueError("there is nothing to judge")
    if theirs.type in NEEDS_NONE and fee_of(theirs) >= 0:
        return Verdict(matched_to=NEEDS_NONE[theirs.type])
    return Verdict(which=Which.THEIRS_ONLY) if now - theirs.at > GRACE else WAIT


def fee_of(theirs: Theirs) -> int:
    """What Stripe charged with this row, minor units: its fee, or the row itself where it is one.

    Below zero for a fee that was given back, which a person has to look at.
    """
    return theirs.fee - (theirs.amount if NEEDS_NONE.get(theirs.type) == "fee" else 0)


def in_transit_too_long(since: datetime, now: datetime) -> bool:
    """Whether money has been on its way for too long."""
    return now - since > IN_TRANSIT_AT_MOST
