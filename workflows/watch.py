"""The watch over one verified post: sleeps until the next look, looks, and ends when nobody has to look.

It outlives its collaboration. What a look finds is told by the activity that looks, as a command to the
collaboration; nothing is decided here.
"""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.contracts import WATCH_POST, WatchAnswer, WatchTask
    from domain.clocks import later
    from domain.watch import look_moments
    from workflows.messages import WATCH as WATCH_WORKFLOW
    from workflows.messages import WatchStart
    from workflows.options import RECORD, WATCH


@workflow.defn(name=WATCH_WORKFLOW)
class WatchWorkflow:
    """See the module."""

    @workflow.run
    async def run(self, start: WatchStart) -> None:
        """One look after the other. A finding adds one look, when the time to mend it is over."""
        seed = f"{start.collaboration_id}/{start.number}"
        moments = look_moments(start.verified_at, start.after, start.zone, seed)
        number = 0
        while moments:
            await self._until(moments.pop(0))
            while moments and moments[0] <= workflow.now():  # nobody was there: one look makes up for them
                moments.pop(0)
            number += 1
            answer = await self._look(start, number, last=not moments)
            if answer.over:
                return
            if answer.found:
                moments = sorted([*moments, later(workflow.now(), start.mend_within, start.zone)])

    async def _until(self, moment: datetime) -> None:
        left = moment - workflow.now()
        if left.total_seconds() > 0:
            await workflow.sleep(left)

    async def _look(self, start: WatchStart, number: int, *, last: bool) -> WatchAnswer:
        task = WatchTask(
            collaboration_id=start.collaboration_id, watch=start.number, number=number, last=last
        )
        try:
            answer: WatchAnswer = await workflow.execute_activity(
                WATCH_POST, task, result_type=WatchAnswer, **WATCH
            )
        except ActivityError:
            given_up = task.model_copy(update={"given_up": True})
            answer = await workflow.execute_activity(WATCH_POST, given_up, result_type=WatchAnswer, **RECORD)
        return answer
