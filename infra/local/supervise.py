"""One part of the local stack, kept running: started, watched, started again when it dies.

Each part has a thread that sleeps in `wait` while the process lives, so watching costs nothing.
It must never restart a part after `stop`, nor signal a process that it did not start.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from infra.local.part import NotReady, Part, PartFault, Plan, bare_environment
from infra.local.parts import OWN_PROCESSES
from infra.local.processes import MARK, Process, kill_family

PROJECT = Path(__file__).resolve().parents[2]
FIRST_TRIES = 4
"""Times a part may die before it has ever worked; then the start is given up."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between a death and the next start: doubled with each death in a row."""
STEADY = 10.0
"""Seconds a part must have worked for its earlier deaths to be forgotten."""
BIGGEST_LOG = 10_000_000
"""Bytes. A log that is bigger when its part starts is put aside as `.log.1`."""


class State(StrEnum):
    """Where a part is."""

    WAITING = "waiting"
    STARTING = "starting"
    WORKS = "works"
    DONE = "done"
    DOWN = "down"
    FAILED = "failed"
    STOPPED = "stopped"
    ELSEWHERE = "elsewhere"


class News(NamedTuple):
    """A change of one part's state, for whoever shows it."""

    part: Part
    state: State
    words: str
    """Plain words: why it is down, what replaces it, where it listens. May be empty."""


Announce = Callable[[News], None]


