"""The watch over weeks, in a world whose clock skips: when it looks, when it ends, and that it outlives."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError

from activities.contracts import GateAnswer, WatchAnswer, WatchTask
from domain.commands import CheckOutcome, ConfirmTransfer, Recheck, RecordLook, SettleFinding
from domain.ids import derived_id
from domain.roles import HANDSEL
from domain.stages import Attention, Stage
from domain.state import State
from tests.workflows.test_paths import to_posted
from tests.workflows.world import BRAND, CREATOR, STRIPE, Life, Outside, living, opening
from workflows.messages import WATCH, WatchStart, watch_workflow_id

NEW_YORK = "America/New_York"


async def watched(outside: Outside, **changes: Any) -> list[tuple[WatchTask, datetime]]:
    """Every look of a watch that is begun alone and lives to its end.

    The time-skipping server stops its clock when a child outlives its parent, so that a whole month can be
    lived by a watch of its own only; `test_a_watch_outlives_its_collaboration` is about the child.
    """
    async with living(opening(), outside) as life:
        name = (await life.state()).collaboration_id
        now = await life.env.get_current_time()
        fields = {
            "collaboration_id": name,
            "number": 1,
            "verified_at": now,
            "zone": NEW_YORK,
            "after": opening().policy.watch_after,
            "mend_within": "2d",
        }
        start = WatchStart.model_validate(fields | changes)
        watch = await life.env.client.start_workflow(
            WATCH, start, id=watch_workflow_id(name, 1), task_queue=life.queue
        )
        await watch.result()
        outside.begun = start.verified_at
        return outside.looks


def look(state: State, outcome: CheckOutcome, number: int = 1) -> RecordLook:
    check_id = derived_id("disclosure_check", state.collaboration_id, "watch", state.watch, number)
    return RecordLook(check_id=check_id, watch=state.watch, outcome=outcome, reason="seen")


async def completed(life: Life) -> State:
    await to_posted(life)
    state = await life.until(Stage.PAID)
    await life.give(ConfirmTransfer(payout_id=life.payout(), transfer_id="tr_1"), STRIPE)
    await life.handle.result()
    return state


def lateness(at: datetime, verified: datetime) -> timedelta:
    """How long after the verification a look came, by the clock on the creator's wall."""
    zone = ZoneInfo(NEW_YORK)
    return at.astimezone(zone).replace(tzinfo=None) - verified.astimezone(zone).replace(tzinfo=None)


async def test_a_post_is_looked_at_for_a_month() -> None:
    outside = Outside()
    looks = await watched(outside)
    assert [(task.number, task.last) for task, _ in looks] == [(1, False), (2, False), (3, False), (4, True)]
    for hours, (_, at) in zip((1, 24, 7 * 24, 30 * 24), looks, strict=True):
        due = timedelta(hours=hours)
        assert due - timedelta(seconds=1) <= lateness(at, outside.begun) < due + timedelta(hours=6, minutes=5)


async def test_months_across_changes_of_the_clock_keep_the_local_hour() -> None:
    spans = [f"{days}d" for days in range(30, 360, 30)]
    outside = Outside()
    looks = await watched(outside, after=spans)
    assert len(looks) == len(spans)
    offsets = {at.astimezone(ZoneInfo(NEW_YORK)).utcoffset() for _, at in looks}
    assert len(offsets) == 2
    for _, at in looks:
        assert lateness(at, outside.begun) % timedelta(days=30) < timedelta(hours=6, minutes=5)


async def test_a_finding_adds_one_look_when_the_time_to_mend_is_over() -> None:
    outside = Outside()
    outside.seen = [WatchAnswer(over=False), WatchAnswer(over=False, found=True)]
    looks = await watched(outside)
    found, mended = looks[1][1], looks[2][1]
    assert timedelta(days=2) <= mended - found < timedelta(days=3)
    assert len(looks) == 5


async def test_a_watch_that_is_over_looks_no_more() -> None:
    outside = Outside()
    outside.seen = [WatchAnswer(over=True)]
    assert len(await watched(outside)) == 1


async def test_a_platform_that_stays_away_is_noted_and_the_watch_goes_on() -> None:
    outside = Outside()
    outside.seen = [ApplicationError("away", type="PostUnreachable", non_retryable=True)]
    assert [(task.number, task.given_up) for task, _ in await watched(outside)] == [
        (1, False), (1, True), (2, False), (3, False), (4, False),
    ]  # fmt: skip


