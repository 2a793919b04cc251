# ruff: noqa: S608 - the statements are put together from this file's own words
"""Whoever changes the audit log, even as the owner of the tables, is found, and the place is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, text

from domain.audit import Root
from infra.audit.append import append_audit
from infra.audit.roots import Roots
from infra.audit.sequencer import sequence_all
from infra.audit.signing import HANDOVERS, Signer, known_keys, why_unsigned
from infra.audit.verify import Report, unsound, verify
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import AuditRoot
from tests.records.office import BRAND, Office

SIGNER = Signer((Fernet.generate_key().decode(),))
GUARDED = ("events", "audit_facts", "audit_lines", "audit_roots")


@dataclass
class Log:
    """A log of ten lines, of which the seventh is a fact; a root at line 7 and one at line 10."""

    office: Office
    url: str
    of: str
    roots: list[AuditRoot]

    def verify(self, *roots: dict[str, Any], **options: Any) -> Report:
        return verify(self.url, self.office.brand_id, roots, **options)

    @property
    def outside(self) -> list[dict[str, Any]]:
        return [root.document for root in self.roots]


@pytest.fixture
def log(office: Office, own_database_url: str) -> Log:
    office.open()
    of = office.in_production()
    roots = Roots(office.sessions, SIGNER)
    with office.sessions.begin() as session:
        append_audit(
            session, office.brand_id, "member", "member_2", "role_changed", BRAND, office.clock, {"to": "ops"}
        )
    first = roots.make(office.brand_id, office.clock)
    office.later(days=1)
    office.invited_many(2)
    with office.sessions.begin() as session:
        append_audit(session, office.brand_id, "policy", "policy_1", "changed", BRAND, office.clock, {"n": 1})
    second = roots.make(office.brand_id, office.clock)
    assert first is not None
    assert second is not None
    return Log(office, own_database_url, of, [first, second])


@contextmanager
def _edited(owner: Engine, *statements: str) -> Iterator[None]:
    """The database as somebody with the owner's password left it; put back afterwards."""
    with owner.begin() as connection:
        for table in GUARDED:
            connection.execute(text(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}"))
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        kept = {t: connection.execute(text(f"SELECT * FROM kept_{t}")).mappings().all() for t in GUARDED}
        heads = connection.execute(text("SELECT * FROM audit_heads")).mappings().all()
        for statement in statements:
            connection.execute(text(statement))
    try:
        yield
    finally:
        with owner.begin() as connection:
            for table in (*GUARDED, "audit_heads", "audit_queue"):
                connection.execute(text(f"DELETE FROM {table}"))
            for table, rows in (*kept.items(), ("audit_heads", heads)):
                for row in rows:
                    values = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()}
                    names = ", ".join(values)
                    marks = ", ".join(f":{name}" for name in values)
                    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)
            for table in GUARDED:
                connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
                connection.execute(text(f"DROP TABLE IF EXISTS kept_{table}"))


def test_a_log_that_nobody_touched_is_sound(log: Log) -> None:
    report = log.verify(*log.outside)
    assert report.problems == []
    assert report.lines == {log.office.brand_id: log.roots[-1].sequence}
    for size in (1, 2, 3):
        assert log.verify(*log.outside, stretch=size) == report
    assert log.verify(*log.outside, stretch=4, processes=2) == report


