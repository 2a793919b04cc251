"""Points of the payment protocol with faults of each sort: one transfer, and a zero trial balance.

What a user may count on: wherever a worker dies, whatever Stripe answers, however its messages come and
however often people click, a payment is made once, money is taken back once, and what was paid elsewhere is
not paid here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cryptography.fernet import Fernet

from domain.commands import (
    ApproveClawback,
    ApproveOffPlatform,
    Reassess,
    RecordOffPlatform,
    RequestClawback,
    SettleAttempt,
    SettleClawback,
)
from domain.ledger import payout_id
from infra.database import engine_at, make_sessions
from infra.ledger_check import check, trial_balance
from infra.settings import settings_from
from infra.tables import PayoutAttempt
from infra.temporal import connect
from infra.vault import Vault
from tests.conftest import RunningStack, register_namespace
from tests.faults.cells import Cell, cells, gaps
from tests.faults.saboteur import Script
from tests.faults.till import Standing, Till, simulator_gateway
from tests.records.finance import approve, document
from tests.records.office import Office
from tests.stripe.conftest import own_sim
from tests.stripe.simulator import Simulator

__all__ = ["own_sim"]

SEED = int(os.environ.get("HANDSEL_FAULT_SEED", "7"))
TAKEN_BACK = 10_000
AT_ONCE = 24
"""Cells under way together."""


# --- what people do -------------------------------------------------------------------------------------


async def _approvals(till: Till, of: str, hands: str, people: list[Any]) -> None:
    """Two approvals, given in this cell's manner."""
    first, second, third = people
    if hands == "double_click":
        await till.click_twice(of, approve(of), first)
        await till.click_twice(of, approve(of), second)
    elif hands == "at_once":
        await asyncio.gather(*(till.say(of, approve(of), who) for who in (first, second, third)))
    else:
        await till.say(of, approve(of), first)
        await till.say(of, approve(of), second)


async def pay(till: Till, of: str, cell: Cell) -> None:
    """Approve the payment and wait until it is made; settle by hand what nobody can know."""
    await till.begin(of)
    await _approvals(till, of, cell.hands, till.people[:3])
    standing = await till.until(of, _paid_or_unknown)
    if standing.stage != "completed":
        settled = SettleAttempt(result="refused", reason="looked_up")
        if await till.say(of, settled, till.people[0]) is not None:
            till.settled_by_persons += 1
            till.saboteur.scripts[of].blind.clear()
            await till.say(of, Reassess(), till.people[0])
            await _approvals(till, of, "one_by_one", till.people[1:4])
        await till.until(of, lambda now: now.stage == "completed")
    await till.say(of, approve(of), till.people[4])  # somebody with an old page


def _paid_or_unknown(now: Standing) -> bool:
    return now.stage == "completed" or now.attention == "outcome_unknown"


async def take_back(till: Till, of: str, cell: Cell, number: int = 1) -> None:
    """One asks, another approves, Stripe is told; asked again only when a person settled it as never made."""
    ask = RequestClawback(payout_id=payout_id(of), amount=TAKEN_BACK, reason="post_deleted")
    grant = ApproveClawback(number=number)
    mo, ida, eve = till.people[:3]
    if cell.hands == "double_click":
        await till.click_twice(of, ask, mo)
        await till.click_twice(of, grant, ida)
    elif cell.hands == "at_once":
        await till.say(of, ask, mo)
        await asyncio.gather(till.say(of, grant, mo), till.say(of, grant, ida), till.say(of, grant, eve))
    else:
        await till.say(of, ask, mo)
        await till.say(of, grant, ida)
    standing = await till.until(of, lambda now: now.clawbacks >= number and now.clawback in ("", "unknown"))
    if standing.clawback == "unknown":
        refused = SettleClawback(number=number, result="refused", reason="looked_up")
        if await till.say(of, refused, mo) is not None:
            till.settled_by_persons += 1
            await take_back(till, of, Cell("clawback", "nowhere"), number + 1)


