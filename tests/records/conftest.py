"""An empty, migrated database a test, reached as the application's role, and an office in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from infra.database import engine_at, make_sessions
from infra.vault import Vault
from tests.conftest import RunningStack
from tests.records.office import Office


@pytest.fixture
def own_database_url(stack: RunningStack, fresh_database_url: str) -> str:
    """This test's database as the application's role, which may not change history."""
    name = fresh_database_url.rpartition("/")[2]
    return stack.variables["HANDSEL_DATABASE_URL"].rpartition("/")[0] + f"/{name}"


@pytest.fixture
def engine(own_database_url: str) -> Iterator[Engine]:
    made = engine_at(own_database_url, pool=4, overflow=20)
    yield made
    made.dispose()


@pytest.fixture
def owner(fresh_database_url: str) -> Iterator[Engine]:
    """The same database as the role that owns the tables."""
    made = engine_at(fresh_database_url)
    yield made
    made.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


@pytest.fixture
def office(sessions: sessionmaker[Session]) -> Office:
    return Office(sessions, Vault(Fernet.generate_key().decode()))


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """Every statement that the application sends, from here on."""
    seen: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda _conn, _cursor, statement, *_rest: seen.append(statement)
    )
    return seen
