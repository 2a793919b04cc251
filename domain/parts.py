"""The parts in which a collaboration is paid: what the post earns, tails, late fees, and what is paid again.

Each part is a payout of its own, with its own gates, approvals, attempts and evidence. No part moves before a
verified post (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from domain.clocks import Span, later
from domain.compact import Compact
from domain.money import Money, smallest_step
from domain.offer import FeeTail, split_fee
from domain.payment_policy import LateFee

_DAY = timedelta(days=1)


class PartKind(StrEnum):
    """Why something is paid."""

    FEE = "fee"
    """For the verified post: the fee, or what its tails leave of it."""
    TAIL = "tail"
    """A part of the fee, for a post that stayed live."""
    LATE_FEE = "late_fee"
    """On top, because another part was paid too late."""
    AGAIN = "again"
    """What came back of another part, paid once more."""


class Part(Compact):
    """One part. Minor units of the fee's currency."""

    number: int
    """From 1, in the order in which they came up."""
    kind: PartKind
    amount: int
    of: int = 0
    """The part that was late, or that came back."""
    live_for: Span | Literal[""] = ""
    """Of a tail: how long the post has to stay live."""
    pay_by: datetime | None = None
    earned: int = 0
    """Which earning of the collaboration stands behind it; 0 while it is not earned."""
    over: Literal["", "paid", "elsewhere", "withheld"] = ""
    """How it ended."""
    transfer_id: str = ""
    returned: int = 0
    """How much of the transfer came back."""
    unsettled: int = 0
    """How much of it came back without us and waits for a person's word."""

    @property
    def of_the_fee(self) -> bool:
        """Whether the offer promises it, for the post; a late fee and what is paid again are owed anyhow."""
        return self.kind in (PartKind.FEE, PartKind.TAIL)

    @property
    def owed(self) -> bool:
        """Whether the creator is owed it now."""
        return not self.over and (bool(self.earned) or not self.of_the_fee)

    @property
    def to_earn(self) -> bool:
        """Whether the post still has to earn it."""
        return not self.over and not self.earned and self.of_the_fee


def planned(fee: Money | None, tails: Sequence[FeeTail]) -> list[Part]:
    """The parts that an offer promises."""
    if fee is None:
        return []
    amounts = split_fee(fee, tails)
    first = Part(number=1, kind=PartKind.FEE, amount=amounts[0].amount)
    return [
        first,
        *(
            Part(number=number, kind=PartKind.TAIL, amount=amount.amount, live_for=tail.live_for)
            for number, (tail, amount) in enumerate(zip(tails, amounts[1:], strict=True), start=2)
        ),
    ]


def days_late(
    pay_by: datetime, creator_ready_at: datetime | None, grace: Span, now: datetime, zone: str
) -> int:
    """Days begun since the pay-by date, or since the creator could be paid, if that was later."""
    due = pay_by if creator_ready_at is None else max(pay_by, creator_ready_at)
    over = now - later(due, grace, zone)
    return 0 if over <= timedelta(0) else -(-over // _DAY)


def late_fee(policy: LateFee, late: Money, days: int) -> int:
    """What so many days cost, minor units, rounded down to what Stripe can move, within the limit."""
    if days <= 0:
        return 0
    amount = policy.flat + late.amount * policy.per_day * days // 10_000
    amount = min(amount, late.amount * policy.most // 100)
    return amount - amount % smallest_step(late.currency)
