"""Bring a database to the schema of this version, and tell whether it is there.

Only one migration runs at a time (advisory lock), a lock that is not free fails the step within seconds,
and after every upgrade the application role gets exactly the rights it needs: it can never change or
delete history, nor truncate anything. New steps: `python -m infra.migrate "what changes"`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

from infra.database import psycopg_url
from infra.settings import get_settings
from infra.tables import APPEND_ONLY, FORGETS

FOLDER: Final = Path(__file__).parent / "migrations"
APPLICATION_ROLE: Final = "handsel_app"
"""The role that `serve` and `worker` should connect as; migrations run as the owner of the tables."""
_ADVISORY_LOCK: Final = 0x68616E6473656C
_TIMEOUTS: Final = "-c lock_timeout=5s -c timezone=UTC"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    engine = create_engine(psycopg_url(database_url), poolclass=NullPool, connect_args={"options": _TIMEOUTS})
    with engine.connect() as connection:
        yield connection


def head_revision() -> str:
    """The newest revision that this version knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def current_revision(database_url: str) -> str:
    """The revision that the database is at; empty when nothing was migrated yet."""
    with _connected(database_url) as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema and set the application role's rights. Safe to repeat."""
    _run(database_url, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str) -> None:
    """Take steps back, down to this revision (`base`: all of them)."""
    _run(database_url, lambda config: command.downgrade(config, revision))


def check(database_url: str) -> None:
    """Raise `alembic.util.CommandError` when the database's schema and the tables in code differ."""
    with _connected(database_url) as connection:
        command.check(_config(connection))


def _run(database_url: str, step: Callable[[Config], None]) -> None:
    with _connected(database_url) as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        try:
            step(_config(connection))
            connection.commit()
            _grant(connection)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _ADVISORY_LOCK})
            connection.commit()


def _grant(connection: Connection) -> None:
    """Give the application role what it needs, and take back what it must not have."""
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :name")
    if connection.scalar(known, {"name": APPLICATION_ROLE}) is None:
        return
    role = APPLICATION_ROLE
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
    connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"))
    connection.execute(text(f"REVOKE TRUNCATE, TRIGGER ON ALL TABLES IN SCHEMA public FROM {role}"))
    for table in APPEND_ONLY:
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": table}) is not None:
            connection.execute(text(f"REVOKE UPDATE, DELETE ON {table} FROM {role}"))
            if table in FORGETS:  # a trigger lets them become empty only, and only for the erased
                columns = ", ".join(FORGETS[table])
                connection.execute(text(f"GRANT UPDATE ({columns}) ON {table} TO {role}"))


def write_step(database_url: str, message: str) -> None:
    """Write a new migration from the difference between the database and the tables in code."""
    number = f"{int(head_revision()) + 1:04d}"
    with _connected(database_url) as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    write_step(get_settings().database_url, " ".join(sys.argv[1:]))
