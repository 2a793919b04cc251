"""A closed month stays as it was: whoever posts, whenever, and whatever the owner of the tables tries."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from activities.ledger import post
from activities.parcel_costs import tell_cost
from activities.periods import close_period, months_of, reopen_period, standing_of
from domain.commands import Ship
from domain.decisions.fulfilment import current_shipment
from domain.errors import Invalid, NotFound, Refused
from domain.ledger import budget_declared
from domain.money import Money
from domain.roles import HANDSEL, Role
from infra.audit.append import words_digest
from infra.books import balance_at, statement
from infra.ids import new_id
from infra.ledger_check import check
from infra.tables import AuditFact, Brand, Entry, Period, ReconciliationItem, Shipment, StripeCursor
from tests.records.finance import person
from tests.records.office import BRAND, Office

APRIL = datetime(2026, 4, 3, 9, 0, tzinfo=UTC)
END = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
"""The end of March in Berlin."""


@pytest.fixture
def books(office: Office) -> Office:
    """An office in Berlin with an accepted collaboration in March."""
    office.open(cost=1450)
    with office.sessions.begin() as session:
        session.get_one(Brand, office.brand_id).zone = "Europe/Berlin"
    office.accepted()
    return office


def _compared(office: Office, at: datetime) -> None:
    with office.sessions.begin() as session:
        session.merge(StripeCursor(name="balance_transactions", complete_at=at, reached_begin=True))


def _close(office: Office, month: str = "2026-03", at: datetime = APRIL) -> Period:
    mo = person(office)
    with office.sessions.begin() as session:
        return close_period(session, office.brand_id, month, mo, at)


def _refused(office: Office, month: str = "2026-03", at: datetime = APRIL) -> str:
    with pytest.raises(Refused) as caught:
        _close(office, month, at)
    return caught.value.code


def _item(office: Office, occurred_at: datetime, which: str = "amount_differs", state: str = "open") -> None:
    with office.sessions.begin() as session:
        session.add(
            ReconciliationItem(
                id=new_id("difference"),
                brand_id=office.brand_id,
                list=which,
                subject="tr_1",
                currency="USD",
                occurred_at=occurred_at,
                first_seen_at=APRIL,
                last_seen_at=APRIL,
                state=state,
            )
        )


def test_closing_names_what_is_in_the_way_and_changes_nothing(books: Office) -> None:
    assert _refused(books, at=END - timedelta(seconds=1)) == "period_running"
    assert _refused(books) == "not_reconciled"
    _compared(books, END + timedelta(minutes=59))
    assert _refused(books) == "not_reconciled"
    _compared(books, APRIL)
    _item(books, END - timedelta(days=1))
    assert _refused(books) == "differences_open"
    assert _refused(books, "2026-04", APRIL + timedelta(days=40)) == "earlier_period_open"
    with pytest.raises(NotFound):
        _close(books, "2026-02")
    with pytest.raises(Invalid):
        _close(books, "March")
    with books.sessions() as session:
        assert session.scalars(select(Period)).all() == []


@pytest.mark.parametrize(
    ("which", "days", "state"),
    [
        ("amount_differs", 1, "open"),
        ("in_transit_too_long", -1, "open"),
        ("theirs_without_ours", -1, "settled"),
    ],
)
def test_what_is_of_a_later_month_settled_or_merely_slow_is_not_in_the_way(
    books: Office, which: str, days: int, state: str
) -> None:
    _compared(books, APRIL)
    _item(books, END + timedelta(days=days), which, state)
    assert _close(books).state == "closed"


def test_a_closed_month_takes_no_entry_even_from_the_owner(books: Office, owner: Engine) -> None:
    _compared(books, APRIL)
    period = _close(books)
    assert (period.starts_at, period.ends_at) == (datetime(2026, 2, 28, 23, tzinfo=UTC), END)
    forged = text(
        "INSERT INTO entries (id, key, input_hash, kind, brand_id, reason, actor, at) "
        "VALUES ('entry_x', 'x', '', 'fee_held', :brand, '', '', :at)"
    )
    with owner.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        last = {"brand": books.brand_id, "at": END - timedelta(microseconds=1)}
        with pytest.raises(DBAPIError, match="is closed"), connection.begin_nested():
            connection.execute(forged, last)
    with owner.begin() as connection:
        connection.execute(forged, {"brand": books.brand_id, "at": END})


def test_what_comes_late_is_dated_in_the_open_month(books: Office) -> None:
    _compared(books, APRIL)
    of = books.accepted()
    _close(books)
    before = check_balance(books, END)
    ship = Ship(shipment_id=current_shipment(books.state(of)))
    books.must(of, ship, BRAND)  # decided in March, recorded after its closing
    (sent,) = [entry for entry in books.rows(Entry, of) if entry.kind == "goods_sent"]
    assert sent.at == END
    assert books.state(of).news_at == books.clock
    assert check_balance(books, END) == before
    with books.sessions() as session:
        assert check(session) == []


def test_a_cost_of_a_closed_month_is_corrected_in_the_open_one(books: Office) -> None:
    of = books.accepted()
    parcel = current_shipment(books.state(of))
    told = {"actor": BRAND, "at": books.clock}
    with books.sessions.begin() as session:
        row = session.get_one(Shipment, parcel)
        tell_cost(session, row, "freight", Money(amount=640, currency="USD"), **told)
    _compared(books, APRIL)
    frozen = _close(books)
    with books.sessions.begin() as session:
        row = session.get_one(Shipment, parcel)
        tell_cost(session, row, "freight", Money(amount=700, currency="USD"), actor=BRAND, at=APRIL)
    account = f"shipment:{parcel}:freight:USD"
    with books.sessions() as session:
        lines = statement(session, books.brand_id, account).lines
        assert [(line.kind, line.amount, line.at >= END) for line in lines] == [
            ("freight_booked", 640, False),
            ("cost_reversed", -640, True),
            ("freight_booked", 700, True),
        ]
        assert lines[1].reverses_id == lines[0].entry_id
        assert session.get_one(Period, (books.brand_id, "2026-03")).digest == frozen.digest
        assert check(session) == []


def check_balance(office: Office, until: datetime) -> int:
    account = f"variant:{office.variant_id}:stock:USD"
    with office.sessions() as session:
        return balance_at(session, office.brand_id, account, until - timedelta(microseconds=1))[0]


def test_another_brands_months_are_its_own(books: Office) -> None:
    _compared(books, APRIL)
    _close(books)
    other = Office(books.sessions, books.vault)
    other.open(cost=100)  # dated in March
    assert other.balance(f"variant:{other.variant_id}:stock:USD") == 1000
    with books.sessions() as session:
        (entry,) = session.scalars(
            select(Entry).where(Entry.brand_id == other.brand_id, Entry.kind == "goods_received")
        )
        assert entry.at == other.clock


def test_closing_twice_is_closing_once_and_reopening_is_recorded(books: Office) -> None:
    _compared(books, APRIL)
    first = _close(books)
    again = _close(books, at=APRIL + timedelta(days=1))
    assert (again.changed_at, again.digest) == (first.changed_at, first.digest)
    owner = person(books, Role.OWNER)
    with books.sessions.begin() as session:
        with pytest.raises(Invalid):
            reopen_period(session, books.brand_id, "2026-03", owner, " ", APRIL)
        reopened = reopen_period(session, books.brand_id, "2026-03", owner, "an invoice came late", APRIL)
        assert (reopened.state, reopened.reason) == ("reopened", "an invoice came late")
    with books.sessions.begin() as session, pytest.raises(Refused) as caught:
        reopen_period(session, books.brand_id, "2026-03", owner, "again", APRIL)
    assert caught.value.code == "period_not_closed"
    with books.sessions() as session:
        facts = session.scalars(select(AuditFact).order_by(AuditFact.id)).all()
        assert [(fact.event, fact.subject_id) for fact in facts] == [
            ("period_closed", "2026-03"),
            ("period_reopened", "2026-03"),
        ]
        assert facts[1].data == {"reason": words_digest("2026-03", "an invoice came late")}
    _close(books)
    with books.sessions() as session:
        assert check(session) == []


def test_months_are_reopened_from_the_newest(books: Office) -> None:
    may = datetime(2026, 5, 2, tzinfo=UTC)
    _compared(books, may)
    _close(books, at=may)
    _close(books, "2026-04", may)
    owner = person(books, Role.OWNER)
    with books.sessions.begin() as session, pytest.raises(Refused) as caught:
        reopen_period(session, books.brand_id, "2026-03", owner, "an invoice came late", may)
    assert caught.value.code == "later_period_closed"
    with books.sessions() as session:
        assert months_of(session, books.brand_id, may) == ["2026-05", "2026-04", "2026-03"]
        assert standing_of(session, books.brand_id, "2026-05", may)[0].earlier_open == ""


def test_a_posting_and_the_closing_of_its_month_never_cross(books: Office) -> None:
    """Twelve post into March while it is closed: each is in the frozen totals, or dated in April."""
    _compared(books, APRIL)
    start = threading.Barrier(13)
    failed: list[BaseException] = []

    def declare(number: int) -> None:
        start.wait()
        for one in range(5):
            entry = budget_declared(f"campaign_{number}_{one}", Money(amount=100, currency="USD"))
            for _ in range(5):  # as the activity's retries do
                try:
                    with books.sessions.begin() as session:
                        post(session, entry, brand_id=books.brand_id, actor=HANDSEL, at=books.clock)
                    break
                except DBAPIError as error:
                    if "is closed" not in str(error.orig):
                        failed.append(error)
                        raise

    threads = [threading.Thread(target=declare, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    start.wait()
    _close(books)
    for thread in threads:
        thread.join(60)
    assert failed == []
    with books.sessions() as session:
        assert check(session) == []
        entries = session.scalars(select(Entry).where(Entry.key.like("budget/campaign\\_%\\_%"))).all()
    assert len([entry for entry in entries if entry.key.count("_") == 2]) == 60
    assert {entry.at for entry in entries} <= {books.clock, END, datetime(2026, 3, 2, 9, tzinfo=UTC)}
