"""Persons behind money facts: who closes a month and settles a difference, and whose hand a key is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text, update

from activities.periods import close_period, reopen_period
from activities.persons import hands_of, maker_of
from activities.settlement import settle
from domain.commands import Reassess, SettleAttempt
from domain.errors import Forbidden
from domain.roles import CLOCK, HANDSEL, Actor, ActorKind, Role
from infra.api_keys import make_key, revoke_key
from infra.authors import remember_author
from infra.ids import new_id
from infra.tables import ApiKey, AuditFact, Campaign, Member, ReconciliationItem, StripeCursor
from tests.records.finance import ONE_APPROVAL, approve, pay, person, set_rules, waiting
from tests.records.office import Office

APRIL = datetime(2026, 4, 3, 9, 0, tzinfo=UTC)
MARCH = "2026-03"


def key(office: Office, by: Actor = HANDSEL, role: Role = Role.FINANCE) -> Actor:
    """An API key that this actor made."""
    with office.sessions.begin() as session:
        made = make_key(session, mode="local", brand_id=office.brand_id, name="books", role=role, by=by)
        return Actor(kind=ActorKind.BRAND, id=made.row.id)


@pytest.fixture
def books(office: Office) -> Office:
    """An office whose March can be closed."""
    office.open(cost=1450)
    office.accepted()
    with office.sessions.begin() as session:
        session.merge(StripeCursor(name="balance_transactions", complete_at=APRIL, reached_begin=True))
    return office


def difference(office: Office) -> str:
    with office.sessions.begin() as session:
        row = ReconciliationItem(
            id=new_id("difference"),
            brand_id=office.brand_id,
            list="amount_differs",
            subject="tr_1",
            currency="USD",
            occurred_at=APRIL,
            first_seen_at=APRIL,
            last_seen_at=APRIL,
            state="open",
        )
        session.add(row)
        return row.id


def close(office: Office, actor: Actor) -> None:
    with office.sessions.begin() as session:
        close_period(session, office.brand_id, MARCH, actor, APRIL)


def told(office: Office, event: str) -> dict[str, Any]:
    with office.sessions() as session:
        query = select(AuditFact).where(AuditFact.brand_id == office.brand_id, AuditFact.event == event)
        return session.scalars(query).one().data


def refused(office: Office, actor: Actor, item: str) -> set[str]:
    """What closing, opening and settling are refused with; nothing may be changed by them."""
    codes = set()
    with office.sessions() as session:
        for act in (
            lambda: close_period(session, office.brand_id, MARCH, actor, APRIL),
            lambda: reopen_period(session, office.brand_id, MARCH, actor, "late", APRIL),
            lambda: settle(session, office.brand_id, item, actor, "seen", APRIL),
        ):
            with pytest.raises(Forbidden) as caught:
                act()
            codes.add(caught.value.code)
        assert session.get_one(ReconciliationItem, item).state == "open"
        events = ("period_closed", "period_reopened", "difference_settled")
        facts = select(AuditFact).where(AuditFact.brand_id == office.brand_id, AuditFact.event.in_(events))
        assert session.scalars(facts).all() == []
    return codes


# --- who decides ----------------------------------------------------------------------------------


def test_nobody_and_keys_of_nobody_decide_nothing(books: Office) -> None:
    item = difference(books)
    stranger = Actor(kind=ActorKind.BRAND, id=new_id("api_key"))
    for actor in (key(books), stranger, CLOCK, HANDSEL, Actor(kind=ActorKind.BRAND, id="member_1")):
        assert refused(books, actor, item) == {"needs_person"}, actor
    owner = person(books, Role.OWNER)
    assert refused(books, key(books, owner, Role.OPS), item) == {"not_an_approver"}
    assert refused(books, person(books, Role.OPS), item) == {"not_an_approver"}
    unknown = Actor(kind=ActorKind.BRAND, id=new_id("member"))
    assert refused(books, unknown, item) == {"not_a_member"}


def test_a_key_of_a_person_decides_and_the_record_names_its_maker(books: Office) -> None:
    item, owner = difference(books), person(books, Role.OWNER)
    hand = key(books, owner)
    with books.sessions.begin() as session:
        settled = settle(session, books.brand_id, item, hand, "seen at Stripe", APRIL)
        assert settled.ended_by == f"brand:{hand.id}"
    assert told(books, "difference_settled")["key_maker"] == owner.id
    close(books, hand)
    assert told(books, "period_closed")["key_maker"] == owner.id
    with books.sessions.begin() as session:
        reopen_period(session, books.brand_id, MARCH, hand, "late", APRIL)
    assert told(books, "period_reopened")["key_maker"] == owner.id


def test_a_person_needs_no_key(books: Office) -> None:
    close(books, person(books))
    assert "key_maker" not in told(books, "period_closed")


@pytest.mark.parametrize("why", ["removed", "demoted", "revoked", "of another brand"])
def test_a_key_counts_only_as_long_as_its_maker_and_itself(why: str, books: Office) -> None:
    item, owner = difference(books), person(books, Role.OWNER)
    hand = key(books, owner)
    of_maker = update(Member).where(Member.id == owner.id)
    code = {"removed": "not_a_member", "demoted": "not_an_approver"}.get(why, "needs_person")
    if why == "of another brand":
        other = Office(books.sessions, books.vault)
        other.open()
        hand = key(other, person(other, Role.OWNER))
    with books.sessions.begin() as session:
        if why == "removed":
            session.execute(of_maker.values(removed_at=APRIL))
        elif why == "demoted":
            session.execute(of_maker.values(role="viewer"))
        elif why == "revoked":
            revoke_key(session, session.get_one(ApiKey, hand.id), owner)
    assert refused(books, hand, item) == {code}


def test_a_key_made_by_a_key_has_its_maker(books: Office) -> None:
    owner = person(books, Role.OWNER)
    first = key(books, owner, Role.OWNER)
    second = key(books, first, Role.OWNER)
    third = key(books, second)
    nobodys = key(books, key(books, role=Role.OWNER))
    with books.sessions() as session:
        assert maker_of(session, books.brand_id, third) == owner.id
        assert maker_of(session, books.brand_id, nobodys) is None
        assert set(hands_of(session, owner.id)) == {owner.id, first.id, second.id, third.id}
    assert refused(books, nobodys, difference(books)) == {"needs_person"}


def test_a_maker_who_is_removed_at_the_same_moment_does_not_count(books: Office) -> None:
    owner = person(books, Role.OWNER)
    hand = key(books, owner)
    with ThreadPoolExecutor(1) as pool, books.sessions() as remover:
        remover.execute(update(Member).where(Member.id == owner.id).values(removed_at=APRIL))
        closing = pool.submit(close, books, hand)
        _until_somebody_waits(books)
        remover.commit()
        with pytest.raises(Forbidden) as caught:
            closing.result(30)
    assert caught.value.code == "not_a_member"


def test_a_key_that_is_revoked_at_the_same_moment_does_not_count(books: Office) -> None:
    hand = key(books, person(books, Role.OWNER))
    with ThreadPoolExecutor(1) as pool, books.sessions() as revoker:
        revoker.execute(update(ApiKey).where(ApiKey.id == hand.id).values(revoked_at=APRIL))
        closing = pool.submit(close, books, hand)
        _until_somebody_waits(books)
        revoker.commit()
        with pytest.raises(Forbidden) as caught:
            closing.result(30)
    assert caught.value.code == "needs_person"


def test_a_person_and_their_key_at_once_close_once(books: Office) -> None:
    owner = person(books, Role.OWNER)
    start, actors = threading.Barrier(6), [owner, key(books, owner)] * 3

    def click(actor: Actor) -> None:
        start.wait()
        close(books, actor)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(click, actors))
    told(books, "period_closed")  # one fact, or this fails


def _until_somebody_waits(office: Office) -> None:
    waiting_ones = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    query = text(waiting_ones + " AND datname = current_database()")
    for _ in range(300):
        with office.sessions() as session:
            if session.scalar(query):
                return
            session.execute(text("SELECT pg_sleep(0.05)"))
    pytest.fail("nobody waits for the lock")


# --- four eyes ------------------------------------------------------------------------------------


def _four_eyes(office: Office, of: str, maker: Actor) -> None:
    """The maker is refused, and another person of finance is not."""
    recorded = office.give(of, approve(of), maker)
    assert recorded.refused == "four_eyes", recorded
    office.must(of, approve(of), person(office))


@pytest.mark.parametrize("what", ["terms", "amount"])
def test_who_made_the_key_that_set_the_terms_does_not_approve(what: Any, office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of, owner = waiting(office), person(office, Role.OWNER)
    hand = key(office, owner, Role.OPS)
    with office.sessions.begin() as session:
        campaign = session.get_one(Campaign, office.campaign_id)
        remember_author(session, campaign, hand, what, [of] if what == "amount" else [])
        revoke_key(session, session.get_one(ApiKey, hand.id), owner)  # revoking it changes nothing
    _four_eyes(office, of, owner)


def test_who_made_the_key_that_asked_for_the_payment_does_not_approve(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of, owner = waiting(office), person(office, Role.OWNER)
    bystander = person(office, Role.OWNER)
    key(office, bystander)
    office.must(of, Reassess(), key(office, key(office, owner, Role.OWNER)))
    _four_eyes(office, of, owner)


def test_who_made_the_key_that_settled_the_attempt_does_not_approve_the_next(office: Office) -> None:
    office.open()
    of, owner = waiting(office), person(office, Role.OWNER)
    pay(office, of)
    office.must(of, SettleAttempt(result="unknown"))
    office.must(of, SettleAttempt(result="refused"), key(office, owner))
    _four_eyes(office, of, owner)


def test_the_maker_of_a_key_that_did_nothing_approves(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of, owner = waiting(office), person(office, Role.OWNER)
    key(office, owner)
    office.must(of, Reassess(), key(office, person(office, Role.OWNER)))
    office.must(of, approve(of), owner)


def test_the_audit_log_gives_older_keys_their_makers(office: Office) -> None:
    from importlib import import_module

    office.open()
    owner = person(office, Role.OWNER)
    first = key(office, owner, Role.OWNER)
    second, nobodys = key(office, first), key(office)
    migration = import_module("infra.migrations.versions.0040_makers_of_keys")
    with office.sessions.begin() as session:
        session.execute(update(ApiKey).where(ApiKey.brand_id == office.brand_id).values(made_by=None))
        session.execute(text(migration._MAKERS))
        makers = {one: session.get_one(ApiKey, one.id).made_by for one in (first, second, nobodys)}
    assert makers == {first: owner.id, second: owner.id, nobodys: None}
