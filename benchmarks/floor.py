"""The floor: bare workflows with as many updates and no-op activities, and nothing of the product.

Runs as a process of its own (`python -m benchmarks.floor`), with the settings of the product's workers.
"""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

from temporalio import activity
from temporalio.worker import Worker

from benchmarks.bare import NOTHING, QUEUE, BareWorkflow
from infra.settings import get_settings
from infra.temporal import connect


@activity.defn(name=NOTHING)
def nothing() -> None:
    """Do nothing."""


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
