"""Erasure: the person goes from every table and object, books and proofs stay, whatever is killed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from domain.audit import canonical
from domain.bundle_verifier import verify as verify_bundle
from domain.commands import ConfirmTransfer, SettleAttempt
from domain.errors import Invalid, NotFound, Refused
from domain.ledger import payout_id
from infra.audit.verify import verify as verify_log
from infra.erasure import destroy
from infra.erasure.addresses import purge_addresses
from infra.erasure.begin import ask_erasure
from infra.erasure.destroy import LAST_LOOK, Eraser
from infra.evidence.keep import Evidence
from infra.ids import new_id
from infra.ledger_check import check, trial_balance
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import (
    Answer,
    Asset,
    AuditFact,
    Collaboration,
    Creator,
    CreatorKey,
    DisclosureCheck,
    Erasure,
    IdempotentCall,
    Post,
    Remark,
    Shipment,
    SocialAccount,
    Submission,
)
from infra.vault import answer_of
from tests.records.office import BRAND, STRIPE, Office
from tests.records.test_evidence_bundles import SIGNER

SEEDS = ("Byron", "Ringweg", "Jena", "zarimel", "wumpelquast", "@example.net", "YT-778-tracking")


@dataclass
class House:
    """An office with one finished, paid collaboration, and everything that can name its creator."""

    office: Office
    objects: ObjectStore
    of: str
    creator_id: str
    keys: list[str]
    url: str

    @property
    def eraser(self) -> Eraser:
        return Eraser(self.office.sessions, self.objects)

    def ask(self, rule: str = "creator_asked", *, force: bool = False) -> Erasure:
        with self.office.sessions.begin() as session:
            return ask_erasure(
                session, self.office.brand_id, self.creator_id, rule, BRAND, self.office.clock, force=force
            )

    def erase(self) -> Erasure:
        return self.eraser.finish(self.ask().id, self.office.clock)

    def found(self) -> dict[str, set[str]]:
        """Where a seed still stands: in which table, or in which object."""
        leaks: dict[str, set[str]] = {}
        with self.office.sessions() as session:
            tables = session.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ).all()
            for table in tables:
                for line in session.scalars(text(f'SELECT t::text FROM "{table}" t')):  # noqa: S608 - catalogue
                    if seeds := {seed for seed in SEEDS if seed.lower() in line.lower()}:
                        leaks.setdefault(table, set()).update(seeds)
        for key in self.keys:
            body = self.objects.read(key) or b""
            if seeds := {seed for seed in SEEDS if seed.lower().encode() in body.lower()}:
                leaks.setdefault(key, set()).update(seeds)
        return leaks


@pytest.fixture
def house(office: Office, settings: Settings, own_database_url: str) -> House:
    office.open()
    of = office.sent()
    office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=f"tr_{of}"), STRIPE)
    objects = ObjectStore(settings)
    creator_id = office.state(of).creator_id
    check_id, asset_id = new_id("disclosure_check"), new_id("asset")
    keys = [f"drafts/{of}/{asset_id}", f"drafts/{of}/{asset_id}-abc", f"evidence/checks/{check_id}.json"]
    for key in keys:
        objects.put(key, b"Zarimel in the Ringweg", "text/plain")
    with office.sessions.begin() as session:
        submission = session.scalars(select(Submission).where(Submission.collaboration_id == of)).one()
        submission.caption, submission.feedback = "Ad by zarimel", "Dear Wumpelquast, lovely"
        seen = [{"url": "https://social.example/zarimel/1", "author_handle": "zarimel"}]
        session.add_all(
            [
                Post(id=new_id("post"), submission_id=submission.id, collaboration_id=of, deliverable=0,
                     platform="instagram", format="reel", url="https://social.example/zarimel/1"),
                DisclosureCheck(id=check_id, collaboration_id=of, submission_id=submission.id, number=1,
                                outcome="pass", reason="marked", pack="US@1", findings=seen, input=seen,
                                input_sha256="ab" * 32, evidence_key=keys[2], checked_at=office.clock),
                Asset(id=asset_id, collaboration_id=of, submission_id=submission.id, key=keys[0],
                      file_name="wumpelquast.jpg", media_type="image/jpeg", size=3, sha256="cd" * 32,
                      state="stored", created_at=office.clock),
                SocialAccount(creator_id=creator_id, platform="instagram", handle="zarimel", followers=1200),
                Remark(id=new_id("remark"), brand_id=office.brand_id, collaboration_id=of, actor="member_1",
                       text="Wumpelquast rang, it is fine"),
                IdempotentCall(api_key_id="key_1", key="k", request_hash="h", status=201,
                               body={"text": json.dumps({"id": creator_id, "name": "Byron"})}),
            ]
        )  # fmt: skip
        shipment = session.scalars(select(Shipment).where(Shipment.collaboration_id == of)).one()
        shipment.tracking_number = "YT-778-tracking"
    return House(office, objects, of, creator_id, keys, own_database_url)


def test_the_seeds_are_there_before(house: House) -> None:
    assert {*house.keys, "posts", "submissions", "assets", "disclosure_checks", "remarks", "shipments",
            "social_accounts", "idempotent_calls"} <= set(house.found())  # fmt: skip


def test_after_an_erasure_nothing_names_the_person_and_everything_still_adds_up(
    house: House, owner: Engine
) -> None:
    office = house.office
    evidence = Evidence(office.sessions, office.vault, house.objects, SIGNER)
    with office.sessions() as session:
        payout_id = session.scalars(text("SELECT id FROM payouts")).one()
        before = trial_balance(session)
    bundle = evidence.content(evidence.build(payout_id, office.clock))
    erasure = house.erase()
    assert house.found() == {}
    with office.sessions() as session:
        assert trial_balance(session) == before
        assert check(session) == []
        with pytest.raises(NotFound) as caught:
            answer_of(session, office.vault, office.rows(Answer, house.of)[0].id)
        assert caught.value.code == "erased"
        creator = session.get_one(Creator, house.creator_id)
        assert creator.do_not_contact == "erased"
        assert creator.country == "DE"
    assert verify_bundle(bundle) == []
    assert verify_log(house.url, office.brand_id).problems == []
    assert all(house.objects.head(key) is None for key in house.keys)
    assert erasure.counts["keys"] == 1
    assert erasure.counts["objects"] == 3


def test_the_certificate_says_what_went_and_stands_in_the_audit_log(house: House) -> None:
    erasure = house.erase()
    certificate = erasure.certificate
    assert certificate is not None
    assert certificate["creator_id"] == house.creator_id
    assert certificate["asked_by"] == {"kind": "brand", "id": "member_1"}
    assert certificate["destroyed"]["keys"] == 1
    assert certificate["destroyed"]["looks_at_posts"] == 1
    body = {name: value for name, value in certificate.items() if name not in ("sha256", "audit")}
    assert hashlib.sha256(canonical(body)).hexdigest() == certificate["sha256"]
    with house.office.sessions() as session:
        fact = session.get_one(AuditFact, certificate["audit"]["fact"])
        asked = session.scalars(select(AuditFact.event).order_by(AuditFact.id)).all()
    assert fact.data["certificate_sha256"] == certificate["sha256"]
    assert asked == ["erasure_asked", "erased"]
    stored = house.objects.read(f"erasures/{house.office.brand_id}/{erasure.id}.json")
    assert stored == canonical(certificate)


def test_asked_twice_it_is_one_erasure(house: House) -> None:
    first = house.erase()
    again = house.erase()
    assert again.certificate == first.certificate
    assert again.id == first.id


class _KilledError(Exception):
    pass


def _killed(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: int) -> None:
    """Die when this function is called for the time after `after` calls; from then on it works."""
    whole: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(after + 1))

    def dies(*words: Any, **named: Any) -> Any:
        if next(calls, None) == after:
            raise _KilledError
        return whole(*words, **named)

    monkeypatch.setattr(owner, name, dies)


@pytest.mark.parametrize(
    ("place", "name", "after"),
    [
        ("objects", "delete", 0),
        ("objects", "delete", 2),
        ("eraser", "_destroy", 0),
        ("eraser", "_certify", 0),
        ("module", "append_audit", 0),
        ("module", "sequence_brand", 0),
        ("objects", "put_once", 0),
    ],
)
def test_killed_at_any_point_it_goes_on_and_ends_alike(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str, name: str, after: int
) -> None:
    erasure_id, eraser = house.ask().id, house.eraser
    with monkeypatch.context() as broken:
        _killed(broken, {"objects": house.objects, "eraser": eraser, "module": destroy}[place], name, after)
        with pytest.raises(_KilledError):
            eraser.finish(erasure_id, house.office.clock)
    ended = house.eraser.finish(erasure_id, house.office.clock)
    assert house.found() == {}
    assert ended.certificate is not None
    assert ended.certificate["destroyed"]["objects"] == 3
    assert ended.certificate["destroyed"]["keys"] == 1
    with house.office.sessions() as session:
        told = session.scalars(select(AuditFact.id).where(AuditFact.event == "erased")).all()
    assert len(told) == 1


def test_what_is_uploaded_late_goes_with_the_last_look(house: House) -> None:
    erasure = house.erase()
    assert erasure.swept_at is None
    late = f"drafts/{house.of}/late"
    house.objects.put(late, b"Zarimel", "text/plain")
    house.eraser.finish_due(house.office.clock + LAST_LOOK - timedelta(minutes=1))
    assert house.objects.head(late) is not None
    house.eraser.finish_due(house.office.clock + LAST_LOOK)
    assert house.objects.head(late) is None
    assert house.eraser.finish_due(house.office.clock + LAST_LOOK) == 0


def _refused(house: House, code: str) -> str:
    with pytest.raises(Refused) as caught:
        house.ask()
    assert caught.value.code == code
    with house.office.sessions() as session:
        assert session.get(Erasure, "x") is None
        assert session.scalars(select(Erasure)).all() == []
        assert session.get_one(Creator, house.creator_id).do_not_contact == ""
        assert session.get(CreatorKey, house.creator_id) is not None
    return caught.value.message


def test_open_money_is_named_and_nothing_is_changed(office: Office, settings: Settings) -> None:
    office.open()
    objects = ObjectStore(settings)
    of = office.invited()
    house = House(office, objects, of, office.state(of).creator_id, [], "")
    assert of in _refused(house, "collaboration_open")
    of = office.payable()
    house = House(office, objects, of, office.state(of).creator_id, [], "")
    assert "payout_" in _refused(house, "money_open")
    forced = house.ask("authority_ordered", force=True)
    assert forced.forced


def test_a_transfer_under_way_cannot_be_forced_aside(office: Office, settings: Settings) -> None:
    office.open()
    of = office.paying()
    house = House(office, ObjectStore(settings), of, office.state(of).creator_id, [], "")
    _refused(house, "attempt_open")
    with pytest.raises(Refused, match="under way"):
        house.ask("authority_ordered", force=True)
    office.must(of, SettleAttempt(result="unknown", reason="no_answer"))
    _refused(house, "attempt_open")


def test_only_some_rules_may_force_and_only_known_ones_count(house: House) -> None:
    for rule, force, field in (("creator_asked", True, "force"), ("because", False, "rule")):
        with pytest.raises(Invalid) as caught:
            house.ask(rule, force=force)
        assert caught.value.field == field


def test_another_brand_cannot_erase(house: House) -> None:
    with pytest.raises(NotFound), house.office.sessions.begin() as session:
        ask_erasure(
            session, "brand_x", house.creator_id, "creator_asked", BRAND, house.office.clock, force=False
        )


REDACT = "UPDATE disclosure_checks SET input = '[]', findings = '[]'"


def test_append_only_rows_forget_only_the_erased_and_only_that_way(house: House, owner: Engine) -> None:
    def attempt(statement: str) -> str:
        with owner.connect() as connection:
            try:
                connection.execute(text(statement))
            except DBAPIError as error:
                return str(error.orig.sqlstate)  # type: ignore[union-attr] # psycopg's errors have one
            finally:
                connection.rollback()
        return ""

    assert attempt(REDACT) == "23001", "the creator is there"
    house.erase()
    assert attempt(REDACT) == ""
    for statement in (
        "UPDATE disclosure_checks SET input = '[1]'",
        "UPDATE disclosure_checks SET input = '[]', outcome = 'fail'",
        "UPDATE disclosure_checks SET checked_at = now()",
        "UPDATE remarks SET text = 'other'",
        "UPDATE remarks SET text = '', actor = 'member_2'",
        "DELETE FROM remarks",
        "TRUNCATE disclosure_checks",
    ):
        assert attempt(statement) == "23001", statement


# --- addresses ------------------------------------------------------------------------------------


def _has_address(office: Office, of: str) -> bool:
    with office.sessions() as session:
        return answer_of(session, office.vault, office.rows(Answer, of)[0].id).address is not None


def _purge(office: Office, days: int, at: datetime | None = None) -> int:
    return purge_addresses(office.sessions, office.vault, at or office.clock, days)


def test_an_address_goes_some_days_after_the_delivery_and_the_consent_stays(office: Office) -> None:
    office.open()
    of = office.in_production()
    office.later(days=29)
    assert _purge(office, 30) == 0
    assert _has_address(office, of)
    office.later(days=1)
    assert _purge(office, 0) == 0, "switched off"
    assert _purge(office, 30) == 1
    assert not _has_address(office, of)
    assert _purge(office, 30) == 0, "once"
    with office.sessions() as session:
        assert answer_of(session, office.vault, office.rows(Answer, of)[0].id).legal_name == "Ada Byron"
        assert session.scalars(select(AuditFact.event)).all() == ["address_purged"]


@pytest.mark.parametrize("state", ["preparing", "shipped", "lost", "disputed", "address_rejected"])
def test_a_parcel_that_may_need_its_address_keeps_it(office: Office, state: str) -> None:
    office.open()
    of = office.in_production()
    with office.sessions.begin() as session:
        session.scalars(select(Shipment).where(Shipment.collaboration_id == of)).one().state = state
    office.later(days=400)
    assert _purge(office, 30) == 0
    assert _has_address(office, of)


def test_whoever_dropped_out_loses_the_address_after_the_end(office: Office) -> None:
    office.open()
    of = office.accepted()
    with office.sessions.begin() as session:
        row = session.get_one(Collaboration, of)
        row.stage, row.since = "withdrawn_by_creator", office.clock
    office.later(days=31)
    assert _purge(office, 30) == 1
    assert not _has_address(office, of)
