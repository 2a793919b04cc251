"""The local stack as a library: start the parts, stop them, break them, ask for their settings.

`handsel up`, the demo, the tests and the fault run all use this class. It owns one state
directory while it runs, and ends at its start whatever an earlier, killed stack left there.
"""

import os
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from infra.local import ports
from infra.local.folder import StackFolder
from infra.local.part import Part, Plan
from infra.local.parts import BY_NAME, PARTS
from infra.local.processes import Process, end, marked_with, owner_of_port
from infra.local.supervise import Announce, News, State, SupervisedPart

LEFTOVER_GRACE = 10.0
"""Seconds that processes of a killed stack get to end by themselves."""


class StackFailed(Exception):
    """Some part could not be started. The text names each with its reason."""


def _say_nothing(_news: News) -> None:
    """For callers who do not watch."""


class Stack:
    """The parts of one state directory.

    `parts` are names of `infra.local.parts`; None means all. `environ` is the environment that
    may replace parts (`HANDSEL_DATABASE_URL` and so on).
    """

    def __init__(
        self,
        state_dir: Path,
        parts: Collection[str] | None = None,
        environ: Mapping[str, str] | None = None,
        announce: Announce = _say_nothing,
    ) -> None:
        unknown = set(parts or ()) - set(BY_NAME)
        if unknown:
            raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
        self.folder = StackFolder(state_dir)
        self._chosen = [part for part in PARTS if parts is None or part.name in parts]
        self._environ = dict(os.environ if environ is None else environ)
        self._announce = announce
        self._plan = Plan(self.folder, self._environ)
        self._running: dict[str, SupervisedPart] = {}
        self._cancelled = threading.Event()
        self.leftovers = 0
        """Processes of a killed stack that `start` found here and ended."""

    # Life

    def start(self, timeout: float = 180.0) -> None:
        """Start every part and return when all work.

        Raises `AlreadyRunning` when another process runs this state directory, `StackFailed`
        when a part does not start; nothing is left running then.
        """
        self.folder.prepare()
        self.folder.lock()
        try:
            self._end_leftovers()
            self._plan.parts = {part.name: part for part in self._chosen if self._is_here(part)}
            self._choose_ports()
            self.folder.change(self._note_start)
            self.write_env()
            self._supervise()
            self._await_all(time.monotonic() + timeout)
            self.write_env()
            self.folder.change(lambda content: content.update(ready=True))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every part, those that need others first. Safe to call twice."""
        for level in reversed(self._levels()):
            stopping = [self._running[name] for name in level if name in self._running]
            _all_at_once(stopping)
        self._running = {}
        if self.folder.path.exists():
            self.folder.change(_forget_run)
        self.folder.unlock()

    def cancel_start(self) -> None:
        """Make a `start` that goes on in another thread give up soon."""
        self._cancelled.set()

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Breaking and mending

    def kill(self, part: str, down_for: float = 0.0) -> None:
        """Kill a part as `kill -9` does. It comes back by itself, `down_for` seconds later."""
        self._running[part].kill(down_for)

    def restart(self, part: str, timeout: float = 60.0) -> None:
        """End a part politely and return when it works again."""
        self._running[part].restart()
        self.wait_for(part, timeout)

    def wait_for(self, part: str, timeout: float = 60.0) -> None:
        """Return when `part` works. Raises `StackFailed` after `timeout` seconds."""
        running = self._running[part]
        if not running.ready.wait(timeout):
            raise StackFailed(f"{running.part.title} does not work after {timeout:.0f} s")

    # Questions

    def env(self) -> dict[str, str]:
        """Every setting of this stack, as environment variables."""
        return self._plan.effective_settings()

    def port(self, part: str, name: str = "main") -> int:
        """A port of a part."""
        return self._plan.port(f"{part}.{name}")

    def url(self, part: str, name: str = "main") -> str:
        """The http address of a part's port."""
        return self._plan.url(f"{part}.{name}")

    def states(self) -> dict[str, State]:
        """Where each part is."""
        return {name: running.state for name, running in self._running.items()}

    def process(self, part: str) -> Process | None:
        """The process of a part, if it lives."""
        return self._running[part].process

    def write_env(self) -> None:
        """Write the settings of the parts that run here for the other commands."""
        self.folder.write_env(self._plan.settings())

    # The start, step by step

    def _is_here(self, part: Part) -> bool:
        replacement = part.replacement(self._environ)
        if replacement:
            self._announce(News(part, State.ELSEWHERE, f"replaced by {replacement}"))
        return replacement is None

    def _end_leftovers(self) -> None:
        """End what a killed stack of this folder left; nothing that is not its own."""
        left = {*self.folder.processes().values(), *marked_with(self.folder.path)}
        left.discard(Process.of(os.getpid()))
        self.leftovers = len(left)
        if left:
            end(left, LEFTOVER_GRACE)
        self.folder.change(_forget_run)

    def _choose_ports(self) -> None:
        remembered: dict[str, int] = self.folder.read().get("ports", {})
        own = self._environ.get("HANDSEL_API_PORT", "")
        if own.isdigit() and "api" in self._plan.parts:
            remembered["api.main"] = int(own)
            if not ports.is_free(int(own)):
                raise StackFailed(
                    f"Port {own}, which HANDSEL_API_PORT asks for, is taken by {owner_of_port(int(own))}."
                )
        taken = set(remembered.values())
        for part in self._plan.parts.values():
            for name in (f"{part.name}.{port}" for port in part.ports):
                port = remembered.get(name)
                if port is not None and not ports.is_free(port):
                    fresh = ports.choose(taken)
                    words = f"port {port} is taken by {owner_of_port(port)}; using {fresh}"
                    self._announce(News(part, State.WAITING, words))
                    port = fresh
                self._plan.ports[name] = port or ports.choose(taken)
                taken.add(self._plan.ports[name])

    def _note_start(self, content: dict[str, Any]) -> None:
        me = Process.of(os.getpid())
        content["supervisor"] = {"pid": me.pid, "started": me.started}
        content["ports"] = {**content.get("ports", {}), **self._plan.ports}
        content["parts"] = list(self._plan.parts)

    def _supervise(self) -> None:
        running: dict[str, SupervisedPart] = {}
        for part in self._plan.parts.values():
            running[part.name] = SupervisedPart(part, self._plan, running, self._announce)
        self._running = running
        for one in running.values():
            one.start()

    def _await_all(self, until: float) -> None:
        while not all(one.settled.wait(0.1) for one in self._running.values()):
            if self._cancelled.is_set():
                raise StackFailed("The start was called off.")
            if time.monotonic() > until or any(one.fault for one in self._running.values()):
                break
        failed = [one for one in self._running.values() if one.fault]
        failed = failed or [one for one in self._running.values() if not one.settled.is_set()]
        if failed:
            lines = [f"{one.part.title}: {one.fault or 'took too long'}" for one in failed]
            lines += [f"Its log: {one.log}" for one in failed if one.log.exists()][:1]
            raise StackFailed("\n".join(lines))

    def _levels(self) -> list[list[str]]:
        """Part names by how much they need: first what needs nothing, last what ends first."""
        depth: dict[str, int] = {}
        for part in PARTS:
            depth[part.name] = 1 + max((depth[name] for name in part.needs), default=-1)
        depth |= {part.name: 1 + max(depth.values()) for part in PARTS if part.ends_first}
        return [
            [name for name, found in depth.items() if found == level]
            for level in range(max(depth.values()) + 1)
        ]


def _forget_run(content: dict[str, Any]) -> None:
    for name in ("supervisor", "processes", "ready"):
        content.pop(name, None)


def _all_at_once(parts: Collection[SupervisedPart]) -> None:
    """Stop several parts side by side: none waits for another's grace."""
    from concurrent.futures import ThreadPoolExecutor

    if parts:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(SupervisedPart.stop, parts))
