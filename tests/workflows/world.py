"""The outside of a workflow for time-skipping tests: activities by name, scripted findings, a record.

`record_change` keeps what it was given, in order, and can be told to refuse; nothing else is imitated:
the decisions, the alarms and the workflows are the real ones.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sysconfig import get_path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities import contracts
from activities.contracts import (
    CheckResult,
    CheckTask,
    GateAnswer,
    GateTask,
    Recorded,
    TransferAnswer,
    TransferTask,
    WatchAnswer,
    WatchTask,
)
from domain.commands import CheckOutcome, Command, Request, TransferResult
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.money import Money
from domain.offer import CampaignType, FeeTail
from domain.policy import Policy
from domain.roles import Actor, ActorKind
from domain.stages import Attention, Stage
from domain.state import Change, SendNotice, Snapshot, State
from workflows.collaboration import CollaborationWorkflow
from workflows.messages import GIVE, PAYMENTS_QUEUE
from workflows.watch import WatchWorkflow

TEST_SERVER = Path(get_path("scripts")) / "temporal-test-server"

BRAND = Actor(kind=ActorKind.BRAND, id="member_1")
CREATOR = Actor(kind=ActorKind.CREATOR, id="creator_1")
CARRIER = Actor(kind=ActorKind.CARRIER, id="event")
STRIPE = Actor(kind=ActorKind.STRIPE, id="evt")


def opening(
    kind: CampaignType = CampaignType.GIFTING_PAID, *, tails: list[FeeTail] | None = None, **policy: Any
) -> State:
    """A fresh collaboration of this type."""
    name = uuid.uuid4().hex
    fee = Money(amount=22000, currency="USD") if kind.pays else None
    return State(
        collaboration_id=derived_id("collaboration", name),
        campaign_id=derived_id("campaign", name),
        brand_id=derived_id("brand", name),
        creator_id=derived_id("creator", name),
        offer_id=derived_id("offer", name),
        type=kind,
        fee=fee,
        tails=tails or [],
        policy=Policy(**policy),
        zone="America/New_York",
    )


class Outside:
    """What the activities answer, and what they were asked."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.refuse: dict[str, Recorded] = {}
        """Command name -> refusal, given once."""
        self.findings: list[CheckOutcome] = []
        """What the next looks at the post find; pass when empty."""
        self.gates: list[GateAnswer] = []
        self.transfers: list[TransferAnswer | Exception] = []
        self.found: list[TransferAnswer] = []
        self.transfer_calls = 0
        self.looks: list[tuple[WatchTask, datetime]] = []
        """Every look of a watch, and when."""
        self.begun = datetime.now(UTC)
        """Since when a watch of its own looks."""
        self.seen: list[WatchAnswer | Exception] = []
        """What the next looks of a watch answer; nothing found when empty."""

    @property
    def events(self) -> list[str]:
        """Names of everything that happened."""
        return [event.name for change in self.changes for event in change.events]

    @property
    def mails(self) -> list[str]:
        """Kinds of the e-mails queued, in order."""
        return [
            effect.kind.value
            for change in self.changes
            for effect in change.effects
            if isinstance(effect, SendNotice)
        ]

    def moment(self, event: str) -> datetime:
        """When this event last happened."""
        return [change.at for change in self.changes if event in [e.name for e in change.events]][-1]

    @activity.defn(name=contracts.RECORD_CHANGE)
    async def record_change(self, change: Change) -> Recorded:
        """Keep the change, or refuse it as told."""
        refusal = self.refuse.pop(change.command, None)
        if refusal is not None:
            return refusal
        if change.request_id in [known.request_id for known in self.changes]:
            return Recorded()
        self.changes.append(change)
        if "payment_due" in [event.name for event in change.events] and not self.gates:
            report_id = derived_id("gate_report", change.collaboration_id, change.sequence)
            return Recorded(gates=GateAnswer(report_id=report_id, all_pass=True))
        return Recorded()

    @activity.defn(name=contracts.CHECK_POST)
    async def check_post(self, task: CheckTask) -> CheckResult:
        """The next finding."""
        outcome = self.findings.pop(0) if self.findings else CheckOutcome.PASS
        check_id = derived_id("disclosure_check", task.collaboration_id, task.number)
        return CheckResult(check_id=check_id, outcome=outcome, reason="scripted")

    @activity.defn(name=contracts.WATCH_POST)
    async def watch_post(self, task: WatchTask) -> WatchAnswer:
        """Note the look; the next answer."""
        self.looks.append((task, activity.info().current_attempt_scheduled_time))
        answer = self.seen.pop(0) if self.seen else WatchAnswer(over=False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @activity.defn(name=contracts.ASSESS_GATES)
    async def assess_gates(self, task: GateTask) -> GateAnswer:
        """The next report; all pass when none is scripted."""
        report_id = derived_id("gate_report", task.collaboration_id, task.sequence)
        if self.gates:
            return self.gates.pop(0).model_copy(update={"report_id": report_id})
        return GateAnswer(report_id=report_id, all_pass=True)

    @activity.defn(name=contracts.TRANSFER_PAYOUT)
    async def transfer_payout(self, task: TransferTask) -> TransferAnswer:
        """The next outcome; sent when none is scripted."""
        self.transfer_calls += 1
        answer = self.transfers.pop(0) if self.transfers else None
        if isinstance(answer, Exception):
            raise answer
        return answer or TransferAnswer(result=TransferResult.SENT, transfer_id=f"tr_{task.number}")

    @activity.defn(name=contracts.LOOK_UP_TRANSFER)
    async def look_up_transfer(self, task: TransferTask) -> TransferAnswer:
        """The next finding; unknown when none is scripted."""
        if self.found:
            return self.found.pop(0)
        return TransferAnswer(result=TransferResult.UNKNOWN, reason="not_found")

    @property
    def all(self) -> list[Any]:
        """The activities, for a worker."""
        return [
            self.record_change,
            self.check_post,
            self.watch_post,
            self.assess_gates,
            self.transfer_payout,
            self.look_up_transfer,
        ]


class Life:
    """One collaboration in a time-skipping world."""

    def __init__(
        self, env: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], outside: Outside, queue: str = ""
    ) -> None:
        self.env = env
        self.queue = queue
        self.handle = handle
        self.outside = outside
        self._number = 0

    async def give(self, command: Command, actor: Actor, request_id: str | None = None) -> Snapshot:
        """Send one command; raises `WorkflowUpdateFailedError` when it is refused."""
        self._number += 1
        request = Request(id=request_id or f"test:{self._number}", actor=actor, command=command)
        answer: Snapshot = await self.handle.execute_update(
            GIVE, request, id=request.id, result_type=Snapshot
        )
        return answer

    async def refused(self, command: Command, actor: Actor) -> str:
        """Send a command that must be refused; the code of the refusal."""
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await self.give(command, actor)
        assert isinstance(caught.value.cause, ApplicationError)
        return str(caught.value.cause.type)

    def payout(self, part: int = 1) -> str:
        """The id of the payout of one part."""
        return payout_id(self.handle.id.removeprefix("collaboration/"), part)

    async def state(self) -> State:
        """The state in the workflow's memory."""
        found: State = await self.handle.query("state", result_type=State)
        return found

    async def stage(self) -> Stage:
        """Where it stands."""
        return (await self.state()).stage

    async def until(self, stage: Stage, patience: int = 200) -> State:
        """Wait (in real time) until the workflow has worked its way to a stage."""
        for _ in range(patience):
            state = await self.state()
            if state.stage is stage:
                return state
            await self.env.sleep(timedelta(milliseconds=50))
        raise AssertionError(f"still {state.stage}, waited for {stage}; events {self.outside.events}")

    async def until_flagged(self, reason: Attention) -> None:
        """Wait (in real time) until a person is asked for."""
        for _ in range(200):
            if (await self.state()).attention is reason:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not flagged {reason}; events {self.outside.events}")

    async def days(self, days: float) -> None:
        """Let time pass."""
        await self.env.sleep(timedelta(days=days))


