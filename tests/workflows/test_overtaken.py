"""Commands of the clock and of Handsel that somebody else overtakes: the next step comes at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity

from activities import contracts
from activities.contracts import GateAnswer, GateTask, Recorded
from domain.commands import Reassess, ReleasePayout, SubmitPost
from domain.roles import Actor, ActorKind
from domain.stages import Attention, Stage
from domain.state import Change
from tests.workflows.test_paths import POST, to_approved
from tests.workflows.world import CREATOR, STRIPE, Outside, living, opening

PERSON = Actor(kind=ActorKind.BRAND, id="member_00000000000000000000000001")


class Slow(Outside):
    """Assesses slowly, and records a reassessment slowly when told to."""

    slow_reassessment = False

    @activity.defn(name=contracts.ASSESS_GATES)
    async def assess_gates(self, task: GateTask) -> GateAnswer:
        await asyncio.sleep(0.4)
        return await super().assess_gates(task)

    @activity.defn(name=contracts.RECORD_CHANGE)
    async def record_change(self, change: Change) -> Recorded:
        if change.command == "reassess" and self.slow_reassessment:
            await asyncio.sleep(1.0)
        if change.command == "release_payout":
            await asyncio.sleep(1.0)
        return await super().record_change(change)


async def test_a_payment_whose_report_was_overtaken_is_looked_at_again_at_once() -> None:
    outside = Slow()
    waiting = GateAnswer(
        report_id="gates_00000000000000000000000000", all_pass=False, flag=Attention.PAYEE_MISSING.value
    )
    outside.gates = [waiting]
    async with living(opening(), outside) as life:
        await to_approved(life)
        await life.give(SubmitPost(submission_id=POST), CREATOR)
        await life.until_flagged(Attention.PAYEE_MISSING)
        await life.give(Reassess(), STRIPE)  # the account is ready: the gates are assessed, slowly
        outside.slow_reassessment = True
        outside.refuse["open_attempt"] = Recorded(refused="report_stale", message="assess again")
        await life.give(Reassess(), STRIPE)  # and once more, while the first report is on its way
        await life.until(Stage.PAID)
    gap = outside.moment("attempt_opened") - outside.moment("reassessment_asked")
    assert gap < timedelta(seconds=30)


async def test_a_hold_that_is_released_while_the_gates_are_assessed_does_not_stop_the_payment() -> None:
    outside = Slow()
    held = GateAnswer(
        report_id="gates_00000000000000000000000000", all_pass=False, flag=Attention.PAYOUT_HELD.value
    )
    outside.gates = [held]
    start = opening().model_copy(update={"stage": Stage.PAYABLE, "sequence": 9, "held": "stop", "holds": 1})
    async with living(start, outside) as life:
        await life.give(ReleasePayout(reason="fine"), PERSON)  # being written when the answer "held" comes
        await life.until(Stage.PAID)
    gap = outside.moment("attempt_opened") - outside.moment("payout_released")
    assert gap < timedelta(seconds=30)
