"""Payout runs: due first is paid first, short money parks the rest, and nothing counts twice."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from activities.gates import report
from activities.paying_balance import forget, remember
from domain.commands import HoldPayout, OpenAttempt, SettleAttempt
from domain.ledger import payout_id
from domain.stages import Attention
from infra.tables import Brand, PayingBalance, Payout, PayoutAttempt, PayoutRunItem, PayoutRunRow
from tests.records.finance import gates, set_rules, waiting
from tests.records.office import BRAND, FEE, Office

A = FEE.amount
DAILY: dict[str, Any] = {"run": {"when": "daily", "at": "10:00"}}


@pytest.fixture
def line(office: Office) -> list[str]:
    """Three payments, the one that is due first is the last in the list."""
    office.open()
    made = [waiting(office) for _ in range(3)]
    return made[::-1]


def have(office: Office, amount: int, ago: float = 0) -> None:
    """The balance as just seen."""
    remember(office.sessions, "USD", amount, datetime.now(UTC) - timedelta(seconds=ago))


def run_of(office: Office) -> PayoutRunRow:
    with office.sessions() as session:
        return session.scalars(select(PayoutRunRow).where(PayoutRunRow.ended_at.is_(None))).one()


def figures(run: PayoutRunRow) -> tuple[str, int, int, int, int]:
    return run.state, run.due_count, run.paid_count, run.parked_count, run.shortage


def funds(office: Office, of: str) -> dict[str, Any]:
    found: dict[str, Any] = gates(office, of)[1]["funds_available"]
    return found


def attempt(office: Office, of: str) -> None:
    report_id, found = gates(office, of)
    assert found["funds_available"]["result"] == "pass", found["funds_available"]["detail"]
    office.must(of, OpenAttempt(report_id=report_id))


def pay(office: Office, of: str) -> None:
    attempt(office, of)
    office.clock = datetime.now(UTC)
    office.must(of, SettleAttempt(result="sent", transfer_id=f"tr_{of}"))


def all_join(office: Office, line: list[str]) -> None:
    """Each has looked once, in the wrong order, while there was nothing."""
    have(office, 0)
    for of in line:
        assert funds(office, of)["result"] == "waiting"


# --- order and shortage ------------------------------------------------------------------------------


def test_whoever_is_due_first_gets_the_money_whoever_looks_first(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, 2 * A)
    results = {of: funds(office, of)["result"] for of in line}
    assert [results[of] for of in line] == ["waiting", "pass", "pass"]


def test_the_gate_names_the_place_and_what_the_whole_run_lacks(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, A + 1)
    assert funds(office, line[0])["detail"] == (
        "Place 3 of 3 in the payout run; the paying balance lacks USD 439.99 for this fee, "
        "and USD 439.99 for the whole run."
    )
    assert "Place 2 of 3" in (second := funds(office, line[1]))["detail"]
    assert "USD 219.99 for this fee, and USD 439.99" in second["detail"]
    run = run_of(office)
    assert figures(run) == ("parked", 3, 0, 2, 2 * A - 1)
    assert (run.due_total, run.balance_seen) == (3 * A, A + 1)


def test_a_small_one_does_not_overtake(office: Office, line: list[str]) -> None:
    all_join(office, line)
    first = line[-1]
    with office.sessions.begin() as session:
        item = PayoutRunItem.payout_id == payout_id(first)
        session.execute(update(PayoutRunItem).where(item).values(amount=5 * A))
    have(office, 2 * A)
    assert funds(office, line[0])["result"] == "waiting"


def test_a_top_up_lets_the_rest_go_and_the_run_ends(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, A)
    pay(office, line[2])
    have(office, 0)
    funds(office, line[0])
    assert figures(run_of(office)) == ("parked", 3, 1, 2, 2 * A)
    run_id = run_of(office).id
    have(office, 2 * A)
    pay(office, line[0])
    pay(office, line[1])
    with office.sessions() as session:
        run = session.get_one(PayoutRunRow, run_id)
    assert figures(run) == ("finished", 3, 3, 0, 0)
    assert (run.paid_total, run.told_at) == (3 * A, None)
    assert run.ended_at is not None


def test_what_was_sent_since_the_look_is_not_spent_again(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, 2 * A)
    office.clock = datetime.now(UTC)
    pay(office, line[2])
    pay(office, line[1])
    waits = funds(office, line[0])
    assert (waits["result"], waits["waiting_on"]) == ("waiting", "finance")


def test_money_under_way_that_the_look_may_know_is_waited_for(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, 3 * A)
    office.clock = datetime.now(UTC)
    attempt(office, line[2])
    have(office, 2 * A)  # seen while the first is with Stripe: gone already, or not yet
    assert funds(office, line[1])["result"] == "pass"
    waits = funds(office, line[0])
    assert (waits["result"], waits["waiting_on"]) == ("waiting", "time")
    assert figures(run_of(office))[3:] == (0, 0), "what is not certain is not told to anybody"


def test_money_that_was_promised_is_not_promised_twice(office: Office, line: list[str]) -> None:
    last, middle, first = line
    have(office, A)
    assert funds(office, last)["result"] == "pass"  # alone in the line, and about to open its attempt
    assert funds(office, first)["result"] == "waiting"
    assert funds(office, middle)["result"] == "waiting"


def test_two_at_once_never_get_the_same_money(office: Office, line: list[str]) -> None:
    have(office, A)
    barrier = threading.Barrier(3)
    passed: list[str] = []

    def look(of: str) -> None:
        barrier.wait()
        if report(office.sessions, of, office.state(of).sequence).all_pass:
            passed.append(of)

    threads = [threading.Thread(target=look, args=[of]) for of in line]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(passed) == 1
    with office.sessions() as session:
        runs = session.scalars(select(PayoutRunRow)).all()
        items = session.scalars(select(PayoutRunItem)).all()
    assert [(run.due_count, run.parked_count) for run in runs] == [(3, 2)]
    assert len(items) == 3


# --- again, and out of order -------------------------------------------------------------------------


def test_a_look_that_is_made_again_counts_once(office: Office, line: list[str]) -> None:
    all_join(office, line)
    before = figures(run_of(office))
    for of in [*line, *line]:
        funds(office, of)
    assert figures(run_of(office)) == before == ("parked", 3, 0, 3, 3 * A)


def test_killed_between_the_promise_and_the_attempt(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, A)
    assert funds(office, line[2])["result"] == "pass"
    pay(office, line[2])  # looks again, as the workflow does that finds no attempt
    with office.sessions() as session:
        attempts = session.scalars(select(PayoutAttempt)).all()
    assert [one.state for one in attempts] == ["sent"]
    assert figures(run_of(office))[1:3] == (3, 1)


def test_a_held_payment_leaves_the_line_and_comes_back(office: Office, line: list[str]) -> None:
    all_join(office, line)
    first = line[2]
    office.must(first, HoldPayout(reason="looks_odd"), BRAND)
    gates(office, first)
    have(office, 2 * A)
    assert [funds(office, of)["result"] for of in line[:2]] == ["pass", "pass"]
    assert figures(run_of(office)) == ("open", 2, 0, 0, 0)


def test_want_of_money_at_stripe_keeps_the_place_and_doubts_the_balance(
    office: Office, line: list[str], sessions: sessionmaker[Session]
) -> None:
    all_join(office, line)
    have(office, 3 * A)
    attempt(office, line[2])
    office.must(line[2], SettleAttempt(result="refused", reason="funds"))
    assert office.state(line[2]).attention is Attention.FUNDS_SHORT
    with sessions() as session:
        assert session.get_one(PayingBalance, "USD").available is None
    assert figures(run_of(office))[1:3] == (3, 0)
    have(office, A)
    assert funds(office, line[0])["result"] == "waiting", "the one that was refused is still before it"


def test_a_refusal_that_needs_a_person_stops_nobody_else(office: Office, line: list[str]) -> None:
    all_join(office, line)
    have(office, 2 * A)
    attempt(office, line[2])
    office.must(line[2], SettleAttempt(result="refused", reason="account_closed"))
    assert [funds(office, of)["result"] for of in line[:2]] == ["pass", "pass"]
    assert figures(run_of(office)) == ("open", 2, 0, 0, 0)


def test_a_lost_answer_keeps_the_run_open(office: Office, line: list[str]) -> None:
    have(office, A)
    attempt(office, line[2])
    office.must(line[2], SettleAttempt(result="unknown"))
    assert figures(run_of(office))[:3] == ("open", 1, 0)


def test_an_unknown_balance_lets_only_who_is_alone_try(office: Office, line: list[str]) -> None:
    assert funds(office, line[0])["result"] == "pass"
    waits = funds(office, line[1])
    assert (waits["result"], waits["waiting_on"]) == ("waiting", "time")


def test_new_funds_make_the_known_balance_old(office: Office, line: list[str]) -> None:
    all_join(office, line)
    forget(office.sessions)
    waits = funds(office, line[0])
    assert waits["waiting_on"] == "time"
    assert figures(run_of(office)) == ("parked", 3, 0, 3, 3 * A), "parked until somebody has looked"


def test_an_older_look_does_not_replace_a_newer_one(office: Office, line: list[str]) -> None:
    del line
    have(office, 5)
    have(office, 7, ago=10)
    with office.sessions() as session:
        assert session.get_one(PayingBalance, "USD").available == 5


# --- the run of the day ------------------------------------------------------------------------------


def test_before_its_hour_a_payment_has_its_place_and_no_run(office: Office, line: list[str]) -> None:
    set_rules(office, DAILY)
    office.clock = datetime.now(UTC)
    with office.sessions.begin() as session:
        session.get_one(Brand, office.brand_id).zone = "Europe/Berlin"
    have(office, 0)
    for of in line:
        _earned_now(office, of)
        _, found = gates(office, of)
        assert found["in_payout_run"]["result"] == "waiting"
        assert found["funds_available"]["result"] == "pass"
    with office.sessions() as session:
        assert session.scalars(select(PayoutRunRow)).all() == []
        items = session.scalars(select(PayoutRunItem)).all()
    assert len(items) == 3
    assert all(one.due_at > datetime.now(UTC) for one in items)


def test_the_first_that_wakes_at_the_hour_sees_all_that_are_due(office: Office, line: list[str]) -> None:
    test_before_its_hour_a_payment_has_its_place_and_no_run(office, line)
    two_days = timedelta(days=2)
    with office.sessions.begin() as session:  # the hour has come
        session.execute(update(PayoutRunItem).values(due_at=PayoutRunItem.due_at - two_days))
    for of in line:
        _earned_now(office, of, ago=two_days)
    have(office, A)
    assert funds(office, line[0])["result"] == "waiting"
    assert figures(run_of(office)) == ("parked", 3, 0, 2, 2 * A)
    assert funds(office, line[2])["result"] == "pass"


def _earned_now(office: Office, of: str, ago: timedelta = timedelta()) -> None:
    """As if the fee had been earned now, and not on the office's own clock."""
    from infra.tables import Collaboration

    with office.sessions.begin() as session:
        row = session.get_one(Collaboration, of)
        row.state = row.state | {"payable_at": (datetime.now(UTC) - ago).isoformat()}
        assert session.get(Payout, payout_id(of)) is not None
