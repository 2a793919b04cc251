"""Processes of the local stack: who they are, and how they are ended.

A process id alone proves nothing, since ids are used again: a process counts as ours only when it
started when ours did, or when its environment carries our mark. Nothing else is ever signalled.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped] # psutil ships no types

MARK = "HANDSEL_STACK"
"""Environment variable that every part carries: the state directory it belongs to."""

SAME_START = 1.5
"""Seconds. Two readings of one process's start may differ by rounding and clock correction."""


class Process(NamedTuple):
    """One operating system process, told from a later one with the same id by its start."""

    pid: int
    started: float
    """Unix time of its start."""

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has `pid` now. Raises `ProcessLookupError`."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error as error:
            raise ProcessLookupError(pid) from error

    def is_alive(self) -> bool:
        """Whether this very process runs (a zombie does not)."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < SAME_START
            return bool(same and found.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def family(self) -> list["Process"]:
        """This process and everything it started that still lives."""
        if not self.is_alive():
            return []
        family = [self]
        with suppress(psutil.Error):
            children = psutil.Process(self.pid).children(recursive=True)
            for child in children:
                with suppress(psutil.Error):
                    family.append(Process(child.pid, child.create_time()))
        return family

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if this very process still lives."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def kill_family(process: Process) -> None:
    """End a process and what it started, at once and without asking (kill -9)."""
    for member in process.family():
        member.send(signal.SIGKILL)


def end(processes: Iterable[Process], grace: float) -> None:
    """Ask processes to end, wait `grace` seconds in all, then kill what is left with its family."""
    asked = [process for process in processes if process.is_alive()]
    families = [process.family() for process in asked]
    for process in asked:
        process.send(_polite_signal(process))
    handles = []
    for process in asked:
        with suppress(psutil.Error):
            handles.append(psutil.Process(process.pid))
    psutil.wait_procs(handles, timeout=grace)
    for member in (one for family in families for one in family):
        member.send(signal.SIGKILL)


def _polite_signal(process: Process) -> signal.Signals:
    """On SIGTERM PostgreSQL waits for its clients to leave; SIGINT ends it soon and cleanly."""
    with suppress(psutil.Error):
        if psutil.Process(process.pid).name() == "postgres":
            return signal.SIGINT
    return signal.SIGTERM


def marked_with(folder: Path) -> list[Process]:
    """Living processes, this one apart, that a stack in `folder` started."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(folder):
                found.append(Process(process.pid, process.create_time()))
    return found


def owner_of_port(port: int) -> str:
    """Who listens on a local TCP port, in words; not every system tells."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"