class SupervisedPart:
    """A part and the thread that keeps it running."""

    def __init__(
        self, part: Part, plan: Plan, others: Mapping[str, "SupervisedPart"], announce: Announce
    ) -> None:
        self.part = part
        self.state = State.WAITING
        self.fault = ""
        """Why the start was given up; empty while it was not."""
        self.ready = threading.Event()
        """Set while the part works."""
        self.settled = threading.Event()
        """Set once the part worked for the first time or was given up."""
        self._plan = plan
        self._others = others
        self._announce = announce
        self._stopping = threading.Event()
        self._resume_at = 0.0
        self._child: subprocess.Popen[bytes] | None = None
        self._process: Process | None = None
        self._thread = threading.Thread(target=self._run, name=part.name, daemon=True)

    @property
    def log(self) -> Path:
        """Where the process writes what it has to say."""
        return self._plan.path / "logs" / f"{self.part.name}.log"

    @property
    def process(self) -> Process | None:
        """The process, if one lives."""
        return self._process

    def start(self) -> None:
        """Begin to keep the part running; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the part for good, politely first; returns when it has ended."""
        self._stopping.set()
        self._end_child()
        if self._thread.is_alive():
            self._thread.join(self.part.grace + 5)
            self._end_child()
        if self.state not in (State.FAILED, State.DONE):
            self._tell(State.STOPPED)

    def kill(self, down_for: float) -> None:
        """End the process at once, as kill -9 does; it comes back after `down_for` seconds."""
        self._resume_at = time.monotonic() + down_for
        self.ready.clear()
        if (process := self._process) is not None:
            kill_family(process)

    def restart(self) -> None:
        """End the process politely; it comes back by itself."""
        self._resume_at = 0.0
        self.ready.clear()
        self._end_child()

    # The thread

    def _run(self) -> None:
        if not self._wait_for_needs():
            return
        deaths, worked_before = 0, False
        while not self._stopping.is_set():
            self._sit_out()
            began = time.monotonic()
            fault = self._start_once()
            if fault is None:
                worked_before = True
                began = time.monotonic()
                fault = self._watch()
            if self.state is State.DONE or self._stopping.is_set():
                return
            deaths = 1 if worked_before and time.monotonic() - began > STEADY else deaths + 1
            if not worked_before and deaths >= FIRST_TRIES:
                self._give_up(fault)
                return
            self._tell(State.DOWN, fault)
            self._stopping.wait(min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (deaths - 1)))

    def _wait_for_needs(self) -> bool:
        """Wait until everything this part needs works. False when stopped or in vain."""
        needs = self._among_others(self.part.needs)
        for needed in [*needs, *self._among_others(self.part.yields_to)]:
            while not needed.settled.wait(0.1):
                if self._stopping.is_set():
                    return False
            if needed.fault and needed in needs:
                self._give_up(f"{needed.part.title} did not start")
                return False
        return not self._stopping.is_set()

    def _among_others(self, names: Sequence[str]) -> list["SupervisedPart"]:
        """Parts of this stack by name; what is replaced or was not asked for is none of them."""
        return [self._others[name] for name in names if name in self._others]

    def _sit_out(self) -> None:
        pause = self._resume_at - time.monotonic()
        if pause > 0:
            self._stopping.wait(pause)

    def _start_once(self) -> str | None:
        """Start the process and wait until it works. Answers why it does not, or None."""
        self._tell(State.STARTING)
        try:
            self.part.before(self._plan)
            self._launch()
        except (PartFault, OSError) as error:
            return str(error)
        if self.part.once:
            return self._await_end()
        fault = self._await_work()
        if fault is None:
            try:
                self.part.after(self._plan)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is shown and retried
                fault = f"{type(error).__name__}: {error}"
        if fault is not None:
            self._end_child()
            return fault
        self._tell(State.WORKS, self.part.address(self._plan))
        return None

    def _launch(self) -> None:
        if self._stopping.is_set():
            return
        self._set_log_aside()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own words, no shell
                self.part.command(self._plan),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd="/" if self.part.name == "postgres" else None,
                start_new_session=True,
                umask=0o077,
            )
        self._process = Process.of(self._child.pid)
        self._remember(self._process)

    def _await_end(self) -> str | None:
        assert self._child is not None  # noqa: S101 - `_launch` came before
        code = self._child.wait()
        self._remember(None)
        if code != 0:
            return self._last_words(code)
        self._tell(State.DONE)
        return None

    def _await_work(self) -> str | None:
        """Ask until the part works. Answers why it does not, or None."""
        child, process = self._child, self._process
        if child is None or process is None:
            return "stopped"
        until, reason, pause = time.monotonic() + self.part.patience, "no answer", 0.05
        while time.monotonic() < until and not self._stopping.is_set():
            try:
                self.part.works(self._plan, process)
                for other in self._among_others(self.part.counts_after):
                    if not other.settled.is_set():
                        raise NotReady(f"{other.part.title} is not done yet")
            except (NotReady, OSError) as error:
                reason = str(error)
            else:
                return None
            if child.poll() is not None:
                return self._last_words(child.returncode)
            self._stopping.wait(pause)
            pause = min(0.3, pause * 1.3)
        return f"does not work after {self.part.patience:.0f} s: {reason}"

    def _watch(self) -> str:
        """Sleep until the process ends; answers how it ended."""
        if self.state is State.DONE:
            return ""
        assert self._child is not None  # noqa: S101 - it worked a moment ago
        process, code = self._process, self._child.wait()
        self.ready.clear()
        if process is not None:
            kill_family(process)
        self._remember(None)
        return self._last_words(code)

    def _give_up(self, fault: str) -> None:
        self.fault = fault
        self._tell(State.FAILED, fault)
        self.settled.set()

    # Small parts

    def _end_child(self) -> None:
        child = self._child
        if child is None or child.poll() is not None:
            return
        family = self._process.family() if self._process else []
        child.send_signal(self.part.stop_signal)
        try:
            child.wait(self.part.grace)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for member in family[1:]:
            member.send(signal.SIGKILL)
        self._remember(None)

    def _environment(self) -> dict[str, str]:
        mark = {MARK: str(self._plan.path)}
        if self.part.name in OWN_PROCESSES:
            surroundings, settings = dict(os.environ), self._plan.effective_settings()
        else:
            surroundings, settings = bare_environment(), self.part.env(self._plan)
        python = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(PROJECT)}
        is_python = self.part.command(self._plan)[0] == sys.executable
        return surroundings | settings | mark | (python if is_python else {})

    def _set_log_aside(self) -> None:
        if self.log.exists() and self.log.stat().st_size > BIGGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _remember(self, process: Process | None) -> None:
        """Note in `stack.json` which process this part is."""

        def edit(content: dict[str, object]) -> None:
            known = content.setdefault("processes", {})
            if isinstance(known, dict):
                if process is None:
                    known.pop(self.part.name, None)
                else:
                    known[self.part.name] = {"pid": process.pid, "started": process.started}

        if process is None:
            self._process = None
        self._plan.folder.change(edit)

    def _last_words(self, code: int) -> str:
        """How the process ended, with the last line it wrote."""
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        try:
            lines = self.log.read_text(errors="replace")[-4000:].strip().splitlines()
        except OSError:
            lines = []
        return f"{how}; last words: {lines[-1][-300:]}" if lines and code > 0 else how

    def _tell(self, state: State, words: str = "") -> None:
        self.state = state
        if state in (State.WORKS, State.DONE):
            self.ready.set()
            self.settled.set()
        else:
            self.ready.clear()
        self._announce(News(self.part, state, words))
