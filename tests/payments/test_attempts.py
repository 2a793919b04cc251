"""One attempt, whatever breaks between our books and Stripe: always exactly one transfer.

The points are those of docs/ledger.md: A the attempt is committed, B looked up, C sent, D recorded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.adapters.stripe_gateway import StripeGateway
from activities.contracts import TransferAnswer, TransferTask
from activities.payments import PaymentActivities
from activities.payments_port import TransferRequest
from domain.commands import OpenAttempt, SettleAttempt, TransferResult
from domain.ids import derived_id
from infra.tables import Payee, PayoutAttempt
from tests.records.finance import person
from tests.records.office import Office

Say = Callable[[str, dict[str, Any]], Any]


def attempt(
    payments: PaymentActivities, collaboration_id: str, try_number: int = 1, *, number: int = 1
) -> TransferAnswer:
    """The activity as a worker runs it, at its nth try."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=try_number)
    answer: TransferAnswer = environment.run(
        payments.transfer_payout, TransferTask(collaboration_id=collaboration_id, number=number)
    )
    return answer


def transfers(gateway: StripeGateway, collaboration_id: str) -> list[str]:
    """Ids of all transfers that exist for this payout."""
    payout_id = derived_id("payout", collaboration_id, 1)
    return [transfer.transfer_id for transfer in gateway.find_transfers(payout_id)]


def fault(say: Say, action: str) -> None:
    say("/_sim/faults", {"action": action, "method": "POST", "path": "/v1/transfers", "times": 1})


def test_undisturbed(payments: PaymentActivities, paying: str, gateway: StripeGateway) -> None:
    answer = attempt(payments, paying)
    assert answer.result is TransferResult.SENT
    assert transfers(gateway, paying) == [answer.transfer_id]


def test_killed_after_the_transfer_before_we_knew(
    payments: PaymentActivities, paying: str, gateway: StripeGateway
) -> None:
    first = attempt(payments, paying)
    again = attempt(payments, paying, try_number=2)
    assert again.transfer_id == first.transfer_id
    assert len(transfers(gateway, paying)) == 1


@pytest.mark.parametrize(
    "action",
    [
        "reset_after_commit",
        "http_500_after_commit",
        "timeout_after_commit",
        "reset_before_commit",
        "http_429",
    ],
)
def test_lost_answer_is_unknown_then_found(
    action: str, payments: PaymentActivities, paying: str, gateway: StripeGateway, simulator: Say
) -> None:
    fault(simulator, action)
    with pytest.raises(ApplicationError) as caught:
        attempt(payments, paying)
    assert caught.value.type == "outcome_unknown"
    answer = attempt(payments, paying, try_number=2)
    assert answer.result is TransferResult.SENT
    assert transfers(gateway, paying) == [answer.transfer_id]


def test_saved_500_is_found_by_look_up(
    payments: PaymentActivities, paying: str, gateway: StripeGateway, simulator: Say
) -> None:
    fault(simulator, "http_500_after_commit")
    with pytest.raises(ApplicationError):
        attempt(payments, paying)
    with pytest.raises(ApplicationError):
        attempt(payments, paying)  # the same key answers 500 for as long as Stripe keeps it
    assert attempt(payments, paying, try_number=3).result is TransferResult.SENT
    assert len(transfers(gateway, paying)) == 1


def test_twenty_five_hours_later_the_key_is_not_trusted(
    payments: PaymentActivities,
    paying: str,
    gateway: StripeGateway,
    simulator: Say,
    sessions: sessionmaker[Session],
) -> None:
    first = attempt(payments, paying)
    simulator("/_sim/clock", {"advance_seconds": 25 * 3600})
    with sessions.begin() as session:
        session.execute(update(PayoutAttempt).values(opened_at=PayoutAttempt.opened_at - timedelta(hours=25)))
    assert attempt(payments, paying).transfer_id == first.transfer_id
    assert len(transfers(gateway, paying)) == 1


