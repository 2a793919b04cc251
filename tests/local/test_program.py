"""The program `handsel`: quick to answer, every command there, plain words when something is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli import COMMANDS, load
from infra.local.part import is_setting


def handsel(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not is_setting(name)}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean | {"COLUMNS": "200"} | variables,
    )


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_loaded(name: str) -> None:
    assert load(name).name == name


def test_help_lists_every_command_and_loads_none(tmp_path: Path) -> None:
    answer = handsel("--help", folder=tmp_path)
    for name, (_, help_text) in COMMANDS.items():
        assert name in answer.stdout
        assert help_text in answer.stdout
    code = "import sys, infra.cli\ntry: infra.cli.app(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'sqlalchemy', 'temporalio', 'stripe', 'boto3', 'fastapi'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_a_process_without_settings_says_which(command: str, tmp_path: Path) -> None:
    answer = handsel(command, folder=tmp_path)
    assert answer.returncode == 2
    assert "HANDSEL_DATABASE_URL" in answer.stderr
    assert "handsel up" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_production_does_not_serve_with_what_the_local_stack_made(tmp_path: Path) -> None:
    answer = handsel(
        "serve", folder=tmp_path, HANDSEL_MODE="production", HANDSEL_SECRET_KEY="local-" + "x1" * 20
    )
    assert answer.returncode == 2
    assert "HANDSEL_SECRET_KEY: was made by the local stack" in answer.stderr
    assert "x1x1" not in answer.stderr


def test_an_unknown_queue_is_named(tmp_path: Path) -> None:
    answer = handsel("worker", "--queue", "lunch", folder=tmp_path)
    assert answer.returncode == 2
    assert "'lunch'" in answer.stderr
