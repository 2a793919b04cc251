"""What transfers were when they arrived: asked of a simulator that converts, kept once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError

from activities.adapters.stripe_answers import read_receipt
from activities.payments_port import Receipt, ReversalRequest
from activities.receipts import record_receipts
from domain.ledger import payout_id
from domain.money import Money
from domain.receipts import follows
from infra.ledger_check import check, trial_balance
from infra.tables import PayoutAttempt, TransferReceipt
from tests.payments.books import LATER, Books, gateway_to
from tests.records.office import FEE, Office
from tests.stripe.conftest import one_simulator, sim
from tests.stripe.simulator import Simulator

__all__ = ["one_simulator", "sim"]


@pytest.fixture
def books(office: Office, sim: Simulator) -> Books:
    made = Books(office, sim, gateway_to(sim))
    made.open()
    return made


def converting(books: Books, currency: str, rate: str) -> str:
    """A transfer that arrives in another currency."""
    books.sim.control(f"accounts/{books.account}/settle_in", currency=currency, rate=rate)
    return books.paid()


def receipts(books: Books) -> dict[str, tuple[int, str, str]]:
    with books.office.sessions() as session:
        rows = session.scalars(select(TransferReceipt))
        return {row.transfer_id: (row.amount, row.currency, row.exchange_rate) for row in rows}


def asked(books: Books) -> int:
    return record_receipts(books.office.sessions, books.gateway, lambda: None)


@pytest.mark.parametrize(
    ("currency", "rate", "amount"),
    [("eur", "0.917345", 20_182), ("jpy", "1.4937281", 32_862), ("kwd", "3.0712", 67_566)],
)
def test_what_arrived_is_kept_as_stripe_says_it_once(
    books: Books, currency: str, rate: str, amount: int
) -> None:
    transfer = converting(books, currency, rate)
    assert asked(books) == 1
    assert asked(books) == 0, "what is known is not asked again"
    assert receipts(books) == {transfer: (amount, currency.upper(), rate)}
    assert books.round().open_items == 0
    with books.office.sessions() as session:
        assert check(session) == []
        assert {line.currency for line in trial_balance(session)} == {"USD"}, "nothing is booked from it"


def test_what_was_not_converted_has_no_rate(books: Books) -> None:
    transfer = books.paid()
    assert asked(books) == 1
    assert receipts(books) == {transfer: (FEE.amount, "USD", "")}


def test_two_rounds_at_once_write_it_once(books: Books) -> None:
    converting(books, "eur", "0.9")
    both = [threading.Thread(target=asked, args=(books,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(receipts(books)) == 1


def test_what_stripe_does_not_know_yet_is_asked_for_again(books: Books) -> None:
    transfer = converting(books, "eur", "0.9")
    found = books.gateway.receipt

    class Late:
        """Stripe, which has no row of the payment yet."""

        def receipt(self, _: str) -> None:
            return None

    assert record_receipts(books.office.sessions, Late(), lambda: None) == 0  # type: ignore[arg-type]
    assert receipts(books) == {}
    assert asked(books) == 1
    assert found(transfer) is not None


def test_a_transfer_that_stripe_does_not_know_stops_no_round(books: Books) -> None:
    """One is gone at Stripe; the other one's receipt is written all the same, and again nothing fails."""
    gone, there = converting(books, "eur", "0.9"), books.paid()
    books.sim.control(f"transfers/{gone}/delete")
    assert books.gateway.receipt(gone) is None
    assert asked(books) == 1
    assert set(receipts(books)) == {there}
    assert asked(books) == 0