def test_old_attempt_that_is_not_found_stays_unknown_and_is_not_sent(
    payments: PaymentActivities, paying: str, gateway: StripeGateway, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        session.execute(update(PayoutAttempt).values(opened_at=PayoutAttempt.opened_at - timedelta(hours=25)))
    answer = attempt(payments, paying)
    assert (answer.result, answer.reason) == (TransferResult.UNKNOWN, "key_too_old")
    assert transfers(gateway, paying) == []


def test_settled_attempt_answers_from_our_books(
    payments: PaymentActivities, paying: str, office: Office, gateway: StripeGateway
) -> None:
    sent = attempt(payments, paying)
    office.must(paying, SettleAttempt(result=sent.result, transfer_id=sent.transfer_id))
    assert attempt(payments, paying) == sent
    assert office.balance(f"payout:{derived_id('payout', paying, 1)}:in_transit") == 0


def test_refusal_names_what_it_waits_for(
    payments: PaymentActivities, paying: str, gateway: StripeGateway, simulator: Say, office: Office
) -> None:
    with office.sessions() as session:
        destination = session.get_one(PayoutAttempt, (derived_id("payout", paying, 1), 1)).destination
    simulator(f"/_sim/accounts/{destination}/onboard", {"outcome": "due"})
    answer = attempt(payments, paying)
    assert (answer.result, answer.reason) == (TransferResult.REFUSED, "payee")
    assert transfers(gateway, paying) == []


def test_refusal_tells_us_what_a_lost_message_did_not(
    payments: PaymentActivities, paying: str, simulator: Say, office: Office
) -> None:
    with office.sessions() as session:
        destination = session.get_one(PayoutAttempt, (derived_id("payout", paying, 1), 1)).destination
    simulator(f"/_sim/accounts/{destination}/onboard", {"outcome": "due"})
    attempt(payments, paying)
    with office.sessions() as session:
        payee = session.scalars(select(Payee).where(Payee.stripe_account_id == destination)).one()
    assert not payee.can_receive  # so that the creator's page offers to set up the account again


def test_short_funds_are_a_refusal_that_waits_for_funds(
    payments: PaymentActivities, paying: str, gateway: StripeGateway, office: Office
) -> None:
    with office.sessions() as session:
        destination = session.scalars(select(PayoutAttempt.destination)).one()
    large = office.report(paying, destination=destination, amount=99_999_999)
    with office.sessions.begin() as session:
        session.execute(update(PayoutAttempt).values(amount=99_999_999, report_id=large))
    answer = attempt(payments, paying)
    assert (answer.result, answer.reason) == (TransferResult.REFUSED, "funds")


def second_attempt(office: Office, sessions: sessionmaker[Session], of: str) -> None:
    """Attempt 1 was unknown, a person said that it was never made, and attempt 2 is open."""
    office.must(of, SettleAttempt(result="unknown", reason="no_answer"))
    office.must(of, SettleAttempt(result="refused", reason="not_found_at_stripe"), person(office))
    with sessions() as session:
        account = session.scalars(
            select(PayoutAttempt.destination).where(PayoutAttempt.payout_id == derived_id("payout", of, 1))
        ).one()
    office.must(of, OpenAttempt(report_id=office.report(of, destination=account)))


def test_what_a_person_called_unpaid_and_was_paid_is_taken_over_not_sent_again(
    payments: PaymentActivities, paying: str, gateway: StripeGateway, office: Office,
    sessions: sessionmaker[Session],
) -> None:  # fmt: skip
    made = attempt(payments, paying).transfer_id
    second_attempt(office, sessions, paying)
    answer = attempt(payments, paying, number=2)
    assert (answer.result, answer.transfer_id) == (TransferResult.SENT, made)
    assert transfers(gateway, paying) == [made]


def test_another_transfer_of_this_payout_stops_the_next_attempt_and_asks_a_person(
    payments: PaymentActivities, paying: str, gateway: StripeGateway, office: Office,
    sessions: sessionmaker[Session],
) -> None:  # fmt: skip
    of = derived_id("payout", paying, 1)
    with sessions() as session:
        row = session.get_one(PayoutAttempt, (of, 1))
    odd = TransferRequest(
        payout_id=of, attempt=1, amount=row.amount - 1, currency=row.currency, destination=row.destination
    )
    assert gateway.create_transfer(odd).kind == "sent"
    second_attempt(office, sessions, paying)
    answer = attempt(payments, paying, number=2)
    assert (answer.result, answer.reason) == (TransferResult.UNKNOWN, "earlier_transfer")
    assert len(transfers(gateway, paying)) == 1
