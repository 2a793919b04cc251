"""Payments in parts, in the books: tails, late fees, and what came back and is paid again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.commands import (
    CheckOutcome,
    ConfirmTransfer,
    Flag,
    OpenAttempt,
    Recheck,
    RecordCheck,
    RecordLook,
    RecordReversal,
    RejectPost,
    SettleAttempt,
    SettleReversal,
    Unflag,
)
from domain.errors import IllegalCommand
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.offer import FeeTail
from domain.payment_policy import LateFee, PaymentPolicy
from domain.policy import Policy
from domain.roles import CLOCK
from domain.stages import Attention, Stage
from infra.tables import Notice, Payout, PayoutAttempt
from tests.records.finance import approve, check_found, gates, pay, person, sound, told, waiting
from tests.records.office import BRAND, FEE, STRIPE, Office

TAIL = FeeTail(percent=20, live_for="30d")
FIRST, REST = 17_600, 4_400


def transferred(office: Office, of: str) -> None:
    """The current part: attempt, Stripe's answer, Stripe's own word."""
    part = office.state(of).part
    pay(office, of)
    office.must(of, SettleAttempt(result="sent", transfer_id=f"tr_{part}_{of}"))
    confirmed(office, of, part)


def confirmed(office: Office, of: str, part: int) -> None:
    office.must(of, ConfirmTransfer(payout_id=payout_id(of, part), transfer_id=f"tr_{part}_{of}"), STRIPE)


def checked(office: Office, of: str, outcome: CheckOutcome = CheckOutcome.PASS) -> None:
    """The look at the end of the waiting time, and what it found."""
    office.must(of, Recheck(), CLOCK)
    check_id = check_found(office, of, office.state(of).checks + 1, outcome)
    office.must(of, RecordCheck(check_id=check_id, outcome=outcome))


def balances(office: Office, of: str) -> dict[str, int]:
    creator = office.state(of).creator_id
    return {
        "budget": office.balance(f"campaign:{office.campaign_id}:budget"),
        "held": office.balance(f"collaboration:{of}:held"),
        "owed": office.balance(f"creator:{creator}:owed:USD"),
        "paid": office.balance(f"creator:{creator}:paid:USD"),
    }


def payouts(office: Office, of: str) -> list[tuple[int, str, int | None, int, str]]:
    rows = sorted(office.rows(Payout, of), key=lambda row: row.part)
    return [(row.part, row.kind, row.of_part, row.amount, row.state) for row in rows]


def letters(office: Office, of: str, kind: str) -> list[int]:
    return sorted(row.step for row in office.rows(Notice, of) if row.kind == kind)


@pytest.fixture
def tailed(office: Office) -> str:
    """A paid collaboration whose first part is paid, and whose tail waits."""
    office.tails = [TAIL]
    office.open(budget=FEE.amount)
    of = waiting(office)
    assert balances(office, of) == {"budget": 0, "held": REST, "owed": FIRST, "paid": 0}
    sound(office)
    transferred(office, of)
    return of


def test_a_tail_is_held_until_the_post_has_stayed_live_and_then_paid(office: Office, tailed: str) -> None:
    state = office.state(tailed)
    assert (state.stage, state.part) == (Stage.VERIFIED, 2)
    assert balances(office, tailed) == {"budget": 0, "held": REST, "owed": 0, "paid": FIRST}
    assert payouts(office, tailed) == [(1, "fee", None, FIRST, "confirmed")]
    sound(office)
    with pytest.raises(IllegalCommand):
        office.decided(tailed, Recheck(), CLOCK)
    office.later(days=31)
    checked(office, tailed)
    assert balances(office, tailed) == {"budget": 0, "held": 0, "owed": REST, "paid": FIRST}
    sound(office)
    transferred(office, tailed)
    assert office.state(tailed).stage is Stage.COMPLETED
    assert payouts(office, tailed)[1] == (2, "tail", None, REST, "confirmed")
    assert balances(office, tailed) == {"budget": 0, "held": 0, "owed": 0, "paid": FEE.amount}
    assert letters(office, tailed, "paid") == [0, 2]
    sound(office)


def test_a_tail_that_was_not_earned_is_the_campaigns_again(office: Office, tailed: str) -> None:
    """The post is taken down while the tail waits, and nobody forgives it: what was paid stays paid."""
    look = RecordLook(
        check_id=derived_id("disclosure_check", "w"), watch=office.state(tailed).watch, outcome="removed"
    )
    office.must(tailed, look)
    assert office.state(tailed).stage is Stage.DISCLOSURE_CHECK
    assert balances(office, tailed)["held"] == REST
    sound(office)
    office.must(tailed, RejectPost(reason="not_ours"), BRAND)
    assert balances(office, tailed) == {"budget": REST, "held": 0, "owed": 0, "paid": FIRST}
    state = office.state(tailed)
    assert (state.stage, state.end_reason) == (Stage.COMPLETED, "not_ours")
    assert [part.over for part in state.parts] == ["paid", "withheld"]
    assert letters(office, tailed, "tail_withheld") == [0]
    sound(office)


def test_a_finding_before_the_tail_is_paid_takes_its_earning_back_and_leaves_the_first_part(
    office: Office, tailed: str
) -> None:
    office.later(days=31)
    checked(office, tailed)
    look = RecordLook(
        check_id=derived_id("disclosure_check", "w"), watch=office.state(tailed).watch, outcome="fail"
    )
    office.must(tailed, look)
    assert balances(office, tailed) == {"budget": 0, "held": REST, "owed": 0, "paid": FIRST}
    assert payouts(office, tailed)[1][4] == "waiting"
    sound(office)
    office.later(days=4)
    checked(office, tailed)
    state = office.state(tailed)
    assert (state.stage, state.part) == (Stage.VERIFIED, 2), "the time to stay live begins anew"
    assert state.live_until is not None
    assert state.live_until > office.clock + timedelta(days=29)
    office.later(days=31)
    checked(office, tailed)
    transferred(office, tailed)
    assert balances(office, tailed)["paid"] == FEE.amount
    sound(office)


def late_policy(**fee: Any) -> Policy:
    return Policy(needs_draft=False, pay_within="1d", payment=PaymentPolicy(late_fee=LateFee(**fee)))


def test_who_is_paid_late_gets_something_on_top_that_no_budget_pays(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = waiting(office, policy=late_policy(per_day=100))
    office.later(days=4)
    transferred(office, of)
    assert payouts(office, of)[1] == (2, "late_fee", 1, 660, "ready")
    assert (office.state(of).stage, office.state(of).part) == (Stage.PAYABLE, 2)
    assert balances(office, of) == {"budget": 0, "held": 0, "owed": 660, "paid": FEE.amount}
    sound(office)
    transferred(office, of)
    assert office.state(of).stage is Stage.COMPLETED
    assert balances(office, of)["paid"] == FEE.amount + 660
    assert len(office.rows(Payout, of)) == 2, "a late fee has no late fee"
    sound(office)


def test_time_in_which_the_creator_could_not_be_paid_is_not_the_brands(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = waiting(office, policy=late_policy(per_day=100))
    office.must(of, Flag(reason=Attention.PAYEE_MISSING.value))
    office.later(days=20)
    office.must(of, Unflag())
    transferred(office, of)
    assert office.state(of).stage is Stage.COMPLETED
    assert len(office.rows(Payout, of)) == 1
    sound(office)


def test_what_came_back_by_mistake_is_paid_again_once_and_by_another_person(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = waiting(office)
    transferred(office, of)
    office.must(of, RecordReversal(payout_id=payout_id(of), transfer_id=f"tr_1_{of}", total=10_000), STRIPE)
    mo, ida = person(office), person(office)
    again = SettleReversal(payout_id=payout_id(of), then="pay_again", reason="a_mistake")
    office.must(of, again, mo)
    assert payouts(office, of)[1] == (2, "again", 1, 10_000, "ready")
    assert balances(office, of) == {"budget": 0, "held": 0, "owed": 10_000, "paid": FEE.amount - 10_000}
    assert (office.state(of).stage, office.state(of).attention) == (Stage.PAYABLE, None)
    sound(office)
    with pytest.raises(IllegalCommand, match="waits for a decision"):
        office.decided(of, again, ida)
    assert office.give(of, approve(of, 2), mo).refused == "four_eyes"
    report_id, found = gates(office, of)
    assert found["approvals_given"]["result"] == "waiting", "even where the rules ask for none"
    assert office.give(of, OpenAttempt(report_id=report_id)).refused == "report_stale"
    office.must(of, approve(of, 2), ida)
    transferred(office, of)
    assert office.state(of).stage is Stage.COMPLETED
    assert balances(office, of) == {"budget": 0, "held": 0, "owed": 0, "paid": FEE.amount}
    sound(office)


def test_a_reversal_of_the_first_part_while_the_tail_waits_is_settled_and_the_tail_goes_on(
    office: Office, tailed: str
) -> None:
    first = payout_id(tailed, 1)
    office.must(tailed, RecordReversal(payout_id=first, transfer_id=f"tr_1_{tailed}", total=FIRST), STRIPE)
    state = office.state(tailed)
    assert (state.stage, state.attention) == (Stage.VERIFIED, Attention.TRANSFER_REVERSED)
    other, mo = SettleReversal(payout_id=payout_id(tailed, 2), reason="odd"), person(office)
    with pytest.raises(IllegalCommand, match="waits for a decision"):
        office.decided(tailed, other, mo)
    office.must(tailed, SettleReversal(payout_id=first, reason="seen"), person(office))
    assert office.state(tailed).attention is None
    assert balances(office, tailed) == {"budget": FIRST, "held": REST, "owed": 0, "paid": 0}
    sound(office)
    office.later(days=31)
    checked(office, tailed)
    transferred(office, tailed)
    assert office.state(tailed).stage is Stage.COMPLETED
    sound(office)


def test_stripes_word_on_the_first_part_that_comes_again_does_not_touch_the_second(
    office: Office, tailed: str
) -> None:
    """The message about part 1 once more, while part 2 is being paid: not part 2's transfer."""
    assert told(office, "transfer.created", payout_id=payout_id(tailed, 1), object_id=f"tr_1_{tailed}") == []
    office.later(days=31)
    checked(office, tailed)
    pay(office, tailed)
    assert office.state(tailed).stage is Stage.PAYING
    with pytest.raises(IllegalCommand, match="another payment"):
        confirmed(office, tailed, 1)
    (errand,) = told(office, "transfer.created", payout_id=payout_id(tailed, 2), object_id=f"tr_2_{tailed}")
    office.must(tailed, errand.command, STRIPE)
    assert [part.transfer_id for part in office.state(tailed).parts] == [f"tr_1_{tailed}", f"tr_2_{tailed}"]
    sound(office)


def test_each_part_has_its_own_attempts_and_report(office: Office, tailed: str) -> None:
    office.later(days=31)
    checked(office, tailed)
    pay(office, tailed)
    with office.sessions() as session:
        attempts = session.execute(
            select(PayoutAttempt.payout_id, PayoutAttempt.amount).order_by(PayoutAttempt.opened_at)
        ).all()
    ours = [tuple(row) for row in attempts if row.payout_id in {payout_id(tailed, n) for n in (1, 2)}]
    assert ours == [(payout_id(tailed, 1), FIRST), (payout_id(tailed, 2), REST)]