def test_an_account_that_nobody_may_see_any_more_has_no_receipt(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = converting(books, "eur", "0.9")

    def refused(*_: object) -> None:
        raise stripe.PermissionError("no access to this account", code="account_invalid")

    monkeypatch.setattr(books.gateway._client.v1.balance_transactions, "list", refused)
    assert books.gateway.receipt(transfer) is None
    assert asked(books) == 0
    assert receipts(books) == {}


def test_a_failure_leaves_what_was_written_and_is_told(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe does not answer for the second of two: the first stays, the next round has the rest."""
    converting(books, "eur", "0.9")
    books.paid()
    found, calls = books.gateway.receipt, []

    def once(transfer_id: str) -> Receipt | None:
        calls.append(transfer_id)
        if len(calls) == 2:
            raise stripe.APIConnectionError("no answer")
        return found(transfer_id)

    monkeypatch.setattr(books.gateway, "receipt", once)
    with pytest.raises(stripe.APIConnectionError):
        asked(books)
    assert len(receipts(books)) == 1
    assert asked(books) == 1
    assert len(calls) == len(set(calls)) + 1, "what was written is not asked again"
    assert len(receipts(books)) == 2


def test_one_round_asks_for_so_many_and_the_next_for_the_rest(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        books.paid()
    monkeypatch.setattr("activities.receipts.MOST", 2)
    assert [asked(books), asked(books), asked(books)] == [2, 1, 0]


def test_what_is_too_long_ago_is_not_asked_for(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.paid()
    monkeypatch.setattr("activities.receipts.ASKED_FOR", timedelta(0))
    assert asked(books) == 0
    monkeypatch.undo()
    assert asked(books) == 1


def test_what_does_not_follow_from_stripes_rate_is_a_difference_for_a_person(books: Books) -> None:
    transfer = converting(books, "eur", "0.9")
    with books.office.sessions.begin() as session:
        session.add(
            TransferReceipt(
                transfer_id=transfer,
                payout_id=session.scalars(
                    select(PayoutAttempt.payout_id).where(PayoutAttempt.stripe_transfer_id == transfer)
                ).one(),
                account=books.account,
                payment_id="py_1",
                row_id="txn_1",
                amount=19_000,
                currency="EUR",
                fee=0,
                exchange_rate="0.9",
                at=datetime.now(UTC),
            )
        )
    books.round(datetime.now(UTC) + LATER)
    assert books.lists("open") == [("amount_differs", f"receipt:{transfer}", 19_800, 19_000)]
    books.round(datetime.now(UTC) + LATER)
    assert len(books.lists("open")) == 1


def test_a_receipt_is_never_changed(books: Books) -> None:
    books.paid()
    asked(books)
    with books.office.sessions() as session:
        for change in (delete(TransferReceipt), text("UPDATE transfer_receipts SET amount = 1")):
            with pytest.raises(DBAPIError):
                session.execute(change)
            session.rollback()


def test_a_reversal_takes_back_at_the_rate_of_the_arrival(books: Books) -> None:
    transfer = converting(books, "eur", "0.5")
    books.sim.control(f"accounts/{books.account}/settle_in", currency="eur", rate="0.9")
    made = books.gateway.reverse_transfer(
        ReversalRequest(payout_id=payout_id("x"), number=1, transfer_id=transfer, amount=FEE.amount)
    )
    assert made.kind == "sent", made


@pytest.mark.parametrize("rate", [0.917345, 1.4937281, 0.000012, 16250.5, 1.0])
def test_the_rate_keeps_the_digits_that_stripe_wrote(rate: float) -> None:
    row = {"id": "txn", "amount": 1, "currency": "eur", "fee": 0, "created": 0, "exchange_rate": rate}
    said = read_receipt("tr", "acct", "py", row).exchange_rate
    assert float(said) == rate
    assert "e" not in said.lower()


@pytest.mark.parametrize(
    ("sent", "rate", "arrived", "good"),
    [
        (("USD", 22_000), "0.917345", ("EUR", 20_182), True),
        (("USD", 22_000), "0.917345", ("EUR", 20_181), True),
        (("USD", 22_000), "0.917345", ("EUR", 20_180), False),
        (("USD", 22_000), "149.37", ("JPY", 32_861), True),
        (("USD", 22_000), "1.4937", ("JPY", 32_861), True),
        (("USD", 22_000), "0.30712", ("KWD", 67_566), True),
        (("USD", 22_000), "", ("USD", 22_000), True),
        (("USD", 22_000), "", ("EUR", 22_000), False),
    ],
)
def test_a_rate_may_be_read_between_minor_or_major_units(
    sent: tuple[str, int], rate: str, arrived: tuple[str, int], good: bool
) -> None:
    left, right = (Money(amount=amount, currency=currency) for currency, amount in (sent, arrived))
    assert follows(left, rate, right) == good
