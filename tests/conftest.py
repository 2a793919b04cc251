"""What every test may ask for: one local stack for the whole run, and a database of one's own.

The stack is real and is started by `handsel up` when the first test asks for it. All workers of a
run share it; each worker has its own database, bucket and Temporal namespace in it.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values

from infra.local.folder import StackFolder
from infra.local.part import is_setting
from infra.local.processes import kill_family
from infra.settings import Settings, settings_from

if TYPE_CHECKING:
    import psycopg

PROJECT = Path(__file__).resolve().parents[1]
PARTS = ("postgres", "temporal", "objects", "mail", "stripe", "social", "carrier", "migrate")
TEMPLATE = "handsel"
"""Database of the stack: migrated once, then copied for each worker or test."""
RUN_FOLDER = "HANDSEL_TEST_RUN"
"""Environment variable by which the workers of a run find the run's folder."""
START_SECONDS = 120
MEMORY = "/dev/shm"  # noqa: S108 - a folder with a name of its own is made in it
ROOM = 4 * 2**30
"""Bytes that have to be free in memory; a run takes less than one GiB."""
LONGEST = (
    "lifecycle/test_every_life.py",
    "browser/test_finance_day.py",
    "mail/test_delivery.py",
    "faults/test_everything_breaks.py",
    "browser/test_accessible.py",
    "demo/test_demo.py",
    "api/test_contract.py",
)
"""Files of a minute or more. They begin first, or one worker is still at them when the other is done."""


@dataclass(frozen=True)
class RunningStack:
    """The stack of this test run as one worker sees it."""

    state_dir: Path
    variables: dict[str, str]
    """Every setting of the stack as environment variables, with this worker's own database
    (application role), bucket and namespace."""
    ports: dict[str, int]

    def url(self, port: str) -> str:
        """Address of a part's port, named as in `stack.json`: `mail.web`, `stripe.main`."""
        return f"http://127.0.0.1:{self.ports[port]}"

    @property
    def mailbox_url(self) -> str:
        """Mailbox page; `/messages.json?to=` lists what was mailed to somebody."""
        return self.url("mail.web")


def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        folder = tempfile.mkdtemp(prefix="handsel-tests-", dir=_roomy())
        os.environ |= {RUN_FOLDER: folder, "PYTEST_DEBUG_TEMPROOT": folder}


def _roomy() -> str | None:
    """Memory where there is enough of it: where many files were just deleted, ext4 is slow to make new ones.

    A database for one test is copied there in a tenth of the time.
    """
    with contextlib.suppress(OSError):
        if shutil.disk_usage(MEMORY).free > ROOM and os.access(MEMORY, os.W_OK):
            return MEMORY
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = os.environ.get(RUN_FOLDER)
    if _is_worker(config) or not folder:
        return
    supervisor = StackFolder(Path(folder) / "stack").supervisor()
    if supervisor is not None:
        kill_family(supervisor)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    turns = {PROJECT / "tests" / name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _clean_environment() -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not is_setting(name)}


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Name of this worker of the run, fit for a database's name."""
    return re.sub(r"\W", "_", os.environ.get("PYTEST_XDIST_WORKER", "main"))


@pytest.fixture(scope="session")
def stack(worker_name: str) -> RunningStack:
    """The outside world, running: PostgreSQL, Temporal, S3, mail, and the simulators."""
    folder = Path(os.environ[RUN_FOLDER])
    state_dir = folder / "stack"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _content(state_dir).get("ready"):
            _start(state_dir)
    variables = {k: v for k, v in dotenv_values(state_dir / "env").items() if v is not None}
    owner_url = variables["HANDSEL_DATABASE_OWNER_URL"]
    database = f"handsel_{worker_name}"
    _copy_database(owner_url, database)
    bucket = f"handsel-{worker_name}".replace("_", "-")
    (state_dir / "objects" / bucket).mkdir(exist_ok=True)
    own = {
        "HANDSEL_DATABASE_URL": _with_database(variables["HANDSEL_DATABASE_URL"], database),
        "HANDSEL_DATABASE_OWNER_URL": _with_database(owner_url, database),
        "HANDSEL_S3_BUCKET": bucket,
        "TEMPORAL_NAMESPACE": f"handsel-{worker_name}",
    }
    register_namespace(variables["TEMPORAL_ADDRESS"], own["TEMPORAL_NAMESPACE"])
    return RunningStack(state_dir, variables | own, _content(state_dir)["ports"])


