"""History cannot be changed unseen: refused by the database, and found by its hashes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from infra.ledger_check import check, check_snapshot, verify_chain
from infra.tables import APPEND_ONLY, Table
from tests.records.office import Office

CHANGES = {
    "update": "UPDATE {table} SET {column} = {column}",
    "delete": "DELETE FROM {table}",
    "truncate": "TRUNCATE {table} CASCADE",
}


def _statement(table: str, change: str) -> str:
    column = Table.metadata.tables[table].primary_key.columns[0].name
    return CHANGES[change].format(table=table, column=column)


@contextmanager
def _rolled_back(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_cannot_change_history(office: Office, owner: Engine, change: str) -> None:
    office.open()
    office.sent()
    for table in APPEND_ONLY:
        with _rolled_back(owner) as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text(_statement(table, change)))
        assert caught.value.orig.sqlstate == "23001", table
        assert "append-only" in str(caught.value.orig)


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_has_no_right_to_change_history(engine: Engine, change: str) -> None:
    for table in APPEND_ONLY:
        with _rolled_back(engine) as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text(_statement(table, change)))
        assert caught.value.orig.sqlstate == "42501", table


def test_the_application_cannot_truncate_or_alter_anything(engine: Engine) -> None:
    statements = [f"TRUNCATE {name} CASCADE" for name in Table.metadata.tables]
    statements += [
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON entries",
        "DROP FUNCTION refuse_change_of_history() CASCADE",
        "SET session_replication_role = replica",
    ]
    for statement in statements:
        with _rolled_back(engine) as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement))
        assert caught.value.orig.sqlstate == "42501", statement


@contextmanager
def _edited(owner: Engine, statement: str) -> Iterator[Session]:
    """The database as after an edit by somebody who has the owner's password, taken back afterwards."""
    with _rolled_back(owner) as connection:
        for table in APPEND_ONLY:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
        connection.execute(text(statement))
        yield Session(connection)


EDITS = {
    """UPDATE events SET data = '{"reason": "late"}' WHERE sequence = 2""": 2,
    "UPDATE events SET at = at - interval '1 day' WHERE sequence = 3": 3,
    "UPDATE events SET actor_id = 'member_2' WHERE sequence = 1": 1,
    "UPDATE events SET hash = repeat('0', 64) WHERE sequence = 2": 2,
    "DELETE FROM events WHERE sequence = 3": 3,
    "DELETE FROM events WHERE sequence = 9": 9,
    "INSERT INTO events SELECT collaboration_id, 10, request_id, name, stage, command, actor_kind, actor_id,"
    " at, data, previous_hash, hash FROM events WHERE sequence = 9": 10,
}


def test_an_edited_history_is_found_from_the_event_on(office: Office, owner: Engine) -> None:
    office.open()
    of = office.payable()
    assert office.state(of).sequence == 9, "the edits name event numbers"
    with office.sessions() as session:
        assert verify_chain(session, of) == []
    for statement, broken_from in EDITS.items():
        with _edited(owner, statement) as session:
            (problem,) = verify_chain(session, of)
            assert problem.subject == of
            assert f"from event {broken_from}" in problem.message, statement
            assert problem in check(session)


BREAKS = [
    ("UPDATE accounts SET balance = balance + 1 WHERE name LIKE 'creator:%:paid:%'", "balance_is_sum"),
    ("UPDATE accounts SET balance = balance + 1 WHERE name LIKE 'campaign:%'", "trial_balance"),
    ("UPDATE accounts SET may_go_negative = true, balance = -5 WHERE name LIKE 'campaign:%'", "covered"),
    ("UPDATE movements SET currency = 'EUR' WHERE source LIKE 'world:%'", "one_currency"),
    ("DELETE FROM movements WHERE source LIKE 'world:%'", "entry_has_lines"),
    ("UPDATE payout_attempts SET stripe_transfer_id = NULL", "sent_once"),
    ("UPDATE payout_attempts SET stripe_transfer_id = 'tr_other'", "sent_once"),
    ("UPDATE payouts SET state = 'ready'", "owed"),
    ("UPDATE payouts SET state = 'sending'", "in_transit"),
    ("UPDATE payout_attempts SET state = 'open'", "one_attempt_under_way"),
    ("UPDATE variants SET reserved = reserved + 1", "stock"),
    ("UPDATE collaborations SET stage = 'declined'", "state_is_row"),
    ("UPDATE collaborations SET stage = 'declined' WHERE stage = 'preparing'", "held"),
    ("UPDATE collaborations SET head = ''", "chain"),
]


def test_the_check_names_what_is_wrong(office: Office, owner: Engine) -> None:
    office.open()
    office.sent()
    office.accepted()
    assert check_snapshot(owner)[0] == []
    for statement, rule in BREAKS:
        with _edited(owner, statement) as session:
            problems = check(session)
            assert rule in {problem.rule for problem in problems}, statement
            assert all(problem.subject and problem.message for problem in problems)
    assert check_snapshot(owner)[0] == []
