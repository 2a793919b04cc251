"""Launching many, and whole lives per second, each beside its floor on the same server in the same minute."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from temporalio.client import Client

from benchmarks.bare import OWN_ACTIVITIES, QUEUE, UPDATES, BareStart, BareWorkflow
from benchmarks.yard import Life, Yard, client_of, launched, until

AT_ONCE = 25


@contextmanager
def floor_worker(place: Yard) -> Iterator[None]:
    """The floor's worker process, for the time of the block."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.floor"], env=os.environ | place.stack.env())
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


async def _bare(client: Client, start: BareStart, gate: asyncio.Semaphore) -> None:
    async with gate:
        handle = await client.start_workflow(
            BareWorkflow.run, start, id=f"bare/{uuid.uuid4()}", task_queue=QUEUE
        )
        for _ in range(start.updates):
            await handle.execute_update(BareWorkflow.step)
    await handle.result()


async def _floor(client: Client, count: int, start: BareStart, at_once: int) -> float:
    gate = asyncio.Semaphore(at_once)
    began = time.perf_counter()
    await asyncio.gather(*(_bare(client, start, gate) for _ in range(count)))
    return time.perf_counter() - began


async def measure_launch(place: Yard, count: int) -> list[dict[str, Any]]:
    """Launch `count` creators until SMTP has the last invitation; floor: bare workflows, one activity."""
    client = await client_of(place)
    campaign_id, _ = place.campaign(await asyncio.to_thread(place.creators, count))
    with floor_worker(place):
        await _floor(client, 200, BareStart(updates=0, activities=1), AT_ONCE)
        floor = await _floor(client, count, BareStart(updates=0, activities=1), AT_ONCE)
    before = place.mails()
    began = time.perf_counter()
    invited = await launched(place, client, campaign_id)
    await until(lambda: place.mails() - before >= count, 600)
    took = time.perf_counter() - began
    return [
        {"what": f"launch of {count} creators to the last invitation at SMTP", "value": took, "unit": "s",
         "floor": floor, "goal": "at most 1.25 x the floor", "ratio": took / floor},
        {"what": "of that, until the last was invited in the database", "value": invited, "unit": "s"},
    ]  # fmt: skip


async def live_all(place: Yard, count: int) -> tuple[Client, list[str], float]:
    """Let `count` creators live their whole collaboration; their ids, and how many did in a second."""
    client = await client_of(place)
    creator_ids = await asyncio.to_thread(place.creators, count)
    await asyncio.to_thread(place.payable, creator_ids)
    place.stripe("/_sim/fund", {"amount": 22_000 * count * 2, "currency": "usd"})
    return await _live(place, client, creator_ids)


async def _live(place: Yard, client: Client, creator_ids: list[str]) -> tuple[Client, list[str], float]:
    campaign_id, collaboration_ids = place.campaign(creator_ids)
    gate, count = asyncio.Semaphore(AT_ONCE), len(creator_ids)

    async def live(collaboration_id: str) -> None:
        async with gate:
            await Life(place, client, collaboration_id).whole()

    began = time.perf_counter()
    await launched(place, client, campaign_id)
    await asyncio.gather(*(live(collaboration_id) for collaboration_id in collaboration_ids))
    await until(lambda: place.count(campaign_id, "completed") == count, 600)
    return client, collaboration_ids, count / (time.perf_counter() - began)


async def measure_lives(place: Yard, count: int) -> list[dict[str, Any]]:
    """Whole `gifting_paid` lives per second; floor: bare workflows with as many updates and activities."""
    client = await client_of(place)
    creator_ids = await asyncio.to_thread(place.creators, count)
    await asyncio.to_thread(place.payable, creator_ids)
    place.stripe("/_sim/fund", {"amount": 22_000 * count * 2, "currency": "usd"})
    bare = BareStart(updates=UPDATES, activities=OWN_ACTIVITIES)
    with floor_worker(place):
        await _floor(client, 20, bare, AT_ONCE)
        floor = count / await _floor(client, count, bare, AT_ONCE)
    _, collaboration_ids, speed = await _live(place, client, creator_ids)
    return [
        {"what": f"whole gifting_paid lives per second, of {count}", "value": speed, "unit": "1/s",
         "floor": floor, "goal": "at least 0.8 of the floor", "ratio": speed / floor},
        await _history(client, collaboration_ids[0]),
    ]  # fmt: skip


async def _history(client: Client, collaboration_id: str) -> dict[str, Any]:
    handle = client.get_workflow_handle(f"collaboration/{collaboration_id}")
    history = await handle.fetch_history()
    names = [event.event_type for event in history.events]
    description = await handle.describe()
    size = description.raw_description.workflow_execution_info.history_size_bytes
    from temporalio.api.enums.v1 import EventType

    actions = 1 + sum(
        names.count(kind)
        for kind in (
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
            EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
            EventType.EVENT_TYPE_TIMER_STARTED,
        )
    )
    return {
        "what": "history of one full happy path",
        "value": len(names),
        "unit": "events",
        "bytes": size,
        "actions": actions,
        "goal": "below 120 events, 15 KB, 25 actions",
    }
