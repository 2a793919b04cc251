"""A pump: one activity, again and again, that carries rows on: notices out, inbox messages in.

The rows are the truth (docs/decisions/0001); the pump only keeps somebody at them, on whatever worker
is alive, visible in Temporal like everything else.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import DELIVER_NOTICES, WORK_INBOX, PumpTask
    from workflows.messages import PUMP as PUMP_WORKFLOW
    from workflows.messages import PumpStart
    from workflows.options import INBOX_PUMP, PUMP

ROUNDS = 200
"""Rounds before the history starts anew."""


@workflow.defn(name=PUMP_WORKFLOW)
class PumpWorkflow:
    """See the module."""

    @workflow.run
    async def run(self, start: PumpStart) -> None:
        """Round after round; a failing round is retried by its policy."""
        activity, options = (DELIVER_NOTICES, PUMP) if start.of == "notices" else (WORK_INBOX, INBOX_PUMP)
        for _ in range(ROUNDS):
            await workflow.execute_activity(activity, PumpTask(), **options)
        workflow.continue_as_new(start)
