"""Paying, as a part of the collaboration's workflow: assess, transfer, look up, take back.

`CollaborationWorkflow` decides when; what is recorded is decided by `domain.decide` like everything else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        ASSESS_GATES,
        LOOK_UP_REVERSAL,
        LOOK_UP_TRANSFER,
        TAKE_BACK,
        TRANSFER_PAYOUT,
        ClawbackTask,
        GateAnswer,
        GateTask,
        TransferAnswer,
        TransferTask,
    )
    from domain.clocks import later
    from domain.commands import (
        Command,
        ConfirmTransfer,
        Flag,
        OpenAttempt,
        SettleAttempt,
        SettleClawback,
        TransferResult,
        Unflag,
    )
    from domain.gates import ATTENTION_OF
    from domain.ledger import payout_id
    from domain.roles import HANDSEL, Actor
    from domain.stages import Attention, Stage
    from workflows.options import ASSESS, LOOK_UP, TRANSFER

if TYPE_CHECKING:
    from domain.state import State

FLAGGED_BY_GATES = (*ATTENTION_OF.values(), Attention.HOLD_OVERDUE, Attention.OFF_PLATFORM_ASKED)
"""What is taken away again when only time is waited for."""
WITH_STRIPE = ("approved", "unknown")
"""A clawback that Stripe was told of, or is about to be."""
WAITS_FOR_A_PERSON = (Attention.TRANSFER_REFUSED, Attention.GATE_FAILED)
"""Payments that only a person's `reassess` sets going again."""


class Paying(ABC):
    """What the collaboration's workflow does about money. Its host keeps the state and gives the commands."""

    def __init__(self, opening: State) -> None:
        self._state = opening
        self._assessed = -1
        """Sequence number at which the gates were last assessed."""
        self._gates: GateAnswer | None = None
        """The gates as the last change found them; None when it did not ask."""
        self._look_at: datetime | None = None
        """When a payment that waits is looked at again."""
        if opening.stage in (Stage.PAYABLE, Stage.PAYING, Stage.PAID):
            self._look_after(opening.policy.retry_payment)

    @abstractmethod
    async def _give_own(self, command: Command, actor: Actor = HANDSEL) -> None:
        """Give a command of Handsel's own."""

    async def _pay(self) -> None:
        """The next duty about money at this stage."""
        state = self._state
        if state.clawback in WITH_STRIPE:
            await self._take_back()
        elif state.stage is Stage.PAYABLE:
            await self._assess()
        elif state.attention is Attention.OUTCOME_UNKNOWN or state.stage is Stage.PAID:
            await self._look_up()
        else:
            await self._transfer()

    def _pay_due(self) -> bool:
        """Whether there is a duty about money now."""
        state = self._state
        if state.clawback in WITH_STRIPE:
            return state.clawback == "approved" or self._time_to_look()
        if state.stage is Stage.PAYABLE:
            if state.attention in WAITS_FOR_A_PERSON:
                return False
            return self._assessed != state.sequence or self._time_to_look()
        if state.stage is Stage.PAYING:
            return state.attention is not Attention.OUTCOME_UNKNOWN or self._time_to_look()
        return state.stage is Stage.PAID and self._time_to_look()

    def _looks_again(self) -> bool:
        if self._state.stage is Stage.PAYABLE:
            return self._state.attention not in WAITS_FOR_A_PERSON
        if self._state.clawback == "unknown":
            return True
        return self._state.stage in (Stage.PAYING, Stage.PAID)

    def _time_to_look(self) -> bool:
        return self._look_at is not None and workflow.now() >= self._look_at

    def _look_after(self, span: str) -> None:
        self._look_at = later(workflow.now(), span, self._state.zone)

    async def _assess(self) -> None:
        state = self._state
        task = GateTask(
            collaboration_id=state.collaboration_id,
            sequence=state.sequence,
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
        same = self._state.part == state.part and self._state.stage in (Stage.PAYING, Stage.PAID)
        if answer.result is TransferResult.SENT and same:
            await self._give_own(
                ConfirmTransfer(
                    payout_id=payout_id(state.collaboration_id, state.part), transfer_id=answer.transfer_id
                )
            )

    async def _take_back(self) -> None:
        """Tell Stripe to reverse what was approved, or look up what had no clear answer."""
        state = self._state
        self._look_after(state.policy.retry_payment)
        task = ClawbackTask(
            collaboration_id=state.collaboration_id, part=state.clawback_part, number=state.clawbacks
        )
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
