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
        ASSESS_GATES,
        CHECK_POST,
        LOOK_UP_REVERSAL,
        LOOK_UP_TRANSFER,
        RECORD_CHANGE,
        TAKE_BACK,
        TRANSFER_PAYOUT,
        CheckResult,
        CheckTask,
        ClawbackTask,
        GateAnswer,
        GateTask,
        Recorded,
        TransferAnswer,
        TransferTask,
    )
    from domain.alarms import next_alarm
    from domain.clocks import later
    from domain.commands import (
        CheckOutcome,
        Command,
        ConfirmTransfer,
        Excuse,
        Flag,
        Invite,
        OpenAttempt,
        RecordCheck,
        Request,
        SettleAttempt,
        SettleClawback,
        TransferResult,
        Unflag,
        Waitlist,
    )
    from domain.decide import decide, snapshot
    from domain.errors import NOTHING_LEFT
    from domain.gates import ATTENTION_OF
    from domain.ids import derived_id
    from domain.roles import CLOCK, HANDSEL, Actor
    from domain.stages import Attention, Stage
    from domain.state import Change, Snapshot, State, apply
    from workflows.messages import COLLABORATION, GIVE, WATCH, WatchStart, watch_workflow_id
    from workflows.options import ASSESS, CHECK, LOOK_UP, RECORD, TRANSFER
    from workflows.refusals import refusals

AFTER_A_REFUSAL = timedelta(minutes=1)
"""How long the main loop waits after its own command was refused, unless something changes."""
AFTER_A_FAILED_WRITE = timedelta(minutes=10)
FLAGGED_BY_GATES = (*ATTENTION_OF.values(), Attention.HOLD_OVERDUE, Attention.OFF_PLATFORM_ASKED)
"""What is taken away again when only time is waited for."""
WITH_STRIPE = ("approved", "unknown")
"""A clawback that Stripe was told of, or is about to be."""
WAITS_FOR_A_PERSON = (Attention.TRANSFER_REFUSED, Attention.GATE_FAILED)
"""Payments that only a person's `reassess` sets going again."""


