"""The floor: bare workflows with as many updates and no-op activities, and nothing of the product.

Runs as a process of its own (`python -m benchmarks.floor`), with the settings of the product's workers.
"""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.worker import Worker

from infra.settings import get_settings
from infra.temporal import connect

QUEUE = "floor"
UPDATES = 7
"""Updates of one full life of the product: accept, ship, deliver, draft, approve, post, confirm."""
OWN_ACTIVITIES = 6
"""Activities of one full life that no update causes: invite, check, record, open, transfer, settle."""


class BareStart(BaseModel):
    """How many updates to wait for, and how many activities to run besides."""

    updates: int
    activities: int


@activity.defn(name="nothing")
def nothing() -> None:
    """Do nothing."""


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
        await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=10))


async def main() -> None:
    """Work the floor's queue until a signal comes."""
    settings = get_settings()
    client = await connect(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    slots = settings.worker_activity_slots + 1
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareWorkflow],
        activities=[nothing],
        activity_executor=ThreadPoolExecutor(slots),
        max_concurrent_activities=slots,
        max_concurrent_workflow_tasks=8,
    ):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
