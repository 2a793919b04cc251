"""What is paid next: the one place that turns to a part, earns it, waits for it, or ends the collaboration.

The post earns the parts of the fee one after the other; what is owed anyhow (a late fee, what came back) goes
before what still has to be earned.
"""

from __future__ import annotations

from typing import Any

from domain.clocks import later
from domain.decisions.closing import close_what_is_open
from domain.decisions.turn import Turn
from domain.errors import IllegalCommand
from domain.ledger import payout_id
from domain.parts import Part, PartKind, days_late, late_fee
from domain.payment_effects import EarnFee, OweLateFee, PayAgain, UnearnFee, VoidFee
from domain.stages import Attention, Stage
from domain.state import RevokeLinks, Scalar, State

CREATOR_IN_THE_WAY = (Attention.PAYEE_MISSING, Attention.TAX_DATA_MISSING, Attention.PAYEE_CHANGED)
"""What a payment waits for that is not the brand's delay."""


def go_on(turn: Turn, event: str = "", **facts: Scalar) -> None:
    """Write the event, if any, and then: pay the next part, wait until it may be earned, or end well."""
    part = _next(turn.state)
    if part is None:
        close_what_is_open(turn)
        turn.settle()
        turn.set(pay_by=None, live_until=None)
        turn.happen(event or "collaboration_completed", Stage.COMPLETED, **facts)
        turn.do(RevokeLinks())
        return
    if event:
        turn.happen(event, None, **facts)
    if turn.state.changed and not part.owed:
        turn.set(changed=False)
        turn.settle()
        turn.happen("check_requested", Stage.POSTED)
    elif part.owed:
        _turn_to(turn, part)
    else:
        _earn_or_wait(turn, part)


def _next(state: State) -> Part | None:
    owed = [part for part in state.all_parts if part.owed]
    to_earn = [part for part in state.all_parts if part.to_earn]
    return next(iter(owed + to_earn), None)


def _turn_to(turn: Turn, part: Part) -> None:
    turn.settle()
    turn.set(part=part.number, pay_by=part.pay_by, payable_at=turn.now, live_until=None)
    if turn.state.stage is not Stage.PAYABLE:
        turn.happen("payment_due", Stage.PAYABLE, **_which(turn.state, part))


def _which(state: State, part: Part) -> dict[str, Scalar]:
    """The part, where there is more than one."""
    return {"part": part.number} if len(state.all_parts) > 1 else {}


def _earn_or_wait(turn: Turn, part: Part) -> None:
    """Earn it when the post has been live for as long as this part asks."""
    state = turn.state
    verified_at = state.verified_at or turn.now
    until = later(verified_at, part.live_for or state.policy.live_for, state.zone)
    pays_from = until if part.kind is PartKind.TAIL else verified_at
    pay_by = later(pays_from, state.policy.pay_within, state.zone)
    if turn.now < until:
        turn.settle()
        turn.set(part=part.number, live_until=until, pay_by=pay_by)
        if state.stage is not Stage.VERIFIED:
            turn.happen("part_waits", Stage.VERIFIED, **_which(state, part))
        return
    number = state.earned + 1
    turn.do(EarnFee(part=part.number, fee=state.money(part.amount), pay_by=pay_by, number=number))
    turn.set(earned=number, approval_round=0)
    _turn_to(turn, change_part(turn, part, earned=number, pay_by=pay_by))


def take_earning_back(turn: Turn) -> None:
    """A finding before the payment: what the post earned, it has to earn anew."""
    part = current(turn)
    turn.do(UnearnFee(part=part.number, fee=turn.state.money(part.amount), number=part.earned))
    change_part(turn, part, earned=0, pay_by=None)


def withhold_the_rest(turn: Turn, reason: str, facts: dict[str, Scalar]) -> None:
    """The post did not stay as agreed: what is not earned goes back to the budget."""
    parts = [part for part in turn.state.all_parts if part.to_earn]
    rest = turn.state.money(sum(part.amount for part in parts))
    turn.do(VoidFee(fee=rest, whole=False))
    for part in parts:
        change_part(turn, part, over="withheld")
    if turn.state.elsewhere_part in {part.number for part in parts}:
        close_what_is_open(turn)
    turn.set(end_reason=reason, remedy_by=None)
    go_on(turn, "tail_withheld", reason=reason, **facts)


def owe_late_fee(turn: Turn, part: Part) -> None:
    """The part goes out now: if that is too late, the policy's late fee is owed as a part of its own."""
    state = turn.state
    policy = state.policy.payment.late_fee
    if policy is None or part.pay_by is None or not part.of_the_fee:
        return
    days = days_late(part.pay_by, state.creator_ready_at, policy.after, turn.now, state.zone)
    amount = late_fee(policy, state.money(part.amount), days)
    if amount == 0:
        return
    added = _add(turn, PartKind.LATE_FEE, part, amount)
    turn.do(OweLateFee(part=added.number, of=part.number, fee=state.money(amount), days=days))
    turn.happen("late_fee_owed", None, part=added.number, of=part.number, days=days, amount=amount)


def pay_again(turn: Turn, part: Part) -> None:
    """What came back of this part is owed again, as a part of its own."""
    added = _add(turn, PartKind.AGAIN, part, part.unsettled)
    turn.do(
        PayAgain(
            part=added.number,
            of=part.number,
            amount=part.unsettled,
            total=part.returned,
            reason=turn.command.reason,
        )
    )


def _add(turn: Turn, kind: PartKind, of: Part, amount: int) -> Part:
    parts = turn.state.all_parts
    added = Part(
        number=len(parts) + 1,
        kind=kind,
        amount=amount,
        of=of.number,
        pay_by=turn.after(turn.state.policy.pay_within),
    )
    turn.set(parts=[*parts, added])
    return added


def change_part(turn: Turn, part: Part, **fields: Any) -> Part:
    """Change fields of one part."""
    changed = part.model_copy(update=fields)
    turn.set(parts=[changed if one.number == part.number else one for one in turn.state.all_parts])
    return changed


def current(turn: Turn) -> Part:
    """The part that is paid now, or next. Raises IllegalCommand when there is no fee."""
    part = turn.state.current
    if part is None:
        raise IllegalCommand("there is no fee in this collaboration", code="no_fee")
    return part


def part_of(turn: Turn, of: str | None) -> Part:
    """The part whose payout has this id; None: the current one. Raises IllegalCommand when there is none."""
    if of is None:
        return current(turn)
    for part in turn.state.all_parts:
        if payout_id(turn.state.collaboration_id, part.number) == of:
            return part
    raise IllegalCommand("no such payment in this collaboration", code="other_payout")


def note_creator_ready(turn: Turn) -> None:
    """Whatever the payment waits for next, it is not the creator any more."""
    if turn.state.attention in CREATOR_IN_THE_WAY:
        turn.set(creator_ready_at=turn.now)