@workflow.defn(name=COLLABORATION)
class CollaborationWorkflow:
    """See the module."""

    @workflow.init
    def __init__(self, opening: State) -> None:
        self._state = opening
        self._turn = asyncio.Lock()
        self._assessed = -1
        """Sequence number at which the gates were last assessed."""
        self._gates: GateAnswer | None = None
        """The gates as the last change found them; None when it did not ask."""
        self._look_at: datetime | None = None
        """When a payment that waits is looked at again."""
        if opening.stage in (Stage.PAYABLE, Stage.PAYING, Stage.PAID):
            self._look_after(opening.policy.retry_payment)

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
            await self._take_back()
        elif stage is Stage.QUEUED:
            await self._give_own(Invite())
        elif stage is Stage.POSTED:
            await self._check_post()
        elif stage is Stage.PAYABLE:
            await self._assess()
        elif self._state.attention is Attention.OUTCOME_UNKNOWN or stage is Stage.PAID:
            await self._look_up()
        else:
            await self._transfer()
        return True

    def _duty_due(self) -> bool:
        state = self._state
        if state.clawback in WITH_STRIPE:
            return state.clawback == "approved" or self._time_to_look()
        if state.stage in (Stage.QUEUED, Stage.POSTED):
            return True
        if state.stage is Stage.PAYABLE:
            if state.attention in WAITS_FOR_A_PERSON:
                return False
            return self._assessed != state.sequence or self._time_to_look()
        if state.stage is Stage.PAYING:
            return state.attention is not Attention.OUTCOME_UNKNOWN or self._time_to_look()
        return state.stage is Stage.PAID and self._time_to_look()

    def _time_to_look(self) -> bool:
        return self._look_at is not None and workflow.now() >= self._look_at

    def _look_after(self, span: str) -> None:
        self._look_at = later(workflow.now(), span, self._state.zone)

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

    async def _assess(self) -> None:
        state = self._state
        task = GateTask(
            collaboration_id=state.collaboration_id,
            sequence=state.sequence,
            ask_balance=state.attention is Attention.FUNDS_SHORT,
            currency=state.fee.currency if state.fee else "",
        )
        answer = self._gates
        if answer is None or not answer.all_pass:
            answer = await workflow.execute_activity(ASSESS_GATES, task, result_type=GateAnswer, **ASSESS)
        if state.sequence != self._state.sequence:
            return
        if answer.all_pass:
            await self._give_own(OpenAttempt(report_id=answer.report_id))
            return
        known = state.sequence
        if answer.flag and answer.flag != state.attention:
            await self._give_own(Flag(reason=answer.flag))
            known += 1
        elif not answer.flag and state.attention in FLAGGED_BY_GATES:
            await self._give_own(Unflag())
            known += 1
        if self._state.sequence != known:
            return  # somebody else's change came before the flag: the answer is older than it, look again
        self._assessed = known
        self._look_after(state.policy.retry_payment)
        if answer.look_at is not None and self._look_at is not None:
            self._look_at = min(self._look_at, answer.look_at)

    async def _transfer(self) -> None:
        state = self._state
        task = TransferTask(collaboration_id=state.collaboration_id, number=state.attempt, part=state.part)
        running = workflow.start_activity(TRANSFER_PAYOUT, task, result_type=TransferAnswer, **TRANSFER)
        await workflow.wait_condition(lambda: running.done() or self._state.stage is not Stage.PAYING)
        if not running.done():
            # Stripe's own message was faster than the answer to our call. The call is not cancelled:
            # a try that comes later finds its attempt settled and ends by itself.
            return
        try:
            answer = await running
        except ActivityError:
            answer = TransferAnswer(result=TransferResult.UNKNOWN, reason="no_answer")
        self._look_after(state.policy.confirm_within)
        if self._state.stage is Stage.PAYING:
            await self._settle(answer)

    async def _settle(self, answer: TransferAnswer) -> None:
        await self._give_own(
            SettleAttempt(result=answer.result, transfer_id=answer.transfer_id, reason=answer.reason)
        )
        if answer.result is TransferResult.REFUSED:
            self._assessed = self._state.sequence
            self._look_after(self._state.policy.retry_payment)

    async def _look_up(self) -> None:
        state = self._state
        self._look_after(state.policy.retry_payment)
        task = TransferTask(collaboration_id=state.collaboration_id, number=state.attempt, part=state.part)
        try:
            answer = await workflow.execute_activity(
                LOOK_UP_TRANSFER, task, result_type=TransferAnswer, **LOOK_UP
            )
        except ActivityError:
            return
        if answer.result is TransferResult.SENT and self._state.stage in (
            Stage.PAYING,
            Stage.PAID,
        ):
            await self._give_own(ConfirmTransfer(transfer_id=answer.transfer_id))

    async def _take_back(self) -> None:
        """Tell Stripe to reverse what was approved, or look up what had no clear answer."""
        state = self._state
        self._look_after(state.policy.retry_payment)
        task = ClawbackTask(collaboration_id=state.collaboration_id, part=state.part, number=state.clawbacks)
        asked, options = (
            (TAKE_BACK, TRANSFER) if state.clawback == "approved" else (LOOK_UP_REVERSAL, LOOK_UP)
        )
        try:
            answer = await workflow.execute_activity(asked, task, result_type=TransferAnswer, **options)
        except ActivityError:
            answer = TransferAnswer(result=TransferResult.UNKNOWN, reason="no_answer")
        if state.clawback == "unknown" and answer.result is TransferResult.UNKNOWN:
            return
        await self._give_own(
            SettleClawback(
                number=state.clawbacks,
                result=answer.result,
                reversal_id=answer.transfer_id,
                reason=answer.reason,
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

    def _looks_again(self) -> bool:
        if self._state.stage is Stage.PAYABLE:
            return self._state.attention not in WAITS_FOR_A_PERSON
        if self._state.clawback == "unknown":
            return True
        return self._state.stage in (Stage.PAYING, Stage.PAID)

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
