"""A pump: one activity, again and again, that carries rows on: mails out, messages in, events to the log.

The rows are the truth (docs/decisions/0001); the pump only keeps somebody at them, on whatever worker
is alive, visible in Temporal like everything else.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import DELIVER_NOTICES, DELIVER_STAFF_MAILS, KEEP_AUDIT, WORK_INBOX, PumpTask
    from workflows.messages import PUMP as PUMP_WORKFLOW
    from workflows.messages import PumpStart
    from workflows.options import AUDIT_PUMP, INBOX_PUMP, PUMP

ROUNDS = 200
"""Rounds before the history starts anew."""
ROUND_OF = {
    "notices": (DELIVER_NOTICES, PUMP),
    "inbox": (WORK_INBOX, INBOX_PUMP),
    "audit": (KEEP_AUDIT, AUDIT_PUMP),
    "staff_mails": (DELIVER_STAFF_MAILS, PUMP),
}


@workflow.defn(name=PUMP_WORKFLOW)
class PumpWorkflow:
    """See the module."""

    @workflow.run
    async def run(self, start: PumpStart) -> None:
        """Round after round; a failing round is retried by its policy."""
        activity, options = ROUND_OF[start.of]
        for _ in range(ROUNDS):
            await workflow.execute_activity(activity, PumpTask(), **options)
        workflow.continue_as_new(start)
