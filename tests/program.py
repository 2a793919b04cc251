"""`handsel ...` in this process: what the shell says and how it ends, without starting Python each time.

That the program starts as a process of its own is tested in `tests/local/test_program.py`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import structlog
from typer.testing import CliRunner

from infra.cli import app
from infra.settings import get_settings

WIDE = {"COLUMNS": "200"}
"""No table of the shell is cut."""


@contextmanager
def _logs_as_they_were() -> Iterator[None]:
    """The program sends all logs to its own output, which is closed when it ends."""
    root, known = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.configure(**known)


def program(variables: dict[str, str], *words: str | Path, given: str = "") -> CompletedProcess[str]:
    """Run the program with these settings in the environment, and this on its standard input."""
    with patch.dict(os.environ, WIDE | variables), _logs_as_they_were():
        get_settings.cache_clear()
        try:
            done = CliRunner().invoke(app, [str(word) for word in words], input=given)
        finally:
            get_settings.cache_clear()
    told = f"\n{done.exception!r}" if done.exception and not isinstance(done.exception, SystemExit) else ""
    return CompletedProcess(words, done.exit_code, done.stdout, done.stderr + told)
