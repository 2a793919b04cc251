"""Reconciliation against seeded faults of each sort, on the real database and a simulator of its own."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from activities.compare import compare
from activities.periods import close_period, standing_of
from activities.settlement import settle, take
from domain.commands import SettleAttempt
from domain.errors import Invalid, NotFound, Refused
from domain.ledger import payout_id
from domain.periods import in_the_way, month_of, next_month
from infra.audit.append import words_digest
from infra.ledger_check import check
from infra.tables import (
    AuditFact,
    Clawback,
    Entry,
    PayoutAttempt,
    ReconciliationItem,
    StripeCursor,
    StripeMovement,
)
from tests.payments.books import LATER, Books, gateway_to
from tests.records.finance import person
from tests.records.office import BRAND, FEE, Office
from tests.stripe.conftest import one_simulator, sim
from tests.stripe.simulator import Simulator

__all__ = ["one_simulator", "sim"]


@pytest.fixture
def books(office: Office, sim: Simulator) -> Books:
    return Books(office, sim, gateway_to(sim))


def _sound(books: Books) -> None:
    with books.office.sessions() as session:
        assert check(session) == []


def _matches(books: Books) -> dict[str, str]:
    with books.office.sessions() as session:
        rows = session.execute(select(StripeMovement.type, StripeMovement.matched_to))
        return {row.type: row.matched_to for row in rows}


# --- in order -------------------------------------------------------------------------------------


def test_what_both_sides_know_is_in_order(books: Books) -> None:
    books.open()
    books.paid()
    assert books.round() == (2, 0)
    assert _matches(books)["topup"] == "top-up"
    assert _matches(books)["transfer"].endswith("/1")
    assert books.round() == (0, 0)
    _sound(books)


def test_one_side_may_be_alone_for_an_hour(books: Books) -> None:
    books.open()
    books.transfer(books.paying())
    assert books.round(datetime.now(UTC) + timedelta(minutes=50)).open_items == 0
    assert books.round().open_items == 1


def test_a_reversal_that_we_asked_for_is_in_order_and_another_is_not(books: Books) -> None:
    books.open()
    mine, foreign = books.paid(), books.paid()
    client = books.sim.client()
    taken = client.v1.transfers.reversals.create(mine, {"amount": 500})
    other = client.v1.transfers.reversals.create(foreign, {"amount": 70})
    now = datetime.now(UTC)
    with books.office.sessions.begin() as session:
        query = select(PayoutAttempt.payout_id).where(PayoutAttempt.stripe_transfer_id == mine)
        session.add(
            Clawback(
                payout_id=session.scalars(query).one(),
                number=1,
                amount=500,
                currency="USD",
                transfer_id=mine,
                state="done",
                reason="late",
                asked_by="member_1",
                asked_at=now,
                reversal_id=taken.id,
                finished_at=now,
            )
        )
    books.round()
    assert books.lists() == [("theirs_without_ours", other.id, None, 70)]


# --- faults of each sort --------------------------------------------------------------------------


def test_a_transfer_that_stripe_does_not_have(books: Books) -> None:
    books.open()
    books.paid()
    deleted = books.paid()
    books.sim.control(f"transfers/{deleted}/delete")
    books.round()
    assert books.lists() == [("ours_without_theirs", deleted, -FEE.amount, None)]
    _sound(books)


def test_a_transfer_that_nobody_here_made(books: Books) -> None:
    books.open()
    client = books.sim.client()
    foreign = client.v1.transfers.create({"amount": 700, "currency": "usd", "destination": books.account})
    books.round()
    assert books.lists() == [("theirs_without_ours", foreign.id, None, -700)]


def test_a_transfer_of_another_amount(books: Books) -> None:
    books.open()
    transfer = books.paid()
    books.sim.control(f"transfers/{transfer}/change", amount=FEE.amount + 1)
    books.round()
    assert books.lists() == [("amount_differs", transfer, -FEE.amount, -FEE.amount - 1)]


def test_a_row_that_is_never_available(books: Books) -> None:
    books.open()
    transfer = books.paid()
    books.round()
    with books.office.sessions() as session:
        row = session.scalar(select(StripeMovement.id).where(StripeMovement.source == transfer))
    books.sim.control(f"rows/{row}/stick")
    books.round()
    assert books.lists() == []
    books.round(datetime.now(UTC) + timedelta(hours=25))
    assert books.lists() == [("in_transit_too_long", row, None, -FEE.amount)]


def test_an_attempt_whose_outcome_is_not_known_for_a_day(books: Books) -> None:
    books.open()
    of = books.paying()
    books.office.must(of, SettleAttempt(result="unknown", reason="timeout"))
    books.round()
    assert books.lists() == []
    books.round(datetime.now(UTC) + timedelta(hours=25))
    assert books.lists() == [("in_transit_too_long", f"{payout_id(of)}/1", -FEE.amount, None)]


def test_a_row_that_is_gone_after_it_was_copied(books: Books) -> None:
    books.open()
    transfer = books.paid()
    books.round()
    books.sim.control(f"transfers/{transfer}/delete")
    books.round()
    assert books.lists() == [("amount_differs", "balance:USD", 1_000_000 - FEE.amount, 1_000_000)]
    books.sim.fund(5)
    books.round()
    assert books.lists() == [("amount_differs", "balance:USD", 1_000_005 - FEE.amount, 1_000_005)]
    assert len(books.items("open", "cleared")) == 1


def test_a_row_that_is_changed_after_it_was_matched(books: Books) -> None:
    books.open()
    transfer = books.paid()
    books.round()
    books.sim.control(f"transfers/{transfer}/change", amount=5)
    books.round()
    assert books.lists() == [("amount_differs", transfer, -FEE.amount, -5)]


def test_what_stripe_charges_is_booked_once(books: Books) -> None:
    books.open()
    books.sim.control("charge", amount=320, currency="usd")
    books.round()
    books.round()
    account = f"brand:{books.office.brand_id}:stripe_fees:USD"
    assert books.office.balance(account) == 320
    with books.office.sessions() as session:
        assert session.scalar(select(func.count()).where(Entry.kind == "stripe_fee_booked")) == 1
    assert books.lists() == []
    _sound(books)


def test_all_faults_at_once_are_told_apart(books: Books) -> None:
    books.open()
    deleted, changed, _good = (books.paid() for _ in range(3))
    books.sim.control(f"transfers/{deleted}/delete")
    books.sim.control(f"transfers/{changed}/change", amount=1)
    unknown = books.transfer(books.paying())
    assert books.round().open_items == 3
    assert books.lists() == sorted(
        [
            ("ours_without_theirs", deleted, -FEE.amount, None),
            ("amount_differs", changed, -FEE.amount, -1),
            ("theirs_without_ours", unknown, None, -FEE.amount),
        ]
    )


# --- items ----------------------------------------------------------------------------------------


def test_a_difference_that_is_gone_is_cleared_and_comes_back_as_the_same_item(books: Books) -> None:
    books.open()
    of = books.paying()
    transfer = books.transfer(of)
    books.round()
    (item,) = books.items()
    books.office.must(of, SettleAttempt(result="sent", transfer_id=transfer))
    books.round()
    assert (books.items(), [one.id for one in books.items("cleared")]) == ([], [item.id])
    with books.office.sessions() as session:
        facts = session.scalars(select(AuditFact.event).where(AuditFact.subject_id == item.id)).all()
    assert facts == ["difference_found", "difference_cleared"]


def test_two_clicks_settle_once_and_the_first_reason_stays(books: Books) -> None:
    books.open()
    books.transfer(books.paying())
    books.round()
    (item,) = books.items()
    office, start = books.office, threading.Barrier(8)
    mo = person(office)

    def click(number: int) -> None:
        start.wait()
        with office.sessions.begin() as session:
            settle(session, office.brand_id, item.id, mo, f"reason {number}", datetime.now(UTC))

    threads = [threading.Thread(target=click, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (settled,) = books.items("settled")
    assert (settled.owner, settled.ended_by) == (mo.id, f"brand:{mo.id}")
    with office.sessions() as session:
        query = select(AuditFact).where(AuditFact.event == "difference_settled")
        (fact,) = session.scalars(query).all()
        assert fact.data == {"reason": words_digest(settled.id, settled.reason)}
    assert books.round().open_items == 0  # it stays settled
    assert [one.state for one in books.items("open", "settled", "cleared")] == ["settled"]


def test_settling_needs_a_reason_and_a_difference_of_the_brand(books: Books) -> None:
    books.open()
    books.transfer(books.paying())
    books.round()
    (item,) = books.items()
    now, office = datetime.now(UTC), books.office
    mo = person(office)
    with office.sessions.begin() as session:
        with pytest.raises(Invalid):
            settle(session, office.brand_id, item.id, mo, "  ", now)
        with pytest.raises(NotFound):
            settle(session, "brand_other", item.id, mo, "mine", now)
        with pytest.raises(Invalid):
            take(session, office.brand_id, item.id, BRAND, now, owner="member_unknown")
        take(session, office.brand_id, item.id, BRAND, now, note="asked Stripe")
        settle(session, office.brand_id, item.id, mo, "made by hand", now)
        with pytest.raises(Refused) as caught:
            take(session, office.brand_id, item.id, BRAND, now, note="too late")
    assert caught.value.code == "difference_ended"


def test_a_month_waits_for_its_differences(books: Books) -> None:
    books.open()
    foreign = books.transfer(books.paying())
    books.round()
    now, mo = datetime.now(UTC), person(books.office)
    month = month_of(now, "UTC")
    after = now + timedelta(days=40)
    with books.office.sessions.begin() as session:
        session.merge(StripeCursor(name="balance_transactions", complete_at=after, reached_begin=True))
    earlier = month_of(now - timedelta(days=20), "UTC")
    with books.office.sessions.begin() as session:
        if earlier != month:
            close_period(session, books.office.brand_id, earlier, mo, after)
        standing, _ = standing_of(session, books.office.brand_id, month, after)
        assert [one.code for one in in_the_way(standing, after)] == ["differences_open"]
        assert standing.differences["theirs_without_ours"] == 1
    (item,) = books.items()
    assert item.subject == foreign
    with books.office.sessions.begin() as session:
        settle(session, books.office.brand_id, item.id, mo, "it is the creator's", now)
        assert close_period(session, books.office.brand_id, month, mo, after).state == "closed"
    assert next_month(month) > month
    _sound(books)


# --- the cursor -----------------------------------------------------------------------------------


class Crash(Exception):
    """The process dies here."""


def _all_rows(books: Books) -> set[str]:
    client = books.sim.client()
    return {row.id for row in client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter()}


def _copied(books: Books) -> list[str]:
    with books.office.sessions() as session:
        return list(session.scalars(select(StripeMovement.id)))


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_a_crash_after_any_page_misses_nothing_and_doubles_nothing(
    books: Books, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of ten; money moves between the crash and the resumption, and while it copies."""
    books.open()
    for number in range(24):
        books.sim.fund(100 + number)
    true_rows, seen = books.gateway.rows, 0

    def counting(**which: object) -> object:
        nonlocal seen
        if seen == pages:
            raise Crash
        seen += 1
        return true_rows(**(which | {"limit": 10}))  # type: ignore[arg-type] # the same names

    monkeypatch.setattr(books.gateway, "rows", counting)
    with pytest.raises(Crash):
        books.copy()
    for number in range(15):
        books.sim.fund(500 + number)
    pages = 1000
    assert books.copy() > 0
    assert set(_copied(books)) == _all_rows(books)
    assert len(_copied(books)) == 40
    for number in range(12):
        books.sim.fund(900 + number)
    assert books.copy() == 12
    assert books.copy() == 0
    with books.office.sessions() as session:
        cursor = session.get_one(StripeCursor, "balance_transactions")
        assert (cursor.rows, cursor.reached_begin) == (52, True)


