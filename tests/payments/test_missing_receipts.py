"""Receipts that Stripe does not give: asked for less often, and named to whoever checks the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from activities import receipts as receipts_module
from activities.receipts import TURN
from infra.ledger_check import check
from infra.ledger_warnings import RECEIPT_IS_LATE, warnings
from tests.payments.books import Books
from tests.payments.test_receipts import asked, books, receipts, record_receipts
from tests.stripe.conftest import one_simulator, sim

__all__ = ["books", "one_simulator", "sim"]


class Silent:
    """Stripe, which can tell of no transfer; counts how often it was asked for each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def receipt(self, transfer_id: str) -> None:
        self.asked.append(transfer_id)


def round_at(books: Books, stripe: object, now: datetime) -> int:
    return record_receipts(books.office.sessions, stripe, lambda: None, now)  # type: ignore[arg-type]


def test_an_older_transfer_is_asked_for_once_a_day_whatever_the_hour(books: Books) -> None:
    transfer = books.paid()
    stripe = Silent()
    began = datetime.now(UTC) + timedelta(days=3)
    for turn in range(timedelta(days=1) // TURN):
        round_at(books, stripe, began + turn * TURN)
    assert stripe.asked == [transfer]


def test_a_new_transfer_is_asked_for_in_each_round(books: Books) -> None:
    transfer = books.paid()
    stripe = Silent()
    for turn in range(4):
        round_at(books, stripe, datetime.now(UTC) + turn * TURN)
    assert stripe.asked == [transfer] * 4


def test_what_stripe_cannot_tell_keeps_no_older_transfer_waiting(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One place a round, which the newer transfer, of which Stripe never tells, would take every time."""
    monkeypatch.setattr(receipts_module, "MOST", 1)
    older, newer = books.paid(), books.paid()

    class Half:
        """Stripe, which lets us see the account of the newer one no more."""

        def receipt(self, transfer_id: str) -> object:
            return None if transfer_id == newer else books.gateway.receipt(transfer_id)

    began = datetime.now(UTC) + timedelta(days=3)
    for turn in range(timedelta(days=1) // TURN):
        round_at(books, Half(), began + turn * TURN)
    assert set(receipts(books)) == {older}


def test_nobody_is_asked_for_ever(books: Books) -> None:
    books.paid()
    stripe = Silent()
    began = datetime.now(UTC) + timedelta(days=46)
    for turn in range(timedelta(days=1) // TURN):
        round_at(books, stripe, began + turn * TURN)
    assert stripe.asked == []


def test_a_receipt_that_stays_missing_is_named_and_is_no_problem_of_the_books(books: Books) -> None:
    transfer = books.paid()
    late = datetime.now(UTC) + RECEIPT_IS_LATE
    with books.office.sessions() as session:
        assert warnings(session, late - timedelta(hours=1)) == []
        (warning,) = warnings(session, late + timedelta(hours=1))
        assert (warning.rule, warning.subject) == ("receipt_missing", transfer)
        assert check(session) == []
    asked(books)
    with books.office.sessions() as session:
        assert warnings(session, late + timedelta(hours=1)) == []


def test_a_long_list_of_missing_receipts_is_counted(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.ledger_warnings.NAMED", 1)
    _, newest = books.paid(), books.paid()
    with books.office.sessions() as session:
        first, rest = warnings(session, datetime.now(UTC) + timedelta(days=60))
    assert first.subject == newest
    assert rest.message.startswith("1 older")
