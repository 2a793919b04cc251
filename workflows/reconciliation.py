"""Reconciliation: a round every quarter of an hour, or when somebody asks, for as long as Handsel runs.

A round copies Stripe's balance transactions and compares them with ours, in one activity that goes on where
it stopped. Nothing here moves money; a difference waits for a person.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import RECONCILE_STRIPE
    from workflows.messages import RECONCILE_NOW, RECONCILIATION, ReconciliationStart
    from workflows.options import RECONCILE

ROUNDS = 200
"""Rounds before the history starts anew."""


@workflow.defn(name=RECONCILIATION)
class ReconciliationWorkflow:
    """See the module."""

    def __init__(self) -> None:
        self._wanted = False

    @workflow.run
    async def run(self, start: ReconciliationStart) -> None:
        """Round after round; a failing round is retried by its policy."""
        for _ in range(ROUNDS):
            self._wanted = False
            await workflow.execute_activity(RECONCILE_STRIPE, **RECONCILE)
            try:
                await workflow.wait_condition(
                    lambda: self._wanted, timeout=timedelta(seconds=start.every_seconds)
                )
            except TimeoutError:
                continue
        workflow.continue_as_new(start)

    @workflow.signal(name=RECONCILE_NOW)
    def reconcile_now(self) -> None:
        """A round is wanted; one that is asked for while another runs follows it."""
        self._wanted = True