def test_an_empty_account_gets_its_first_rows_later(books: Books) -> None:
    assert books.copy() == 0
    books.sim.fund(1)
    assert books.copy() == 1
    assert books.copy() == 0


def test_rows_to_begin_from_may_be_gone(books: Books) -> None:
    books.open()
    first, second = books.paid(), books.paid()
    books.copy()
    with books.office.sessions.begin() as session:  # long ago, so that a copy begins at the newest
        session.execute(text("UPDATE stripe_movements SET created_at = created_at - interval '1 hour'"))
    books.sim.control(f"transfers/{first}/delete")
    books.sim.control(f"transfers/{second}/delete")
    books.sim.fund(77)
    assert books.copy() == 1
    assert _all_rows(books) <= set(_copied(books))


def test_comparing_again_after_a_crash_changes_nothing(books: Books) -> None:
    books.open()
    books.paid()
    books.transfer(books.paying())
    books.copy()
    now = datetime.now(UTC) + LATER

    def crash() -> None:
        raise Crash

    with pytest.raises(Crash):
        compare(books.office.sessions, now, None, crash)
    first = compare(books.office.sessions, now, None, lambda: None)
    again = compare(books.office.sessions, now, None, lambda: None)
    assert (first.matched, first.open_items, again.matched, again.open_items) == (2, 1, 0, 1)
    with books.office.sessions() as session:
        assert session.scalar(select(func.count()).select_from(ReconciliationItem)) == 1
