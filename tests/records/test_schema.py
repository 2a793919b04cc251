"""The database's schema: the migrations make what the code says, and history is guarded in every table."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from infra import migrate
from infra.database import engine_at, make_sessions, notify, psycopg_url
from infra.tables import APPEND_ONLY, Table


def test_migrations_and_tables_say_the_same(fresh_database_url: str) -> None:
    migrate.check(fresh_database_url)
    assert migrate.current_revision(fresh_database_url) == migrate.head_revision()


def test_there_is_one_line_of_migrations() -> None:
    script = ScriptDirectory(str(migrate.FOLDER))
    assert len(script.get_heads()) == 1
    assert [step.revision for step in script.walk_revisions()] == sorted(
        (step.revision for step in script.walk_revisions()), reverse=True
    )


def test_every_migration_limits_its_wait_for_locks() -> None:
    for file in [*migrate.FOLDER.glob("versions/*.py"), migrate.FOLDER / "script.py.mako"]:
        assert file.read_text().count("SET LOCAL lock_timeout = '5s'") == 2, Path(file).name


def test_down_and_up_again(fresh_database_url: str) -> None:
    migrate.downgrade(fresh_database_url, "base")
    engine = create_engine(fresh_database_url)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
    assert migrate.current_revision(fresh_database_url) == ""
    migrate.upgrade(fresh_database_url)
    migrate.upgrade(fresh_database_url)
    migrate.check(fresh_database_url)


def test_a_busy_table_fails_the_step_instead_of_stopping_everybody(fresh_database_url: str) -> None:
    migrate.downgrade(fresh_database_url, "0003")
    engine = create_engine(fresh_database_url)
    with engine.connect() as busy:
        busy.execute(text("LOCK TABLE events IN ROW EXCLUSIVE MODE"))
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate.upgrade(fresh_database_url)
        busy.rollback()
    engine.dispose()
    assert migrate.current_revision(fresh_database_url) == "0003"
    migrate.upgrade(fresh_database_url)


def test_history_is_guarded_even_when_replication_switches_triggers_off(owner: Engine) -> None:
    named = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'"
    with owner.connect() as connection:
        guarded = connection.scalars(text(f"{named} AND tgenabled = 'A'")).all()
    assert set(guarded) == set(APPEND_ONLY)


def test_money_columns_are_whole_numbers_of_eight_bytes() -> None:
    for table in Table.metadata.tables.values():
        for column in table.columns:
            assert column.type.python_type is not float, f"{table.name}.{column.name}"
            if "amount" in column.name or column.name == "balance":
                assert str(column.type) == "BIGINT", f"{table.name}.{column.name}"


def test_moments_carry_their_zone() -> None:
    for table in Table.metadata.tables.values():
        for column in table.columns:
            if str(column.type) == "DATETIME":
                assert column.type.timezone, f"{table.name}.{column.name}"


def test_connections_speak_utc_and_give_up_on_locks(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
        assert connection.scalar(text("SHOW lock_timeout")) == "5s"


def test_a_notification_arrives_with_the_commit_and_not_before(own_database_url: str, engine: Engine) -> None:
    listening = engine_at(own_database_url)
    with listening.connect() as connection:
        connection.execute(text("LISTEN inbox"))
        connection.commit()
        driver = connection.connection.driver_connection
        with make_sessions(engine).begin() as session:
            notify(session, "inbox", "stripe")
            assert list(driver.notifies(timeout=0.2)) == []
        assert [told.payload for told in driver.notifies(timeout=2, stop_after=1)] == ["stripe"]
    listening.dispose()


def test_values_never_enter_an_errors_text(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(Exception, match="hidden") as caught:
        connection.execute(text("SELECT 1 / (:zero)::int, :secret"), {"zero": 0, "secret": "Ringweg 7"})
    assert "Ringweg" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_the_address_of_a_database_may_be_written_as_others_do(given: str, used: str) -> None:
    assert psycopg_url(given) == used
