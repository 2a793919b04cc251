"""The state directory of a local stack: what survives from one `handsel up` to the next.

`stack.json` remembers ports and the processes that run, `secrets.json` what was generated once,
`env` the settings for the other commands. Files that hold a secret are readable by their owner
only, and every file is replaced whole, so a kill in the middle of a write loses nothing.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.processes import Process
from infra.settings import LOCAL_ENV_FILE


class AlreadyRunning(Exception):
    """Another `handsel up` holds this state directory."""

    def __init__(self, folder: Path, supervisor: Process | None) -> None:
        who = f" as process {supervisor.pid}" if supervisor else ""
        super().__init__(
            f"A stack is already running in {folder}{who}. End it with `handsel down`, "
            "or start another one elsewhere with `--state-dir`."
        )


class StackFolder:
    """Files of one stack. One process at a time holds the lock and writes."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._mutex = threading.RLock()
        self._lock_file: int | None = None

    def prepare(self) -> None:
        """Make the folders that are missing, closed to others."""
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        for name in ("logs", "mail", "objects"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)

    def lock(self) -> None:
        """Hold this folder until `unlock` or the end of the process. Raises `AlreadyRunning`."""
        file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise AlreadyRunning(self.path, self.supervisor()) from None
        self._lock_file = file

    def unlock(self) -> None:
        """Let the next `handsel up` have this folder."""
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def is_locked(self) -> bool:
        """Whether some process runs a stack here."""
        try:
            file = os.open(self.path / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    # What is remembered

    def read(self) -> dict[str, Any]:
        """The content of `stack.json`; empty when there is none or it cannot be read."""
        try:
            content = json.loads((self.path / "stack.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content if isinstance(content, dict) else {}

    def change(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Apply `edit` to the content of `stack.json` and store it."""
        with self._mutex:
            content = self.read()
            edit(content)
            self._replace("stack.json", json.dumps(content, indent=2))

    def supervisor(self) -> Process | None:
        """The process that runs this stack, if it still lives."""
        return self._live(self.read().get("supervisor"))

    def processes(self) -> dict[str, Process]:
        """Parts that were started by this folder's stack and still live."""
        parts = self.read().get("processes", {})
        live = ((name, self._live(entry)) for name, entry in parts.items())
        return {name: process for name, process in live if process}

    @staticmethod
    def _live(entry: Any) -> Process | None:
        if not isinstance(entry, dict) or "pid" not in entry:
            return None
        process = Process(int(entry["pid"]), float(entry.get("started", 0)))
        return process if process.is_alive() else None

    # Secrets and settings

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """The secret called `name`, made by `make` the first time."""
        with self._mutex:
            known = self._secrets()
            if name not in known:
                self.keep_secrets({name: make()})
            return self._secrets()[name]

    def keep_secrets(self, values: Mapping[str, str]) -> None:
        """Store secrets that somebody else made, such as a webhook's signing secret."""
        with self._mutex:
            self._replace("secrets.json", json.dumps({**self._secrets(), **values}, indent=2))

    def kept_secret(self, name: str) -> str:
        """A stored secret, or the empty string."""
        return self._secrets().get(name, "")

    def _secrets(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.path / "secrets.json").read_text()))
        except FileNotFoundError:
            return {}

    def write_env(self, values: Mapping[str, str]) -> None:
        """Write the settings that the other commands read in local mode."""
        lines = ["# Written by `handsel up`; the environment wins over this file."]
        lines += [f"{name}={_quoted(value)}" for name, value in sorted(values.items())]
        with self._mutex:
            self._replace(LOCAL_ENV_FILE, "\n".join(lines) + "\n")

    def _replace(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}.new"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path / name)


def _quoted(value: str) -> str:
    """A value as the settings' reader takes it back unchanged."""
    if not set(value) & set(" #'\"\\${}\n"):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
