"""The run of the day over days and a change of the clock, the parked rest of it, and holds that get old."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from temporalio import activity
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities import contracts
from activities.contracts import GateAnswer, GateTask, Recorded, TransferAnswer, TransferTask
from domain.commands import HoldPayout, Reassess, ReleasePayout, Request
from domain.ids import derived_id
from domain.payout_line import LOOK_AGAIN
from domain.roles import Actor, ActorKind
from domain.runs import next_run
from domain.stages import Attention, Stage
from domain.state import Change, State
from tests.workflows.world import BRAND, STRIPE, Outside, begin, living, opening, world
from workflows.messages import GIVE

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = "10:00"
PERSON = Actor(kind=ActorKind.BRAND, id=derived_id("member", "mo"))


def moment() -> datetime:
    """Now, in the world whose clock skips."""
    return activity.info().current_attempt_scheduled_time


class Run(Outside):
    """Gates in which only the hour is in the way, and a Stripe that notes when it was asked to pay."""

    def __init__(self) -> None:
        super().__init__()
        self.earned: dict[str, datetime] = {}
        self.paid: list[tuple[str, datetime]] = []
        self.lost_answers = 0
        """So many first tries get no answer."""

    @activity.defn(name=contracts.RECORD_CHANGE)
    async def record_change(self, change: Change) -> Recorded:
        """Keep the change, once: requests of different collaborations may have the same name."""
        known = [(one.collaboration_id, one.request_id) for one in self.changes]
        if (change.collaboration_id, change.request_id) not in known:
            self.changes.append(change)
        return Recorded()

    @activity.defn(name=contracts.ASSESS_GATES)
    async def assess_gates(self, task: GateTask) -> GateAnswer:
        """The rule of the program: the first run after it was earned."""
        now = moment()
        run_at = next_run(self.earned.setdefault(task.collaboration_id, now), HOUR, BERLIN.key)
        report_id = derived_id("gate_report", task.collaboration_id, task.sequence)
        return GateAnswer(
            report_id=report_id, all_pass=now >= run_at, look_at=run_at if now < run_at else None
        )

    @activity.defn(name=contracts.TRANSFER_PAYOUT)
    async def transfer_payout(self, task: TransferTask) -> TransferAnswer:
        """Pays, and sometimes says nothing at the first try."""
        if self.lost_answers and activity.info().attempt == 1:
            self.lost_answers -= 1
            raise ApplicationError("no clear answer", type="outcome_unknown")
        self.paid.append((task.collaboration_id, moment()))
        return TransferAnswer(result="sent", transfer_id=f"tr_{task.collaboration_id}")


def due(**changes: Any) -> State:
    """A collaboration whose fee is earned."""
    return opening().model_copy(update={"stage": Stage.PAYABLE, "sequence": 9} | changes)


def next_change_of_the_clock(after: datetime) -> datetime:
    """The first moment at which Berlin is on another offset, to the hour."""
    at = after.replace(minute=0, second=0, microsecond=0)
    before = at.astimezone(BERLIN).utcoffset()
    while at.astimezone(BERLIN).utcoffset() == before:
        at += timedelta(hours=1)
    return at


async def test_a_week_of_daily_runs_across_a_change_of_the_clock() -> None:
    outside = Run()
    outside.lost_answers = 3
    async with world(outside) as (env, queue):
        change = next_change_of_the_clock(await env.get_current_time())
        await env.sleep(change - timedelta(days=3) - await env.get_current_time())
        begun = []
        for _ in range(21):  # three a day for a week, the change in the middle
            begun.append(due())
            await begin(env, queue, begun[-1])
            await env.sleep(timedelta(hours=8))
        await env.sleep(timedelta(days=2))
    assert sorted(of for of, _ in outside.paid) == sorted(one.collaboration_id for one in begun)
    offsets = set()
    for of, at in outside.paid:
        run_at = next_run(outside.earned[of], HOUR, BERLIN.key)
        local = at.astimezone(BERLIN)
        assert timedelta() <= at - run_at < timedelta(minutes=5), (outside.earned[of], at)
        assert (local.hour, local.date()) == (10, run_at.astimezone(BERLIN).date())
        offsets.add(local.utcoffset())
    assert len(offsets) == 2, "the week has runs before and after the change"
    assert outside.events.count("attempt_opened") == len(begun), "a lost answer makes no second attempt"


class Short(Outside):
    """A balance that covers nothing until it is filled."""

    def __init__(self) -> None:
        super().__init__()
        self.filled = False
        self.looks_at_gates: list[datetime] = []

    @activity.defn(name=contracts.ASSESS_GATES)
    async def assess_gates(self, task: GateTask) -> GateAnswer:
        """As the program answers: parked, looked at again a minute after it was parked."""
        now = moment()
        self.looks_at_gates.append(now)
        report_id = derived_id("gate_report", task.collaboration_id, task.sequence)
        if self.filled:
            return GateAnswer(report_id=report_id, all_pass=True)
        soon = now + LOOK_AGAIN if len(self.looks_at_gates) == 1 else None
        flag = Attention.FUNDS_SHORT.value
        return GateAnswer(report_id=report_id, all_pass=False, flag=flag, look_at=soon)


async def test_a_parked_payment_looks_soon_then_seldom_and_goes_on_when_nobody_tells_of_the_money() -> None:
    outside = Short()
    async with living(due(), outside) as life:
        await life.until_flagged(Attention.FUNDS_SHORT)
        await life.days(1)
        assert outside.transfer_calls == 0
        gaps = [b - a for a, b in zip(outside.looks_at_gates, outside.looks_at_gates[1:], strict=False)]
        assert gaps[0] < LOOK_AGAIN * 2
        assert all(timedelta(hours=5) < gap < timedelta(hours=7) for gap in gaps[1:]), gaps
        outside.filled = True
        await life.days(0.5)
        await life.until(Stage.PAID)
    assert outside.transfer_calls == 1


async def test_a_top_up_of_which_stripe_tells_lets_it_go_at_once_and_once() -> None:
    outside = Short()
    async with living(due(), outside) as life:
        await life.until_flagged(Attention.FUNDS_SHORT)
        await life.days(0.1)
        outside.filled = True
        for _ in range(3):  # balance.available, topup.succeeded, and one of them again
            with suppress(WorkflowUpdateFailedError):  # refused once the payment is under way
                await life.give(Reassess(), STRIPE)
        await life.until(Stage.PAID)
    assert outside.transfer_calls == 1
    assert outside.events.count("attempt_opened") == 1
    gap = outside.moment("attempt_opened") - outside.moment("reassessment_asked")
    assert gap < timedelta(minutes=1)


class Held(Outside):
    """Gates in which only a hold is in the way."""

    @activity.defn(name=contracts.ASSESS_GATES)
    async def assess_gates(self, task: GateTask) -> GateAnswer:
        """By what has happened."""
        report_id = derived_id("gate_report", task.collaboration_id, task.sequence)
        last = [name for name in self.events if name in ("payout_held", "hold_overdue", "payout_released")]
        flags = {"payout_held": Attention.PAYOUT_HELD.value, "hold_overdue": Attention.HOLD_OVERDUE.value}
        flag = flags.get(last[-1] if last else "", "")
        return GateAnswer(report_id=report_id, all_pass=bool(last) and not flag, flag=flag)


async def test_a_hold_gets_old_by_the_calendar_also_when_the_clock_changes() -> None:
    outside = Held()
    async with world(outside) as (env, queue):
        change = next_change_of_the_clock(await env.get_current_time())
        await env.sleep(change - timedelta(days=1) - await env.get_current_time())
        state = due(zone=BERLIN.key)
        handle = await begin(env, queue, state)
        hold = Request(id="hold", actor=BRAND, command=HoldPayout(reason="looks_odd"))
        await handle.execute_update(GIVE, hold, id=hold.id)
        await env.sleep(timedelta(days=2))
        assert "hold_overdue" not in outside.events
        await env.sleep(timedelta(days=3))
        assert outside.events.count("hold_overdue") == 1, "once, however long it lasts"
        held, overdue = outside.moment("payout_held"), outside.moment("hold_overdue")
        assert held.astimezone(BERLIN).utcoffset() != overdue.astimezone(BERLIN).utcoffset()
        last_day = held.astimezone(BERLIN).date() + timedelta(days=2)
        assert f"{overdue.astimezone(BERLIN):%Y-%m-%d %H:%M}" == f"{last_day} 23:59", (
            "the end of its second day"
        )
        assert (await handle.query("state", result_type=State)).attention is Attention.HOLD_OVERDUE
        release = Request(id="release", actor=PERSON, command=ReleasePayout(reason="fine"))
        await handle.execute_update(GIVE, release, id=release.id)
        await env.sleep(timedelta(minutes=5))
    assert outside.transfer_calls == 1


async def test_a_hold_that_ends_in_time_is_never_called_old() -> None:
    outside = Held()
    async with living(due(), outside) as life:
        await life.give(HoldPayout(reason="looks_odd"), BRAND)
        await life.days(1.9)
        await life.give(ReleasePayout(reason="fine"), PERSON)
        await life.until(Stage.PAID)
        await life.days(1)
    assert "hold_overdue" not in outside.events
    assert outside.transfer_calls == 1
