"""A few threads that hand messages over, each with a connection of its own.

All messages of one collaboration go through the same thread, so that a reader gets them in order. A thread
begins a message only while few finished ones are waiting to be written down: when everything dies at once,
those few are all that can be sent twice.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

_LINGER: Final = 0.004
"""Seconds in which a few more results come, so that they are written down together."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Senders(Generic[Item, Result]):
    """`count` threads that turn items into results; `farewell` runs in each at its end."""

    def __init__(
        self,
        count: int,
        work: Callable[[Item], Result],
        farewell: Callable[[], None],
    ) -> None:
        self._work = work
        self._farewell = farewell
        self._inboxes: list[SimpleQueue[Item | None]] = [SimpleQueue() for _ in range(count)]
        self._done: SimpleQueue[Result] = SimpleQueue()
        self._permits = threading.Semaphore(2 * count)
        self._threads = [
            threading.Thread(target=self._run, args=(inbox,), name="notices", daemon=True)
            for inbox in self._inboxes
        ]
        for thread in self._threads:
            thread.start()

    def give(self, item: Item, key: str) -> None:
        """Queue an item; items with the same key are worked one after the other."""
        self._inboxes[zlib.crc32(key.encode()) % len(self._inboxes)].put(item)

    def results(self, seconds: float) -> list[Result]:
        """What is finished; waits up to so long for the first, and a moment for more."""
        found: list[Result] = []
        try:
            found.append(self._done.get(timeout=seconds))
            time.sleep(_LINGER)
            while True:
                found.append(self._done.get_nowait())
        except Empty:
            return found

    def written_down(self, count: int) -> None:
        """So many results are safe: as many messages may begin."""
        self._permits.release(count)

    def take_back(self) -> list[Item]:
        """Everything that no thread has begun."""
        found: list[Item] = []
        for inbox in self._inboxes:
            try:
                while True:
                    item = inbox.get_nowait()
                    if item is not None:
                        found.append(item)
            except Empty:
                continue
        return found

    def close(self) -> None:
        """End the threads after what they have begun."""
        for inbox in self._inboxes:
            inbox.put(None)
        self._permits.release(len(self._threads))
        for thread in self._threads:
            thread.join()

    def _run(self, inbox: SimpleQueue[Item | None]) -> None:
        try:
            while True:
                self._permits.acquire()
                item = inbox.get()
                if item is None:
                    return
                self._done.put(self._work(item))
        finally:
            self._farewell()
