"""Money asked back, whatever a person said of an earlier try: never more is taken than the books know of."""

from __future__ import annotations

import dataclasses

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clawbacks import ClawbackActivities
from activities.contracts import ClawbackTask, TransferAnswer
from domain.commands import (
    ApproveClawback,
    ConfirmTransfer,
    RecordReversal,
    RequestClawback,
    SettleClawback,
    TransferResult,
)
from domain.ledger import payout_id
from domain.roles import Actor
from infra.ledger_check import check
from tests.payments.books import Books, gateway_to
from tests.records.finance import person
from tests.records.office import STRIPE, Office
from tests.stripe.conftest import one_simulator, sim
from tests.stripe.simulator import Simulator

__all__ = ["one_simulator", "sim"]
AMOUNT = 5_000


@pytest.fixture
def books(office: Office, sim: Simulator) -> Books:
    made = Books(office, sim, gateway_to(sim))
    made.open()
    return made


@pytest.fixture
def paid(books: Books) -> str:
    """A collaboration whose transfer Stripe confirmed."""
    of = books.paying()
    transfer = books.transfer(of)
    books.office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=transfer), STRIPE)
    return of


def approved(books: Books, of: str, people: tuple[Actor, Actor]) -> int:
    """A clawback that one person asked for and another approved; its number."""
    asks, decides = people
    books.office.must(
        of, RequestClawback(payout_id=payout_id(of), amount=AMOUNT, reason="post_deleted"), asks
    )
    number = books.office.state(of).clawbacks
    books.office.must(of, ApproveClawback(number=number), decides)
    return number


def taken(books: Books, of: str, number: int, try_number: int = 1) -> TransferAnswer:
    """The activity as a worker runs it, at its nth try."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=try_number)
    activities = ClawbackActivities(books.office.sessions, books.gateway)
    answer: TransferAnswer = environment.run(
        activities.take_back, ClawbackTask(collaboration_id=of, part=1, number=number)
    )
    return answer


def reversed_at_stripe(books: Books, of: str) -> int:
    (transfer,) = books.gateway.find_transfers(payout_id(of))
    return transfer.amount_reversed


@pytest.fixture
def people(office: Office) -> tuple[Actor, Actor]:
    return person(office), person(office)


def test_a_worker_that_died_after_the_call_finds_its_reversal(
    books: Books, paid: str, people: tuple[Actor, Actor]
) -> None:
    number = approved(books, paid, people)
    first = taken(books, paid, number)
    assert first.result is TransferResult.SENT
    assert taken(books, paid, number, try_number=2).transfer_id == first.transfer_id
    assert taken(books, paid, number).transfer_id == first.transfer_id, "even if it looks like a first try"
    assert reversed_at_stripe(books, paid) == AMOUNT


def test_what_a_person_called_never_taken_and_was_is_not_taken_twice(
    books: Books, paid: str, people: tuple[Actor, Actor]
) -> None:
    number = approved(books, paid, people)
    assert taken(books, paid, number).result is TransferResult.SENT
    books.office.must(paid, SettleClawback(number=number, result="unknown", reason="no_answer"))
    books.office.must(paid, SettleClawback(number=number, result="refused", reason="not_found"), people[0])
    second = approved(books, paid, people)
    answer = taken(books, paid, second)
    assert (answer.result, answer.reason) == (TransferResult.UNKNOWN, "reversal_unrecorded")
    assert reversed_at_stripe(books, paid) == AMOUNT


def test_what_is_recorded_does_not_stop_the_next_clawback(
    books: Books, paid: str, people: tuple[Actor, Actor]
) -> None:
    """The earlier one became known by Stripe's message, as money that came back without us."""
    number = approved(books, paid, people)
    taken(books, paid, number)
    books.office.must(paid, SettleClawback(number=number, result="unknown", reason="no_answer"))
    books.office.must(paid, SettleClawback(number=number, result="refused", reason="not_found"), people[0])
    (transfer,) = books.gateway.find_transfers(payout_id(paid))
    books.office.must(
        paid,
        RecordReversal(
            payout_id=payout_id(paid), transfer_id=transfer.transfer_id, total=transfer.amount_reversed
        ),
        STRIPE,
    )
    second = approved(books, paid, people)
    answer = taken(books, paid, second)
    assert answer.result is TransferResult.SENT
    books.office.must(paid, SettleClawback(number=second, result="sent", reversal_id=answer.transfer_id))
    assert reversed_at_stripe(books, paid) == 2 * AMOUNT
    with books.office.sessions() as session:
        assert check(session) == []