async def test_one_look_makes_up_for_those_that_nobody_made() -> None:
    """After two weeks without a worker the post is looked at once, and then when it is due."""
    outside = Outside()
    async with living(opening()) as life:
        now = await life.env.get_current_time()
    looks = await watched(outside, verified_at=now - timedelta(days=14))
    assert [(task.number, task.last) for task, _ in looks] == [(1, False), (2, True)]
    assert looks[1][1] - looks[0][1] > timedelta(days=15)


async def test_a_watch_outlives_its_collaboration() -> None:
    async with living(opening()) as life:
        await completed(life)
        await life.days(0.1)
        assert [task.number for task, _ in life.outside.looks] == [1]
        assert (await life.handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_nobody_looks_where_the_policy_says_so() -> None:
    async with living(opening(watch_after=[])) as life:
        await completed(life)
        assert (await life.state()).watch == 0
        assert life.outside.looks == []


async def test_a_finding_before_the_end_of_the_time_live_starts_the_check_anew_and_another_watch() -> None:
    async with living(opening(live_for="10d")) as life:
        await to_posted(life)
        state = await life.until(Stage.VERIFIED)
        answer = await life.give(look(state, CheckOutcome.FAIL), HANDSEL)
        assert (answer.stage, answer.outcome) == (Stage.DISCLOSURE_CHECK, "disclosure_failed")
        assert "disclosure_fix" in life.outside.mails
        await life.give(Recheck(), CREATOR)
        state = await life.until(Stage.VERIFIED)
        assert state.watch == 2
        first = look(state.model_copy(update={"watch": 1}), CheckOutcome.FAIL)
        assert await life.refused(first, HANDSEL) == "other_watch"


async def test_a_finding_on_a_fee_that_is_owed_takes_it_back_and_it_is_earned_again() -> None:
    outside = Outside()
    async with living(opening(), outside) as life:
        report = derived_id("gate_report", "g")
        outside.gates = [GateAnswer(report_id=report, all_pass=False, flag="payee_missing")]
        await to_posted(life)
        await life.until(Stage.PAYABLE)
        await life.until_flagged(Attention.PAYEE_MISSING)
        state = await life.state()
        await life.give(look(state, CheckOutcome.REMOVED), HANDSEL)
        after = await life.state()
        assert (after.stage, after.attention, after.payable_at) == (Stage.DISCLOSURE_CHECK, None, None)
        await life.give(Recheck(), CREATOR)
        await life.until(Stage.PAID)
        effects = [effect for change in outside.changes for effect in change.effects]
        fees = [(one.do, getattr(one, "number", 0)) for one in effects if one.do.endswith("earn_fee")]
        assert fees == [("earn_fee", 1), ("unearn_fee", 1), ("earn_fee", 2)]


@pytest.mark.parametrize("outcome", [CheckOutcome.FAIL, CheckOutcome.REMOVED, CheckOutcome.NEEDS_REVIEW])
async def test_a_finding_after_the_payment_moves_nothing_and_asks_people(outcome: CheckOutcome) -> None:
    async with living(opening()) as life:
        await to_posted(life)
        state = await life.until(Stage.PAID)
        await life.give(look(state, outcome), HANDSEL)
        after = await life.state()
        assert (after.stage, after.attention) == (Stage.PAID, Attention.POST_CHANGED)
        assert ("post_changed" in life.outside.mails) == (outcome is not CheckOutcome.NEEDS_REVIEW)
        await life.give(SettleFinding(verdict="accepted", reason="agreed"), BRAND)
        assert (await life.state()).attention is None
        assert await life.refused(SettleFinding(verdict="accepted", reason="agreed"), BRAND) == "no_finding"


async def test_what_the_creator_mends_after_the_payment_settles_itself() -> None:
    async with living(opening()) as life:
        await to_posted(life)
        state = await life.until(Stage.PAID)
        assert await life.refused(look(state, CheckOutcome.PASS), HANDSEL) == "no_finding"
        await life.give(look(state, CheckOutcome.FAIL), HANDSEL)
        await life.give(look(state, CheckOutcome.PASS, 2), HANDSEL)
        assert (await life.state()).attention is None
        assert life.outside.events[-2:] == ["post_changed", "post_mended"]


async def test_an_ended_collaboration_that_is_started_again_takes_one_command_and_ends() -> None:
    async with living(opening()) as life:
        await completed(life)
        state = await life.state()
        assert state.stage is Stage.COMPLETED
        changes = len(life.outside.changes)
        again = await life.env.client.start_workflow(
            "Collaboration", state, id=f"again/{state.collaboration_id}", task_queue=life.queue
        )
        await asyncio.wait_for(again.result(), 60)
        assert len(life.outside.changes) == changes


def test_the_default_policy_watches_for_a_month() -> None:
    assert opening().policy.watch_after == ["1h", "1d", "7d", "30d"]
