"""A restored backup brings erased creators back; the certificates outside say who has to go again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from domain.errors import Defect
from infra.audit.verify import verify
from infra.database import engine_at, make_sessions
from infra.erasure.again import Repeats
from infra.ledger_check import check
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import AuditFact, Creator, CreatorKey, Erasure, Link
from tests.conftest import RunningStack
from tests.program import program
from tests.records.test_erasure import House, house

__all__ = ["house"]


@pytest.fixture
def restored(house: House, engine: Engine, owner: Engine, stack: RunningStack) -> Iterator[str]:
    """Address of a copy of the database as it stood before the erasure; then the creator is erased."""
    house.office.link(house.of)
    source = house.url.rpartition("/")[2]
    copy = f"{source}_backup"
    engine.dispose()
    owner.dispose()
    address = stack.variables["HANDSEL_DATABASE_OWNER_URL"].replace("+psycopg", "", 1)
    server = psycopg.connect(address.rpartition("/")[0] + "/postgres", autocommit=True)
    names = sql.Identifier(copy), sql.Identifier(source)
    server.execute(sql.SQL("create database {} template {}").format(*names))
    house.erase()
    yield house.url.rpartition("/")[0] + f"/{copy}"
    server.execute(sql.SQL("drop database {} with (force)").format(names[0]))
    server.close()


@pytest.fixture
def back(restored: str) -> Iterator[sessionmaker[Session]]:
    engine = engine_at(restored)
    yield make_sessions(engine)
    engine.dispose()


def _key(house: House, number: str = "") -> str:
    with house.office.sessions() as session:
        (erasure,) = session.scalars(select(Erasure)).all()
    return f"erasures/{house.office.brand_id}/{erasure.id}{number}.json"


def test_who_was_erased_is_erased_again_with_a_certificate_of_its_own(
    house: House, back: sessionmaker[Session], restored: str
) -> None:
    first = house.objects.read(_key(house))
    with back() as session:
        assert session.get(CreatorKey, house.creator_id) is not None, "the backup holds the key"
        assert session.scalars(select(Erasure)).all() == []
    repeats = Repeats(back, house.objects)
    assert repeats.waiting() == {house.creator_id: _key(house)}
    erasure = repeats.repeat(house.creator_id, _key(house), datetime.now(UTC))
    assert repeats.waiting() == {}
    house.office.sessions, kept = back, house.office.sessions
    assert house.found() == {}, "nothing in the restored database names the person"
    house.office.sessions = kept
    assert house.objects.read(_key(house)) == first, "the first certificate stays as it is"
    assert json.loads(house.objects.read(_key(house, "-2")) or b"") == erasure.certificate
    with back() as session:
        assert check(session) == []
        assert session.get_one(Creator, house.creator_id).do_not_contact == "erased"
        assert all(link.revoked_at for link in session.scalars(select(Link)))
        told = session.scalars(select(AuditFact.event).order_by(AuditFact.id)).all()
        (asked,) = session.scalars(select(Erasure)).all()
    assert told == ["erasure_repeated", "erased"]
    assert (asked.rule, asked.actor_id) == ("creator_asked", "member_1")
    assert verify(restored, house.office.brand_id).problems == []


def test_twice_restored_is_twice_repeated_and_nobody_else_is_touched(
    house: House, back: sessionmaker[Session]
) -> None:
    other = house.office.sent()  # of the first database; the copy knows one creator only
    repeats = Repeats(house.office.sessions, house.objects)
    assert repeats.waiting() == {}, "nobody came back where nobody restored"
    with house.office.sessions() as session:
        assert session.get(CreatorKey, house.office.state(other).creator_id) is not None
    again = Repeats(back, house.objects)
    again.repeat(house.creator_id, _key(house), datetime.now(UTC))
    with back.begin() as session:  # a key alone came back, as after half a restore
        session.add(CreatorKey(creator_id=house.creator_id, wrapped=b"x"))
    (key,) = again.waiting().values()
    erasure = again.repeat(house.creator_id, key, datetime.now(UTC))
    assert erasure.counts["keys"] == 1
    assert json.loads(house.objects.read(_key(house, "-3")) or b"") == erasure.certificate


def test_a_certificate_that_somebody_changed_erases_nobody(house: House, back: sessionmaker[Session]) -> None:
    key = _key(house)
    certificate = json.loads(house.objects.read(key) or b"")
    for forged in ({"creator_id": "creator_other"}, {"rule": "brand_leaves"}, {"sha256": "0" * 64}):
        house.objects.put("erasures/forged.json", json.dumps(certificate | forged).encode(), "text/plain")
        with pytest.raises(Defect, match="not a sound certificate"):
            Repeats(back, house.objects).repeat(house.creator_id, "erasures/forged.json", datetime.now(UTC))
    house.objects.delete("erasures/forged.json")
    with back() as session:
        assert session.get(CreatorKey, house.creator_id) is not None


def test_the_program_says_who_is_back_and_erases_them(
    house: House, restored: str, stack: RunningStack, settings: Settings, tmp_path: Path
) -> None:
    def handsel(*words: str) -> CompletedProcess[str]:
        return program({**stack.variables, "HANDSEL_DATABASE_URL": restored}, *words)

    def doctor() -> list[str]:
        answer = handsel("doctor", "--state-dir", str(stack.state_dir), "--json")
        return [one["about"] for one in json.loads(answer.stdout) if one["weight"] == "wrong"]

    assert "Creators who were erased" in doctor()
    refused = handsel("creator", "erase-again")
    assert refused.returncode != 0, "it asks, and nobody answered"
    done = handsel("creator", "erase-again", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    (certificate,) = json.loads(done.stdout)["erased"]
    assert certificate["creator_id"] == house.creator_id
    assert "Creators who were erased" not in doctor()
    assert "Nobody" in handsel("creator", "erase-again").stdout
    assert len(ObjectStore(settings).keys(f"erasures/{house.office.brand_id}/")) == 2
