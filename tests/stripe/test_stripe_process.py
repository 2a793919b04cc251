"""The simulator as a command: what it refuses to be started with, where it listens, what it costs."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stripe.simulator import ROOT, Simulator, free_port


@pytest.mark.parametrize("key", ["sk_live_1234", "sk_test_", "abc"])
def test_29_it_refuses_to_start_with_anything_but_a_test_key(tmp_path: Path, key: str) -> None:
    command = [sys.executable, "-m", "infra.local.stripe", "--port", str(free_port()), "--key", key]
    done = subprocess.run(
        [*command, "--state", str(tmp_path / "s.db")], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert "sk_test_" in done.stderr
    assert not (tmp_path / "s.db").exists()


def test_29_it_listens_on_loopback_only(sim: Simulator) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    port = f"{sim.port:04X}"
    addresses = {line.split()[1] for line in listening if line.split()[3] == "0A"}
    assert [a for a in addresses if a.endswith(":" + port)] == [f"0100007F:{port}"]
    own = socket.gethostbyname(socket.gethostname())
    if not own.startswith("127."):
        with pytest.raises(OSError), socket.create_connection((own, sim.port), timeout=1):
            pass


def test_it_sleeps_when_nothing_is_due(sim: Simulator) -> None:
    assert sim.process is not None

    def ticks() -> int:
        fields = Path(f"/proc/{sim.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1)
    assert (ticks() - before) / os.sysconf("SC_CLK_TCK") < 0.05