async def pay_elsewhere(till: Till, of: str, cell: Cell) -> None:
    """One reports with a document, others approve that or, in the same moment, the payment itself."""
    await till.begin(of)
    report = RecordOffPlatform(payout_id=payout_id(of), document_id=document(till.office, of), method="cash")
    close = ApproveOffPlatform(payout_id=payout_id(of))
    mo, ida, eve, max_ = till.people[:4]
    if cell.hands == "double_click":
        await till.click_twice(of, report, mo)
        await till.click_twice(of, close, ida)
    elif cell.hands == "at_once":
        await asyncio.gather(
            till.say(of, report, mo), till.say(of, approve(of), ida), till.say(of, approve(of), eve)
        )
        await asyncio.gather(till.say(of, close, ida), till.say(of, close, eve), till.say(of, close, max_))
    else:
        await till.say(of, report, mo)
        await till.say(of, close, ida)
    await till.until(of, lambda now: now.stage == "completed")


DEEDS = {"payment": pay, "clawback": take_back, "elsewhere": pay_elsewhere}


# --- the run ------------------------------------------------------------------------------------------------


async def _all(till: Till, plan: dict[str, Cell]) -> None:
    for of, cell in plan.items():
        till.arm(of, cell)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(of: str, cell: Cell) -> None:
        async with turn:
            await DEEDS[cell.kind](till, of, cell)

    await _each([one(of, cell) for of, cell in plan.items()])


async def _all_with_a_gap(till: Till, plan: dict[str, Cell]) -> None:
    """Everybody dies at their point; then it is the next day, for all of them."""
    scripts: dict[str, Script] = {of: till.arm(of, cell) for of, cell in plan.items()}

    async def next_day() -> None:
        end = time.monotonic() + 20
        while not all(script.died.is_set() for script in scripts.values()):
            assert time.monotonic() < end, [s.cell.name for s in scripts.values() if not s.died.is_set()]
            await asyncio.sleep(0.1)
        await asyncio.to_thread(till.a_day_passes, scripts)

    await _each([next_day(), *(DEEDS[cell.kind](till, of, cell) for of, cell in plan.items())])


async def _each(deeds: list[Coroutine[Any, Any, None]]) -> None:
    """All at once; every failure is told, not only the first."""
    failed = [one for one in await asyncio.gather(*deeds, return_exceptions=True) if one is not None]
    assert not failed, "\n".join(f"{type(one).__name__}: {one}" for one in failed)


