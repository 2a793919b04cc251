"""`handsel ...` with a key, over the running server: for tests of what the shell says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from infra.cli.api import KEY_VARIABLE
from tests.conftest import RunningStack
from tests.program import program

Shell = Callable[..., CompletedProcess[str]]


def shell_of(stack: RunningStack, address: str, folder: Path, key: str) -> Shell:
    """A shell of the installation: `shell("payout", "list")`; `ends` is the status that it must end with."""
    return shell_with(
        {
            **stack.variables,
            "HANDSEL_MODE": "local",
            "HANDSEL_STATE_DIR": str(folder / "state"),
            "HANDSEL_PUBLIC_URL": address,
            KEY_VARIABLE: key,
        }
    )


def shell_with(variables: dict[str, str]) -> Shell:
    """The same with these settings and those of the environment."""

    def run(*words: str | Path, ends: int = 0) -> CompletedProcess[str]:
        done = program(variables, *words)
        assert done.returncode == ends, f"{words}: {done.stdout} {done.stderr}"
        return done

    return run
