"""One collaboration, from the invitation to its end: the only writer of its state.

Everything that people, carriers and Stripe do comes in as one update (`give`); what time does comes from
`domain.alarms`; what Handsel itself owes at a stage is a duty below. Each of them is decided by
`domain.decide` and recorded by one activity. Nothing here may look at a clock or a database by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        CHECK_POST,
        RECORD_CHANGE,
        CheckResult,
        CheckTask,
        Recorded,
    )
    from domain.alarms import next_alarm
    from domain.commands import (
        CheckOutcome,
        Command,
        Excuse,
        Invite,
        RecordCheck,
        Request,
        Waitlist,
    )
    from domain.decide import decide, snapshot
    from domain.errors import NOTHING_LEFT
    from domain.ids import derived_id
    from domain.roles import CLOCK, HANDSEL, Actor
    from domain.stages import Stage
    from domain.state import Change, Snapshot, State, apply
    from workflows.messages import COLLABORATION, GIVE, WATCH, WatchStart, watch_workflow_id
    from workflows.options import CHECK, RECORD
    from workflows.paying import WITH_STRIPE, Paying
    from workflows.refusals import refusals

AFTER_A_REFUSAL = timedelta(minutes=1)
"""How long the main loop waits after its own command was refused, unless something changes."""
AFTER_A_FAILED_WRITE = timedelta(minutes=10)


@workflow.defn(name=COLLABORATION)
class CollaborationWorkflow(Paying):
    """See the module."""

    @workflow.init
    def __init__(self, opening: State) -> None:
        super().__init__(opening)
        self._turn = asyncio.Lock()

    @workflow.run
    async def run(self, opening: State) -> None:
        """Do what is due, wait for what comes, until the end."""
        del opening
        while await self._goes_on():
            began_at = self._state.sequence
            try:
                if not await self._duty():
                    await self._wait()
            except ApplicationError:
                await self._sleep(AFTER_A_REFUSAL, began_at)
            except ActivityError:
                workflow.logger.exception("a change could not be recorded; waiting for a person")
                await self._sleep(AFTER_A_FAILED_WRITE, began_at)
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._state)

    async def _goes_on(self) -> bool:
        """Whether something is left to do, or may be once the commands that are under way are decided."""
        if self._over():
            await workflow.wait_condition(workflow.all_handlers_finished)
        return not self._over()

    def _over(self) -> bool:
        """Ended, and nothing is with Stripe any more that was asked back after the end."""
        return self._state.ended and self._state.clawback not in WITH_STRIPE

    # --- what comes from outside ----------------------------------------------------------------

    @workflow.update(name=GIVE)
    async def give(self, request: Request) -> Snapshot:
        """One command by one actor; the same id counts once."""
        return await self._advance(request)

    @give.validator
    def _give_possible(self, request: Request) -> None:
        if self._turn.locked():  # a change is being written: decided when it is done, not by the old state
            return
        with refusals():
            decide(self._state, request, workflow.now())

    @workflow.query(name="state")
    def state(self) -> State:
        """The state in memory, for a person who debugs."""
        return self._state

    # --- one change -----------------------------------------------------------------------------

    async def _advance(self, request: Request) -> Snapshot:
        async with self._turn:
            with refusals():
                change = decide(self._state, request, workflow.now())
            recorded = await self._record(change)
            if recorded.refused in NOTHING_LEFT and change.instead:
                with refusals():
                    change = decide(self._state, self._instead(request, change), workflow.now())
                recorded = await self._record(change)
            if recorded.refused:
                raise ApplicationError(
                    recorded.message,
                    recorded.kind or ("Invalid" if recorded.field else "NotOpen"),
                    recorded.field,
                    type=recorded.refused,
                    non_retryable=True,
                )
            watch, self._state = self._state.watch, apply(self._state, change)
            if self._state.watch != watch:
                await self._begin_watch()
            self._gates = recorded.gates
            return snapshot(self._state, change)

    async def _record(self, change: Change) -> Recorded:
        recorded: Recorded = await workflow.execute_activity(
            RECORD_CHANGE, change, result_type=Recorded, **RECORD
        )
        return recorded

    def _instead(self, request: Request, change: Change) -> Request:
        """What follows when nothing was left: the yes is kept, or the lost parcel excused."""
        command: Command = Excuse()
        if change.instead == "waitlist":
            command = Waitlist(answer_id=change.patch["answer_id"])
        return Request(id=f"{request.id}:{change.instead}", actor=HANDSEL, command=command)

    async def _give_own(self, command: Command, actor: Actor = HANDSEL) -> None:
        request_id = f"{actor.kind.value}:{self._state.sequence}:{command.name}"
        await self._advance(Request(id=request_id, actor=actor, command=command))

    async def _begin_watch(self) -> None:
        """Somebody looks at the verified post from now on, also when this workflow has ended."""
        state = self._state
        start = WatchStart(
            collaboration_id=state.collaboration_id,
            number=state.watch,
            verified_at=state.verified_at or workflow.now(),
            zone=state.zone,
            after=state.policy.watch_after,
            mend_within=state.policy.remedy_within,
        )
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await workflow.start_child_workflow(
                WATCH,
                start,
                id=watch_workflow_id(state.collaboration_id, state.watch),
                parent_close_policy=ParentClosePolicy.ABANDON,
            )

    # --- what Handsel owes at this stage ------------------------------------------------------------

    async def _duty(self) -> bool:
        """Do the next duty of this stage; False when there is none now."""
        if not self._duty_due():
            return False
        stage = self._state.stage
        if self._state.clawback in WITH_STRIPE:
            await self._pay()
        elif stage is Stage.QUEUED:
            await self._give_own(Invite())
        elif stage is Stage.POSTED:
            await self._check_post()
        else:
            await self._pay()
        return True

    def _duty_due(self) -> bool:
        if self._state.clawback not in WITH_STRIPE and self._state.stage in (Stage.QUEUED, Stage.POSTED):
            return True
        return self._pay_due()

    async def _check_post(self) -> None:
        state = self._state
        number = state.checks + 1
        if state.post_id is None:
            raise ApplicationError("a post without a submission", type="defect")
        task = CheckTask(
            collaboration_id=state.collaboration_id,
            submission_id=state.post_id,
            number=number,
            accepted_at=state.accepted_at,
        )
        try:
            found = await workflow.execute_activity(CHECK_POST, task, result_type=CheckResult, **CHECK)
        except ActivityError:
            found = CheckResult(
                check_id=derived_id("disclosure_check", state.collaboration_id, number),
                outcome=CheckOutcome.UNREADABLE,
                reason="unreachable",
            )
        await self._give_own(
            RecordCheck(
                check_id=found.check_id,
                outcome=found.outcome,
                reason=found.reason,
                unchanged=found.unchanged,
            )
        )

    # --- waiting --------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until the next alarm, unless something comes first; then give the clock's command."""
        until = self._next_moment()
        if until is None or until > workflow.now():
            await self._sleep_until(until)
        alarm = next_alarm(self._state)
        if alarm is not None and alarm.at <= workflow.now():
            await self._give_own(alarm.command, CLOCK)

    def _next_moment(self) -> datetime | None:
        alarm = next_alarm(self._state)
        moments = [alarm.at] if alarm is not None else []
        if self._look_at is not None and self._looks_again():
            moments.append(self._look_at)
        return min(moments, default=None)

    async def _sleep_until(self, until: datetime | None) -> None:
        """Sleep through changes that only move the alarm further away: each new wait costs a timer."""

        def woken() -> bool:
            if self._over() or self._duty_due():
                return True
            moment = self._next_moment()
            return moment is not None and (until is None or moment < until)

        timeout = None if until is None else until - workflow.now()
        try:
            await workflow.wait_condition(woken, timeout=timeout)
        except TimeoutError:
            return

    async def _sleep(self, length: timedelta, sequence: int) -> None:
        """Until the state is another than at `sequence`: what was refused may have been overtaken."""
        try:
            await workflow.wait_condition(
                lambda: self._state.sequence != sequence or self._over(), timeout=length
            )
        except TimeoutError:
            return
