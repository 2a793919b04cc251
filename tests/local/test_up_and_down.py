"""`handsel up` and `handsel down` as a person uses them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.folder import StackFolder
from infra.local.processes import marked_with

PROGRAM = [sys.executable, "-m", "infra.cli"]


class Terminal:
    """A `handsel up` in a terminal of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = StackFolder(folder)
        self.said = ""
        self.process = subprocess.Popen(
            [*PROGRAM, "up", "--state-dir", str(folder), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        while text not in self.said:
            line = self.process.stdout.readline()
            assert line, f"{text!r} never came:\n{self.said}"
            self.said += line

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    running = Terminal(tmp_path / ".handsel", "--only", "objects,mail")
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def handsel(*words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, env=environ)


def test_up_shows_health_and_addresses_and_ctrl_c_ends_it_cleanly(terminal: Terminal) -> None:
    terminal.wait_for("Ctrl-C ends the stack")
    ports = terminal.folder.read()["ports"]
    assert "✓ S3" in terminal.said
    assert f"http://127.0.0.1:{ports['mail.web']}" in terminal.said
    assert terminal.end(signal.SIGINT) == 0
    assert "Nothing is lost" in terminal.said
    assert marked_with(terminal.folder.path) == []


def test_a_killed_part_heals_and_up_says_so(terminal: Terminal) -> None:
    terminal.wait_for("Ctrl-C ends the stack")
    killed = terminal.folder.processes()["mail"]
    os.kill(killed.pid, signal.SIGKILL)
    terminal.wait_for("killed by SIGKILL; starting it again")
    terminal.wait_for("again (")
    assert terminal.folder.processes()["mail"] != killed


def test_a_second_up_refuses_politely_and_down_ends_the_first(terminal: Terminal) -> None:
    terminal.wait_for("Ctrl-C ends the stack")
    folder = str(terminal.folder.path)
    second = handsel("up", "--state-dir", folder, "--only", "mail")
    assert second.returncode == 1
    assert f"already running in {folder} as process {terminal.process.pid}" in second.stdout
    assert handsel("down", "--state-dir", folder).returncode == 0
    assert terminal.process.wait(10) == 0
    assert f"No stack runs in {folder}" in handsel("down", "--state-dir", folder).stdout


def test_down_ends_what_a_killed_terminal_left(terminal: Terminal) -> None:
    terminal.wait_for("Ctrl-C ends the stack")
    terminal.process.kill()
    terminal.process.wait()
    assert len(marked_with(terminal.folder.path)) == 2
    ended = handsel("down", "--state-dir", str(terminal.folder.path))
    assert "Ending 2 processes" in ended.stdout
    assert marked_with(terminal.folder.path) == []


def test_up_ends_with_the_process_it_was_started_for(tmp_path: Path) -> None:
    companion = subprocess.Popen(["sleep", "60"])
    running = Terminal(tmp_path / ".handsel", "--only", "objects", "--exit-with", str(companion.pid))
    running.wait_for("Ctrl-C ends the stack")
    companion.kill()
    companion.wait()
    assert running.process.wait(15) == 0
    assert marked_with(running.folder.path) == []


def test_ctrl_c_counts_while_parts_come_up(tmp_path: Path) -> None:
    running = Terminal(tmp_path / ".handsel", "--only", "postgres,temporal")
    while not marked_with(running.folder.path):
        assert running.process.poll() is None
        time.sleep(0.05)
    assert running.end() == 0
    assert marked_with(running.folder.path) == []


def test_a_part_that_does_not_exist_is_named(tmp_path: Path) -> None:
    answer = handsel("up", "--state-dir", str(tmp_path / "s"), "--only", "postgres,fax")
    assert answer.returncode == 2
    assert "no such part: fax" in answer.stderr


def test_the_local_stack_is_not_for_production(tmp_path: Path) -> None:
    environ = {**os.environ, "COLUMNS": "200", "HANDSEL_MODE": "production"}
    words = [*PROGRAM, "up", "--state-dir", str(tmp_path / "s")]
    answer = subprocess.run(words, capture_output=True, text=True, env=environ)
    assert answer.returncode == 2
    assert "HANDSEL_MODE" in answer.stderr