FACT = "(SELECT fact_id FROM audit_lines WHERE sequence = 7)"
EDITS = {
    "one byte of an event": (
        "UPDATE events SET actor_id = 'member_2' WHERE (collaboration_id, sequence) ="
        " (SELECT collaboration_id, event_sequence FROM audit_lines WHERE sequence = 3)",
        3,
        "event 3 is not what was sealed",
    ),
    "one byte of a fact": (
        f"""UPDATE audit_facts SET data = '{{"to": "opt"}}' WHERE id = {FACT}""",
        7,
        "is not what line 7 was written for",
    ),
    "the moment of a fact": (
        f"UPDATE audit_facts SET at = at + interval '1 microsecond' WHERE id = {FACT}",
        7,
        "is not what line 7 was written for",
    ),
    "one byte of a line": (
        "UPDATE audit_lines SET hash = translate(hash, '0123456789abcdef', '123456789abcdef0')"
        " WHERE sequence = 4",
        4,
        "the hash of line 4 does not fit it",
    ),
    "a deleted event": (
        "DELETE FROM events WHERE (collaboration_id, sequence) ="
        " (SELECT collaboration_id, event_sequence FROM audit_lines WHERE sequence = 2)",
        2,
        "event 2, for which line 2 stands, is missing",
    ),
    "a deleted fact": (
        f"DELETE FROM audit_facts WHERE id = {FACT}",
        7,
        "for which line 7 stands, is missing",
    ),
    "a deleted line": ("DELETE FROM audit_lines WHERE sequence = 6", 6, "line 6 is missing"),
    "the first line deleted": ("DELETE FROM audit_lines WHERE sequence = 1", 1, "line 1 is missing"),
    "an inserted event": (
        "INSERT INTO events SELECT collaboration_id, sequence + 20, request_id, name, stage, command,"
        " actor_kind, actor_id, at, data, previous_hash, hash FROM events WHERE sequence = 1 LIMIT 1",
        0,
        "event 21 is in no line and not queued",
    ),
    "an inserted fact": (
        "INSERT INTO audit_facts (brand_id, subject_kind, subject_id, event, actor_kind, actor_id, at, data)"
        " SELECT brand_id, subject_kind, subject_id, event, actor_kind, actor_id, at, data FROM audit_facts",
        0,
        "is in no line and not queued",
    ),
    "an inserted line": (
        "INSERT INTO audit_lines (brand_id, sequence, fact_id, digest, previous_hash, hash)"
        " SELECT brand_id, 1 + max(sequence), 999, max(digest), max(hash), max(hash) FROM audit_lines"
        " GROUP BY brand_id",
        -1,
        "fact 999, for which line",
    ),
    "a cut tail": (
        "DELETE FROM audit_lines WHERE sequence > 9",
        10,
        "the chain ends at line 9",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_one_change_is_found_and_its_place_named(log: Log, owner: Engine, edit: str) -> None:
    statement, place, words = EDITS[edit]
    with _edited(owner, statement):
        problems = log.verify().problems
        assert any(words in one.message for one in problems), problems
        if place > 0:
            assert place in {one.sequence for one in problems}, problems
    assert log.verify().problems == []


def test_two_lines_that_changed_places_are_found(log: Log, owner: Engine) -> None:
    aside = (
        "UPDATE audit_lines a SET collaboration_id = NULL, event_sequence = NULL, fact_id = -a.sequence"
        " WHERE sequence IN (8, 9)"
    )
    with log.office.sessions() as session:
        rows = session.execute(
            text("SELECT collaboration_id, event_sequence FROM audit_lines WHERE sequence IN (8, 9)"
                 " ORDER BY sequence")
        ).all()  # fmt: skip
    put = [
        f"UPDATE audit_lines SET fact_id = NULL, collaboration_id = '{row[0]}', event_sequence = {row[1]}"
        f" WHERE sequence = {place}"
        for place, row in zip((9, 8), rows, strict=True)
    ]
    with _edited(owner, aside, *put):
        assert {one.sequence for one in log.verify().problems} >= {8, 9}


# Everything after line 9 is gone, with all in the database that remembers it.
CUT = (
    "DELETE FROM audit_roots WHERE sequence > 9",
    "DELETE FROM events WHERE (collaboration_id, sequence) IN"
    " (SELECT collaboration_id, event_sequence FROM audit_lines WHERE sequence > 9)",
    "DELETE FROM audit_facts WHERE id IN (SELECT fact_id FROM audit_lines WHERE sequence > 9)",
    "DELETE FROM audit_lines WHERE sequence > 9",
    "UPDATE audit_heads SET (sequence, hash) = (SELECT sequence, hash FROM audit_lines WHERE sequence = 9)",
)


def test_a_tail_cut_with_all_that_remembers_it_is_found_by_a_root_from_outside(
    log: Log, owner: Engine
) -> None:
    assert log.roots[-1].sequence == 10
    with _edited(owner, *CUT):
        assert log.verify().problems == [], "nothing inside the database can tell"
        (problem,) = log.verify(*log.outside).problems
        assert problem.sequence == 10
        assert "the chain ends at line 9" in problem.message


def test_a_chain_that_was_rewritten_from_a_line_on_is_found_by_a_root(log: Log, owner: Engine) -> None:
    rewrite = (
        "DELETE FROM audit_roots",
        f"""UPDATE audit_facts SET data = '{{"to": "owner"}}' WHERE id = {FACT}""",
        "DELETE FROM audit_lines WHERE sequence >= 7",
        "UPDATE audit_heads SET (sequence, hash) ="
        " (SELECT sequence, hash FROM audit_lines WHERE sequence = 6)",
        "INSERT INTO audit_queue (brand_id, collaboration_id, event_sequence)"
        " SELECT c.brand_id, e.collaboration_id, e.sequence FROM events e"
        " JOIN collaborations c ON c.id = e.collaboration_id WHERE NOT EXISTS (SELECT FROM audit_lines l"
        "  WHERE l.collaboration_id = e.collaboration_id AND l.event_sequence = e.sequence)",
        "INSERT INTO audit_queue (brand_id, fact_id) SELECT brand_id, id FROM audit_facts",
    )
    with _edited(owner, *rewrite):
        sequence_all(log.office.sessions)
        assert log.verify().problems == []
        found = {one.sequence for one in log.verify(*log.outside).problems}
        assert found == {root.sequence for root in log.roots}


def test_a_root_that_was_changed_or_signed_by_somebody_else_is_not_sound(log: Log) -> None:
    document = log.roots[0].document
    assert why_unsigned(document, SIGNER.public_keys) == ""
    for name in Root.model_fields:
        other = document[name] + 1 if isinstance(document[name], int) else document[name][:-1] + "0"
        if other != document[name]:
            assert why_unsigned(document | {name: other}, SIGNER.public_keys), name
    stranger = Signer((Fernet.generate_key().decode(),))
    forged = stranger.sign(Root.model_validate({n: document[n] for n in Root.model_fields}))
    assert "not of this installation" in why_unsigned(forged, SIGNER.public_keys)
    assert why_unsigned({"hash": "x"}, [])


def _ring(*keys: str) -> Signer:
    return Signer(keys)


def test_roots_stay_ours_when_the_old_key_has_left_the_ring(log: Log) -> None:
    first, second, third = (Fernet.generate_key().decode() for _ in range(3))
    office, documents = log.office, []
    for signer in (_ring(first), _ring(second, first), _ring(second), _ring(third, second), _ring(third)):
        office.invited()
        made = Roots(office.sessions, signer).make(office.brand_id, office.clock)
        assert made is not None
        documents.append(made.document)
    assert [len(one.get(HANDOVERS, [])) for one in documents] == [0, 1, 0, 1, 0]
    now = _ring(third).public_keys
    assert unsound(documents, now) == []
    assert known_keys(now, documents) == [*now, *_ring(second, first).public_keys]
    before = [one for one in documents if HANDOVERS not in one]
    assert len(unsound(before, now)) == 2, "without the handovers nobody vouches for the old keys"
    assert [one for one in log.verify().problems if one.sequence] == []


def test_a_brand_where_nothing_happens_can_hand_over_too(log: Log) -> None:
    first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    office = log.office
    office.invited()
    old = Roots(office.sessions, _ring(first)).make(office.brand_id, office.clock)
    new = Roots(office.sessions, _ring(second, first)).make(office.brand_id, office.clock)
    again = Roots(office.sessions, _ring(second, first)).make(office.brand_id, office.clock)
    assert old is not None
    assert new is not None
    assert again is not None
    assert (new.sequence, again.sequence) == (old.sequence + 1, old.sequence + 1)
    assert unsound([old.document, new.document], _ring(second).public_keys) == []


def test_nobody_makes_a_key_ours_who_does_not_hold_one_of_ours(log: Log) -> None:
    ours, old, theirs = (Fernet.generate_key().decode() for _ in range(3))
    document = log.roots[0].document
    root = Root.model_validate({name: document[name] for name in Root.model_fields})
    forged = _ring(theirs).sign(root)
    (handover,) = _ring(ours, theirs).handovers
    known = _ring(ours).public_keys
    assert unsound([forged | {HANDOVERS: [handover]}], known) == [], "both have signed it"
    for wrong in (
        handover | {"from": _ring(old).public_keys[0]},
        handover | {"signature_to": handover["signature_from"]},
        handover | {"signature_from": handover["signature_to"]},
        {"from": handover["from"], "to": handover["to"]},
        "a text",
    ):
        (problem,) = unsound([forged | {HANDOVERS: [wrong]}], known)
        assert "not of this installation" in problem.message
    # Who finds an old key of ours can hand over to a key of their own; that counts for nothing.
    (taken,) = _ring(theirs, old).handovers
    kept = _ring(ours, old).sign(root)
    assert len(unsound([kept, forged | {HANDOVERS: [taken]}], known)) == 1


def test_a_root_is_made_once_a_day_and_never_without_a_new_line(log: Log) -> None:
    roots, day = Roots(log.office.sessions, SIGNER), timedelta(days=1)
    assert roots.make_due(log.office.clock + day, day) == [], "nothing happened since"
    log.office.invited()
    sequence_all(log.office.sessions)
    assert roots.make_due(log.office.clock + day / 2, day) == []
    (made,) = roots.make_due(log.office.clock + day, day)
    assert made.first_sequence == log.roots[-1].sequence + 1
    assert roots.make_due(log.office.clock + day, day) == []


def test_roots_reach_the_object_store_and_are_never_overwritten(log: Log, settings: Settings) -> None:
    objects = ObjectStore(settings)
    roots = Roots(log.office.sessions, SIGNER)
    assert roots.store(objects, log.office.clock) == 2
    assert roots.store(objects, log.office.clock) == 0
    for root in log.roots:
        stored = objects.read(root.object_key)
        assert stored is not None
        assert json.loads(stored) == root.document
        assert objects.put_once(root.object_key, b"{}", "application/json") is False
        assert objects.read(root.object_key) == stored
    prefix = log.roots[0].object_key.rpartition("/")[0] + "/"
    assert objects.keys(prefix) == [root.object_key for root in log.roots]
