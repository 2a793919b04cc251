"""Payments in parts, on the time-skipping server: the workflow waits for a tail, and wakes to pay again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from activities.contracts import GateAnswer
from domain.commands import CheckOutcome, ConfirmTransfer, RecordReversal, RejectPost, Request, SettleReversal
from domain.decide import decide
from domain.ids import derived_id
from domain.offer import FeeTail
from domain.payment_policy import LateFee, PaymentPolicy
from domain.roles import Actor, ActorKind
from domain.stages import Attention, Stage
from domain.state import apply
from tests.workflows.test_paths import to_posted
from tests.workflows.world import BRAND, STRIPE, Life, Outside, living, opening

PERSON = Actor(kind=ActorKind.BRAND, id="member_01k9z3v5e8fw0a2t4s6q8r0b1c")
TAILS = [FeeTail(percent=20, live_for="30d"), FeeTail(percent=10, live_for="60d")]


async def confirmed(life: Life, part: int) -> None:
    """Wait until this part is sent, and let Stripe confirm it."""
    while (state := await life.until(Stage.PAID)).part != part:
        await asyncio.sleep(0.02)
    sent = next(one for one in state.parts if one.number == part)
    await life.give(ConfirmTransfer(payout_id=life.payout(part), transfer_id=sent.transfer_id), STRIPE)


async def test_each_tail_waits_for_its_time_and_is_checked_before_it_is_paid() -> None:
    async with living(opening(tails=TAILS)) as life:
        await to_posted(life)
        await confirmed(life, 1)
        waiting = await life.until(Stage.VERIFIED)
        assert (waiting.part, waiting.transferred) == (2, True)
        await life.days(31)
        await confirmed(life, 2)
        await life.days(31)
        await confirmed(life, 3)
        await life.handle.result()
        outside = life.outside
        assert outside.transfer_calls == 3
        assert outside.mails.count("paid") == 3
        assert outside.events[-7:] == [
            "part_waits", "check_requested", "disclosure_passed", "payment_due", "attempt_opened",
            "transfer_sent", "transfer_confirmed",
        ]  # fmt: skip
        verified = outside.moment("draft_approved")
        assert outside.moment("transfer_confirmed") - verified > timedelta(days=60)


async def test_a_tail_whose_post_is_gone_is_withheld_and_the_workflow_ends() -> None:
    outside = Outside()
    outside.findings = [CheckOutcome.PASS, CheckOutcome.REMOVED]
    async with living(opening(tails=TAILS[:1]), outside) as life:
        await to_posted(life)
        await confirmed(life, 1)
        await life.until(Stage.VERIFIED)
        await life.days(31)
        await life.until(Stage.DISCLOSURE_CHECK)
        await life.give(RejectPost(reason="taken_down"), BRAND)
        await life.handle.result()
        assert (outside.transfer_calls, outside.events[-1]) == (1, "tail_withheld")
        assert outside.mails[-1] == "tail_withheld"


async def test_a_late_fee_follows_the_late_payment_by_itself() -> None:
    policy = PaymentPolicy(late_fee=LateFee(per_day=100))
    outside = Outside()
    none = derived_id("gate_report", "x")
    wait = GateAnswer(report_id=none, all_pass=False, flag=Attention.AWAITS_APPROVAL.value)
    outside.gates = [wait] * 9 + [GateAnswer(report_id=none, all_pass=True)]
    async with living(opening(pay_within="1d", payment=policy), outside) as life:
        await to_posted(life)
        await life.days(4)
        await confirmed(life, 1)
        await confirmed(life, 2)
        await life.handle.result()
        events = [event for change in outside.changes for event in change.events]
        (owed,) = [event for event in events if event.name == "late_fee_owed"]
        assert owed.data["of"] == 1
        assert owed.data["amount"] == 220 * int(str(owed.data["days"]))
        assert outside.transfer_calls == 2


async def test_an_ended_collaboration_that_has_to_pay_again_does_so_and_ends_again() -> None:
    """From the state that a person's word left, as it is started again for it."""
    async with living(opening()) as life:
        await to_posted(life)
        await confirmed(life, 1)
        await life.handle.result()
        state = await life.state()
        back = RecordReversal(payout_id=life.payout(), transfer_id="tr_1", total=22_000)
        again = SettleReversal(payout_id=life.payout(), then="pay_again", reason="a_mistake")
        for number, (command, actor) in enumerate([(back, STRIPE), (again, PERSON)]):
            request = Request(id=f"again:{number}", actor=actor, command=command)
            state = apply(state, decide(state, request, datetime.now(UTC)))
        assert (state.stage, state.part) == (Stage.PAYABLE, 2)
        handle = await life.env.client.start_workflow(
            "Collaboration", state, id=life.handle.id, task_queue=life.queue
        )
        second = Life(life.env, handle, life.outside, life.queue)
        await confirmed(second, 2)
        await handle.result()
        assert life.outside.transfer_calls == 2
        assert (await second.state()).stage is Stage.COMPLETED