@asynccontextmanager
async def world(outside: Outside, cached: int = 1000) -> AsyncIterator[tuple[WorkflowEnvironment, str]]:
    """A time-skipping server, a worker and the name of its queue; nothing begun yet."""
    async with await WorkflowEnvironment.start_time_skipping(
        identity="handsel-test",
        data_converter=pydantic_data_converter,
        test_server_existing_path=str(TEST_SERVER),
    ) as env:
        queue = f"test-{uuid.uuid4().hex}"
        async with (
            worker(env.client, queue, outside, cached),
            Worker(env.client, task_queue=PAYMENTS_QUEUE, activities=outside.all),
        ):
            yield env, queue


async def begin(env: WorkflowEnvironment, queue: str, start: State) -> WorkflowHandle[Any, Any]:
    """One collaboration, begun."""
    return await env.client.start_workflow(
        CollaborationWorkflow.run, start, id=f"collaboration/{start.collaboration_id}", task_queue=queue
    )


@asynccontextmanager
async def living(start: State, outside: Outside | None = None, *, cached: int = 1000) -> AsyncIterator[Life]:
    """A world in which one collaboration has begun."""
    outside = outside or Outside()
    async with world(outside, cached) as (env, queue):
        yield Life(env, await begin(env, queue, start), outside, queue)


def worker(client: Client, queue: str, outside: Outside, cached: int = 1000) -> Worker:
    """A worker in which a defect fails the test instead of hanging it."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[CollaborationWorkflow, WatchWorkflow],
        activities=outside.all,
        workflow_failure_exception_types=[RuntimeError, TypeError, KeyError, AttributeError],
        max_cached_workflows=cached,
    )


def now() -> datetime:
    """Wall time, for tests that compare with it."""
    return datetime.now(UTC)
