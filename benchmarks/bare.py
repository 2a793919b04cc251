"""A bare workflow: as many updates and no-op activities as one life of the product, and nothing of it."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel
from temporalio import workflow

QUEUE = "floor"
UPDATES = 7
"""Updates of one full life of the product: accept, ship, deliver, draft, approve, post, confirm."""
OWN_ACTIVITIES = 6
"""Activities of one full life that no update causes: invite, check, record, open, transfer, settle."""
NOTHING = "nothing"
"""Name of the activity that does nothing."""


class BareStart(BaseModel):
    """How many updates to wait for, and how many activities to run besides."""

    updates: int
    activities: int


@workflow.defn(name="Bare")
class BareWorkflow:
    """Waits for its updates, each of which runs a no-op activity; then runs its own."""

    @workflow.init
    def __init__(self, start: BareStart) -> None:
        self._left = start.updates

    @workflow.run
    async def run(self, start: BareStart) -> None:
        """See the class."""
        if start.activities:
            await self._nothing()
        await workflow.wait_condition(lambda: self._left == 0)
        for _ in range(start.activities - 1):
            await self._nothing()
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name="step")
    async def step(self) -> int:
        """One update, one activity."""
        await self._nothing()
        self._left -= 1
        return self._left

    async def _nothing(self) -> None:
        await workflow.execute_activity(NOTHING, start_to_close_timeout=timedelta(seconds=10))
