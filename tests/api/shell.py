"""`handsel ...` in this process, with a key, over the running server: for tests of what the shell says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli import app as shell_app
from infra.cli.api import KEY_VARIABLE
from infra.settings import get_settings
from tests.conftest import RunningStack

Shell = Callable[..., Result]


@contextmanager
def shell_of(
    stack: RunningStack, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> Iterator[Shell]:
    """A shell of the installation: `shell("payout", "list")`; `ends` is the status that it must end with."""
    for name, value in {
        **stack.variables,
        "HANDSEL_MODE": "local",
        "HANDSEL_STATE_DIR": str(folder / "state"),
        "HANDSEL_PUBLIC_URL": address,
        KEY_VARIABLE: key,
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()

    def run(*words: str | Path, ends: int = 0) -> Result:
        result = CliRunner().invoke(shell_app, [str(word) for word in words])
        assert result.exit_code == ends, f"{words}: {result.output} {result.exception!r}"
        return result

    try:
        yield run
    finally:
        get_settings.cache_clear()
