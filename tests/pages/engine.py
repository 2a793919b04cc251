"""Workers of both queues in a thread of the test run, and a way to hand them collaborations."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from temporalio.client import Client

from api.commands import give
from domain.commands import Command, Request
from domain.roles import HANDSEL, Actor
from domain.state import Snapshot
from infra.ids import new_id
from infra.settings import Settings
from infra.temporal import connect
from infra.worker import make_worker
from tests.pages.studio import Studio
from workflows.messages import (
    COLLABORATION,
    COLLABORATIONS_QUEUE,
    PAYMENTS_QUEUE,
    collaboration_workflow_id,
)

T = TypeVar("T")


class Engine:
    """Real workers on the run's Temporal server. `stop` and `start` are a worker that is away."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stop: asyncio.Event | None = None
        self._work: Any = None
        self.client: Client = self.run(connect(settings))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def start(self) -> None:
        ready = threading.Event()
        self._work = asyncio.run_coroutine_threadsafe(self._serve(ready), self._loop)
        assert ready.wait(30), "the workers did not start"

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        async with (
            make_worker(self.settings, self.client, COLLABORATIONS_QUEUE),
            make_worker(self.settings, self.client, PAYMENTS_QUEUE),
        ):
            ready.set()
            await self._stop.wait()

    def stop(self) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._work.result(60)
            self._stop = None

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def adopt(self, studio: Studio, of: str) -> str:
        """From here on this collaboration is a workflow, from the state that is recorded."""
        self.run(
            self.client.start_workflow(
                COLLABORATION,
                studio.state(of),
                id=collaboration_workflow_id(of),
                task_queue=COLLABORATIONS_QUEUE,
            )
        )
        return of

    def give(self, studio: Studio, of: str, command: Command, actor: Actor = HANDSEL) -> Snapshot:
        request = Request(id=f"test:{new_id('job')}", actor=actor, command=command)
        return self.run(give(self.client, studio.sessions, of, request, patience=30))
