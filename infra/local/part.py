"""What a part of the local stack is: one process, declared, not coded.

A part says how it is started, on which ports, how one knows that it works, which settings it gives
to the rest, and which setting of the environment replaces it. It must not know the supervisor.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.folder import StackFolder
from infra.local.processes import Process
from infra.refusals import new_local_key, new_secret


class NotReady(Exception):
    """A part does not work yet; the text says what is missing."""


class PartFault(Exception):
    """A part cannot be started as things are; the text says why and how to mend it."""


@dataclass
class Plan:
    """What the parts of one stack know of each other."""

    folder: StackFolder
    environ: Mapping[str, str]
    """The environment of the person who started the stack; it wins over the stack's own values."""
    ports: dict[str, int] = field(default_factory=dict)
    """`part.port` to number."""
    parts: dict[str, "Part"] = field(default_factory=dict)
    """The parts that are started, by name; what is replaced is not here."""

    @property
    def path(self) -> Path:
        """The state directory."""
        return self.folder.path

    def port(self, name: str) -> int:
        """The port called `part.port`."""
        return self.ports[name]

    def url(self, name: str) -> str:
        """The http address of the port called `part.port`."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def settings(self) -> dict[str, str]:
        """Every setting that the stack gives, as environment variables."""
        values = {
            "HANDSEL_MODE": "local",
            "HANDSEL_STATE_DIR": str(self.path),
            "HANDSEL_SECRET_KEY": self.folder.secret("secret_key", new_secret),
            "HANDSEL_VAULT_KEY": self.folder.secret("vault_key", new_local_key),
        }
        for part in self.parts.values():
            values.update(part.provides(self))
        return values

    def effective_settings(self) -> dict[str, str]:
        """The stack's settings, with the person's own where both speak."""
        own = {name: value for name, value in self.environ.items() if is_setting(name)}
        own.pop("HANDSEL_STATE_DIR", None)
        return {**self.settings(), **own}


Words = Callable[[Plan], list[str]]
Values = Callable[[Plan], dict[str, str]]
Step = Callable[[Plan], None]
Check = Callable[[Plan, Process], None]


def _nothing(_plan: Plan) -> None:
    """No step."""


def _no_values(_plan: Plan) -> dict[str, str]:
    return {}


def _always(_plan: Plan, _process: Process) -> None:
    """Works as soon as it runs."""


@dataclass(frozen=True)
class Part:
    """One process of the local stack."""

    name: str
    """Short name, also of its log file."""
    title: str
    """What people call it."""
    command: Words
    """Program and arguments. Secrets do not belong here where the program takes them otherwise."""
    ports: tuple[str, ...] = ()
    """Names of the ports it listens on."""
    needs: tuple[str, ...] = ()
    """Parts that must work before this one is started."""
    yields_to: tuple[str, ...] = ()
    """Parts that are started first because a person waits for them; it does not need them."""
    counts_after: tuple[str, ...] = ()
    """Parts that must work before this one counts as working; it starts beside them."""
    ends_first: bool = False
    """Ends before anything else, so that what it has begun can still be finished."""
    env: Values = _no_values
    """Environment beyond the bare one. Handsel's own processes get every setting."""
    provides: Values = _no_values
    """Settings that the rest learns from it."""
    before: Step = _nothing
    """Runs before every start of the process. Raises `PartFault`."""
    works: Check = _always
    """Raises `NotReady` (or `OSError`) until the process does its work."""
    after: Step = _nothing
    """Runs once the process works, before anything that needs it is started."""
    replaced_by: tuple[str, ...] = ()
    """Settings any of which, in the environment, stands in for this part."""
    once: bool = False
    """The process does one thing and ends."""
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    """Seconds it may take to end."""
    patience: float = 60.0
    """Seconds it may take until it works."""
    address: Callable[[Plan], str] = lambda _plan: ""
    """Where a person finds it."""

    def replacement(self, environ: Mapping[str, str]) -> str | None:
        """The setting in `environ` that stands in for this part, if any."""
        return next((name for name in self.replaced_by if environ.get(name)), None)


SETTING_PREFIXES = ("HANDSEL_", "STRIPE_", "TEMPORAL_")


def is_setting(name: str) -> bool:
    """Whether an environment variable is a setting of Handsel or of one of its vendors."""
    return name.startswith(SETTING_PREFIXES)


def bare_environment() -> dict[str, str]:
    """What any program needs from the surroundings and no more: no settings, no secrets."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"TZ": "UTC"}