@pytest.fixture(scope="session")
def settings(stack: RunningStack) -> Settings:
    """Settings of the stack with this worker's own database, bucket and namespace."""
    return settings_from(stack.variables)


@pytest.fixture(scope="session")
def database_url(stack: RunningStack) -> str:
    """This worker's migrated database, as the role that owns the tables."""
    return stack.variables["HANDSEL_DATABASE_OWNER_URL"]


@pytest.fixture
def fresh_database_url(new_database: Callable[[], str]) -> str:
    """A migrated, empty database for one test, as the role that owns the tables."""
    return new_database()


@pytest.fixture
def new_database(stack: RunningStack, worker_name: str) -> Iterator[Callable[[], str]]:
    """Makes migrated, empty databases that are dropped after the test."""
    owner_url = stack.variables["HANDSEL_DATABASE_OWNER_URL"]
    made: list[str] = []

    def make() -> str:
        made.append(f"handsel_{worker_name}_{time.time_ns()}")
        _copy_database(owner_url, made[-1])
        return _with_database(owner_url, made[-1])

    yield make
    from psycopg import sql

    with _server(owner_url) as server:
        for name in made:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _start(state_dir: Path) -> None:
    """Start the stack as its own process, which ends with this test run whatever happens."""
    runner = os.getppid() if _on_worker() else os.getpid()
    words = [sys.executable, "-m", "infra.cli", "up", "--state-dir", str(state_dir)]
    words += ["--only", ",".join(PARTS), "--exit-with", str(runner)]
    log = state_dir.parent / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            words,
            cwd=PROJECT,
            env=_clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until = time.monotonic() + START_SECONDS
    while not _content(state_dir).get("ready"):
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail(f"The stack did not start:\n{log.read_text()}", pytrace=False)
        time.sleep(0.1)


def _on_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def _content(state_dir: Path) -> dict[str, object]:
    with contextlib.suppress(FileNotFoundError):
        return dict(json.loads((state_dir / "stack.json").read_text()))
    return {}


def _with_database(url: str, database: str) -> str:
    return url.rpartition("/")[0] + f"/{database}"


def _server(owner_url: str) -> "psycopg.Connection":
    import psycopg

    address = _with_database(owner_url, "postgres").replace("+psycopg", "", 1)
    return psycopg.connect(address, autocommit=True)


def _copy_database(owner_url: str, name: str) -> None:
    """Copy the migrated database, unless the copy is there. One copy at a time per server."""
    from psycopg import sql

    with _server(owner_url) as server:
        server.execute("select pg_advisory_lock(4211)")
        known = server.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
        if known is None:
            server.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE)
                )
            )


def register_namespace(address: str, namespace: str) -> None:
    """Make a Temporal namespace, and return when workflows can be started in it."""
    import asyncio

    from google.protobuf.duration_pb2 import Duration
    from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest, RegisterNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError, RPCStatusCode

    async def register() -> None:
        client = await Client.connect(address)
        with contextlib.suppress(RPCError):
            await client.workflow_service.register_namespace(
                RegisterNamespaceRequest(
                    namespace=namespace,
                    workflow_execution_retention_period=Duration(seconds=86400),
                )
            )
        for _ in range(200):
            try:
                await client.workflow_service.list_workflow_executions(
                    ListWorkflowExecutionsRequest(namespace=namespace)
                )
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await asyncio.sleep(0.05)
            else:
                return

    asyncio.run(register())