class Matrix:
    """Which cell each collaboration lives through, and what came of it."""

    def __init__(self, seed: int) -> None:
        self.payments, self.payments_late = cells("payment", seed), gaps("payment")
        self.clawbacks, self.clawbacks_late = cells("clawback", seed), gaps("clawback")
        self.elsewhere = cells("elsewhere", seed)
        self.lines: dict[str, Counter[str]] = defaultdict(Counter)
        self.wrong: list[str] = []

    @property
    def size(self) -> int:
        """How many collaborations it needs: a clawback is of a payment that was made."""
        paid = max(len(self.payments) + len(self.payments_late), len(self.clawbacks + self.clawbacks_late))
        return paid + len(self.elsewhere)

    async def play(self, till: Till, every: list[str]) -> None:
        """All of it."""
        spare = iter(every)
        paid = {next(spare): cell for cell in self.payments}
        late = {next(spare): cell for cell in self.payments_late}
        elsewhere = {next(spare): cell for cell in self.elsewhere}
        plain = {of: Cell("payment", "nowhere") for of in spare}
        await _all(till, paid | elsewhere | plain)
        await asyncio.to_thread(self._count, till, paid | elsewhere)
        done = [*paid, *plain]
        back = dict(zip(done, self.clawbacks, strict=False))
        back_late = dict(zip(done[len(back) :], self.clawbacks_late, strict=False))
        await _all(till, back)
        await _all_with_a_gap(till, late | back_late)
        till.postman.bring_the_rest()
        await asyncio.sleep(1)
        await asyncio.to_thread(self._count, till, back | late | back_late)

    def _count(self, till: Till, plan: dict[str, Cell]) -> None:
        for of, cell in plan.items():
            found = till.transfers(of)
            line = self.lines[f"{cell.kind}{' 25 hours' if cell.gap else ''}"]
            line["cells"] += 1
            line["transfers"] += len(found)
            line["doubled"] += max(0, len(found) - 1)
            if cell.kind == "clawback":
                line["reversals"] += found[0][2]
                line["doubled"] += max(0, found[0][2] - 1)
            died = till.saboteur.scripts[of].died.is_set()
            if cell.point != "nowhere" and not died:
                self.wrong.append(f"{cell.name}: never died")
            self._judge(till, of, cell, found)

    def _judge(self, till: Till, of: str, cell: Cell, found: list[tuple[str, int, int]]) -> None:
        paid = till.payout_state(of) in ("sent", "confirmed")
        if len(found) != int(paid) or (cell.kind == "payment" and not paid):
            self.wrong.append(f"{cell.name}: {till.payout_state(of)} with {len(found)} transfers")
        if cell.kind == "clawback" and [one[1:] for one in found] != [(TAKEN_BACK, 1)]:
            self.wrong.append(f"{cell.name}: taken back {found}")

    def table(self) -> str:
        """The counts, for people."""
        rows = [f"{'':<22}{'cells':>7}{'transfers':>11}{'reversals':>11}{'doubled':>9}"]
        for kind, line in sorted(self.lines.items()):
            rows.append(
                f"{kind:<22}{line['cells']:>7}{line['transfers']:>11}{line['reversals']:>11}{line['doubled']:>9}"
            )
        return "\n".join(rows)


@pytest.fixture
def till_settings(stack: RunningStack, fresh_database_url: str, own_sim: Simulator) -> Any:
    database = fresh_database_url.rpartition("/")[2]
    namespace = f"{stack.variables['TEMPORAL_NAMESPACE']}-faults"
    register_namespace(stack.variables["TEMPORAL_ADDRESS"], namespace)
    return settings_from(
        stack.variables
        | {
            "HANDSEL_DATABASE_URL": stack.variables["HANDSEL_DATABASE_URL"].rpartition("/")[0]
            + f"/{database}",
            "TEMPORAL_NAMESPACE": namespace,
            "STRIPE_API_BASE": own_sim.base,
        }
    )


@pytest.mark.faults
@pytest.mark.stack
@pytest.mark.timeout(900)
async def test_one_transfer_whatever_breaks(
    till_settings: Any, own_sim: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    began = time.monotonic()
    engine = engine_at(till_settings.database_url, pool=20, overflow=60)
    office = Office(make_sessions(engine), Vault(Fernet.generate_key().decode()))
    matrix = Matrix(SEED)
    client = await connect(till_settings)
    till = Till(office, own_sim, simulator_gateway(own_sim), client, till_settings)
    every = await asyncio.to_thread(till.open, matrix.size)
    opened = time.monotonic()
    async with AsyncExitStack() as stack:
        await till.working(stack)
        await matrix.play(till, every)
    with office.sessions() as session:
        problems = check(session)
        balance = sum(line.amount for line in trial_balance(session))
        unpassed = session.query(PayoutAttempt).filter(PayoutAttempt.report_id.is_(None)).count()
    engine.dispose()
    with capsys.disabled():
        print(f"\nfault matrix of money (seed {SEED}, {time.monotonic() - began:.0f} s,", end=" ")
        print(f"{opened - began:.0f} s of them to prepare)\n{matrix.table()}")
        print(f"came second and were told why: {dict(till.refusals)}")
        print(f"settled by a person: {till.settled_by_persons}; messages: {dict(till.postman.brought)}")
    assert matrix.wrong == [], "\n".join(matrix.wrong)
    assert problems == []
    assert (balance, unpassed) == (0, 0)
