"""Whole runs against Stripe: at the pace that Stripe allows, two at once, killed between any two steps."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from temporalio import workflow
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

import infra.worker
from activities.adapters.stripe_gateway import StripeGateway
from activities.contracts import TRANSFER_PAYOUT, GateTask, TransferAnswer, TransferTask
from activities.gates import report
from activities.paying_balance import forget, remember
from activities.payments import PaymentActivities
from domain.commands import OpenAttempt, SettleAttempt
from domain.errors import Defect, Refused
from domain.ledger import payout_id
from domain.stages import Stage
from infra.settings import Settings
from infra.tables import PayoutRunRow
from infra.temporal import connect
from infra.worker import make_worker
from tests.records.finance import waiting
from tests.records.office import FEE, Office
from tests.stripe.conftest import own_sim
from tests.stripe.simulator import KEY, Simulator
from workflows.options import TRANSFER

__all__ = ["own_sim"]

STRIPES_LIMIT = 25
"""Calls a second of a sandbox; live accounts have four times as many (https://docs.stripe.com/rate-limits)."""


@pytest.fixture
def bank(own_sim: Simulator) -> Simulator:
    """A Stripe of this test's own: nobody else spends its balance."""
    return own_sim


@pytest.fixture
def here(settings: Settings, own_database_url: str, bank: Simulator) -> Settings:
    changed = {"database_url": own_database_url, "stripe_api_base": bank.base, "stripe_api_key": KEY}
    return settings.model_copy(update=changed)


@pytest.fixture
def till(here: Settings) -> StripeGateway:
    return StripeGateway(KEY, here.stripe_api_base, here.stripe_accounts_api, loopback_only=True)


def due(office: Office, till: StripeGateway, bank: Simulator, count: int) -> dict[str, str]:
    """Payments that nothing but money is in the way of, in the order in which they are due, with accounts."""
    office.clock = datetime.now(UTC) - timedelta(days=5 * count)
    office.open(stock=count, budget=count * FEE.amount)
    made = {waiting(office): "" for _ in range(count)}
    for of in made:
        account = till.create_account(of, "US", None, f"account:{of}")
        bank.control(f"accounts/{account}/onboard", outcome="active")
        office.payee(of, account)
        made[of] = account
    office.clock = datetime.now(UTC)
    return made


# --- at the pace that Stripe allows -------------------------------------------------------------------


@workflow.defn(name="PayAllAtOnce", sandboxed=False)
class PayAllAtOnce:
    """Asks for every transfer in the same moment, as the workflows do at the hour of the run."""

    @workflow.run
    async def run(self, queue: str, tasks: list[TransferTask]) -> list[TransferAnswer]:
        """All transfers, on this queue."""
        options = {**TRANSFER, "task_queue": queue}
        running = [
            workflow.start_activity(TRANSFER_PAYOUT, task, result_type=TransferAnswer, **options)  # type: ignore[misc] # the table's own options
            for task in tasks
        ]
        return [await one for one in running]


async def test_two_workers_together_stay_within_stripes_limit(
    office: Office,
    here: Settings,
    till: StripeGateway,
    bank: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count, queue = 60, f"payments-{uuid4().hex}"
    made = due(office, till, bank, count)
    for of, account in made.items():
        office.must(of, OpenAttempt(report_id=office.report(of, destination=account)))
    bank.control("fund", amount=count * FEE.amount, currency="usd")
    bank.control("settings", rate_per_second=STRIPES_LIMIT)
    monkeypatch.setattr(infra.worker, "PAYMENTS_QUEUE", queue)
    client = await connect(here)
    async with AsyncExitStack() as workers:
        for _ in range(2):
            await workers.enter_async_context(make_worker(here, await connect(here), queue))
        asking = Worker(client, task_queue=f"{queue}-flow", workflows=[PayAllAtOnce])
        await workers.enter_async_context(asking)
        tasks = [TransferTask(collaboration_id=of, number=1) for of in made]
        began = time.monotonic()
        handle = await client.start_workflow(
            "PayAllAtOnce", args=[queue, tasks], id=queue, task_queue=f"{queue}-flow", result_type=list[Any]
        )
        answers = await handle.result()
        took = time.monotonic() - began
    history = await handle.fetch_history()
    tries = [
        event.activity_task_started_event_attributes.attempt
        for event in history.events
        if event.HasField("activity_task_started_event_attributes")
    ]
    assert len(answers) == count
    assert Counter(tries) == {1: count}, f"Stripe answered 429 and was asked again, in {took:.1f} s"
    assert took >= (count - STRIPES_LIMIT) / here.payment_rate
    print(f"{count} transfers in {took:.1f} s")


# --- two at once, killed anywhere ---------------------------------------------------------------------


class Killed(Exception):
    """The worker is gone; what was committed stays."""


class Walker:
    """One worker that carries payments on, step by step, and dies between two steps now and then."""

    def __init__(self, office: Office, payments: PaymentActivities, seed: int) -> None:
        self._office, self._payments, self._dice = office, payments, random.Random(seed)
        self.deaths = 0

    def walk(self, made: list[str], rounds: int) -> None:
        for _ in range(rounds):
            for of in self._dice.sample(made, len(made)):
                try:
                    self.step(of)
                except Killed:
                    self.deaths += 1
                except (Defect, Refused):
                    continue  # the other one was faster: the record refuses what was decided before

    def step(self, of: str) -> None:
        """What a workflow does for a payment that is due, from wherever it stands."""
        state = self._office.state(of)
        self._office.clock = datetime.now(UTC)
        if state.stage is Stage.PAYABLE:
            task = GateTask(collaboration_id=of, sequence=state.sequence, currency="USD")
            answer = ActivityEnvironment().run(self._payments.assess_gates, task)
            self._maybe_die()
            if not answer.all_pass:
                return
            if self._office.give(of, OpenAttempt(report_id=answer.report_id)).refused:
                return
            self._maybe_die()
        if self._office.state(of).stage is Stage.PAYING:
            self._transfer(of)

    def _transfer(self, of: str) -> None:
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, attempt=2)  # it may be a try again
        task = TransferTask(collaboration_id=of, number=self._office.state(of).attempt)
        answer: TransferAnswer = environment.run(self._payments.transfer_payout, task)
        self._maybe_die()
        self._office.clock = datetime.now(UTC)
        settled = SettleAttempt(result=answer.result, transfer_id=answer.transfer_id, reason=answer.reason)
        self._office.give(of, settled)

    def _maybe_die(self) -> None:
        if self._dice.random() < 0.25:
            raise Killed


def go(walkers: list[Walker], made: list[str], rounds: int = 6) -> None:
    """All of them at once."""
    threads = [threading.Thread(target=one.walk, args=[made, rounds]) for one in walkers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def paid(till: StripeGateway, made: list[str]) -> list[int]:
    """How many transfers Stripe has for each."""
    return [len(till.find_transfers(payout_id(of))) for of in made]


def test_two_runs_at_once_that_die_between_any_steps_pay_nobody_twice(
    office: Office, here: Settings, till: StripeGateway, bank: Simulator, sessions: sessionmaker[Session]
) -> None:
    made = list(due(office, till, bank, 8))
    bank.control("fund", amount=5 * FEE.amount + 1, currency="usd")
    walkers = [Walker(office, PaymentActivities(sessions, till, here), seed) for seed in range(2)]
    calm = Walker(office, PaymentActivities(sessions, till, here), 7)
    calm._maybe_die = lambda: None  # type: ignore[method-assign] # it lives
    for of in made[::-1]:  # everybody has a place before the first is paid, who is due last looks first
        office_looks(office, sessions, of)
    go(walkers, made)
    forget(sessions)
    calm.walk(made, 2)
    assert paid(till, made) == [1, 1, 1, 1, 1, 0, 0, 0], "those that are due first, and each once"
    with sessions() as session:
        run = session.scalars(select(PayoutRunRow)).one()
    assert (run.state, run.due_count, run.paid_count) == ("parked", 8, 5)
    assert (run.parked_count, run.shortage) == (3, 3 * FEE.amount - 1)
    bank.control("fund", amount=3 * FEE.amount, currency="usd")
    forget(sessions)
    go(walkers, made)
    forget(sessions)
    calm.walk(made, 2)
    assert paid(till, made) == [1] * 8
    with sessions() as session:
        run = session.scalars(select(PayoutRunRow)).one()
    assert (run.state, run.paid_count, run.paid_total) == ("finished", 8, 8 * FEE.amount)
    assert sum(one.deaths for one in walkers) > 5, "they have to have died, or nothing was tried"


def office_looks(office: Office, sessions: sessionmaker[Session], of: str) -> None:
    """Take a place while the balance is known to be empty."""
    remember(sessions, "USD", 0, datetime.now(UTC) - timedelta(hours=1))
    assert not report(sessions, of, office.state(of).sequence).all_pass
    forget(sessions)


@pytest.mark.parametrize("seconds", [3, 10, 29])
def test_nothing_is_parked_by_a_look_from_before_the_top_up(
    office: Office,
    till: StripeGateway,
    bank: Simulator,
    here: Settings,
    sessions: sessionmaker[Session],
    seconds: int,
) -> None:
    (of,) = due(office, till, bank, 1)
    bank.fund(FEE.amount)
    remember(sessions, "USD", 0, datetime.now(UTC) - timedelta(seconds=seconds))
    task = GateTask(collaboration_id=of, sequence=office.state(of).sequence, currency="USD")
    answer = ActivityEnvironment().run(PaymentActivities(sessions, till, here).assess_gates, task)
    assert (answer.all_pass, answer.flag) == (True, "")
