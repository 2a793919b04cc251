"""Where the fault matrix plays: an office with many payments, Stripe's simulator, and workers that die.

The workflows, the activities, the gateway, the inbox and the ledger are the real ones. The postman brings
Stripe's events to the front's own store in the manner of each cell; the people do what a finance team would.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.adapters.stripe_answers import snapshot_event
from activities.adapters.stripe_gateway import StripeGateway
from activities.contracts import PumpTask
from activities.inbox import InboxActivities
from activities.payments_port import WebhookEvent
from activities.record import write
from api.commands import StillWorking, give
from api.webhooks import store_stripe
from domain.commands import Command, RecordCheck, Request, SubmitPost
from domain.errors import Refused
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.offer import CampaignType
from domain.policy import Policy
from domain.roles import Actor
from domain.state import Snapshot
from infra.settings import Settings
from infra.tables import Clawback, Collaboration, Payout, PayoutAttempt
from tests.faults.cells import Cell
from tests.faults.saboteur import DAY_AND_MORE, Saboteur, Script
from tests.records.finance import TWO_APPROVALS, person, seen, set_rules
from tests.records.office import CREATOR, FEE, Office
from tests.stripe.simulator import KEY, WEB, Simulator
from workflows.collaboration import CollaborationWorkflow
from workflows.messages import COLLABORATION, COLLABORATIONS_QUEUE, PAYMENTS_QUEUE, collaboration_workflow_id

POLICY = Policy(needs_draft=False, retry_payment="2s", confirm_within="2s")
PEOPLE = 6
SLOTS = 48
TRANSFERS, REVERSALS = "/v1/transfers", "/v1/transfers/{}/reversals"


@dataclass(frozen=True)
class Standing:
    """What the brand's pages would show of one payment."""

    stage: str
    attention: str
    clawback: str
    clawbacks: int


@dataclass
class Till:
    """See the module."""

    office: Office
    sim: Simulator
    gateway: StripeGateway
    client: Client
    settings: Settings
    people: list[Actor] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    """Commands of people that came second, by what they were told."""
    settled_by_persons: int = 0
    standings: dict[str, Standing] = field(default_factory=dict)
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.saboteur = Saboteur(self.office.sessions, self.gateway, self.settings)
        self.postman = Postman(self)

    # --- before -------------------------------------------------------------------------------------

    def open(self, count: int) -> list[str]:
        """So many payable collaborations of creators with accounts, under the rule of two approvals."""
        office = self.office
        office.clock = datetime.now(UTC)
        office.open(CampaignType.PAID, stock=0, budget=count * FEE.amount)
        set_rules(office, TWO_APPROVALS)
        self.people = [person(office) for _ in range(PEOPLE)]
        self.sim.fund(count * FEE.amount * 2)
        every = office.invited_many(count, CampaignType.PAID, POLICY)
        self._together(office.yes_of_all(every))
        self._together(
            office.decided(of, SubmitPost(submission_id=office.submission(of)), CREATOR) for of in every
        )
        self._together(
            office.decided(of, RecordCheck(check_id=derived_id("disclosure_check", of, 1), outcome="pass"))
            for of in every
        )
        for of in every:
            self.accounts[of] = self.gateway.create_account(of, "US", None, f"account:{of}")
            self.sim.control(f"accounts/{self.accounts[of]}/onboard", outcome="active")
            office.payee(of, self.accounts[of])
            seen(office, of)
        return every

    def _together(self, changes: Iterable[Any]) -> None:
        ready = list(changes)
        with self.office.sessions.begin() as session:
            for change in ready:
                write(session, change)

    def arm(self, of: str, cell: Cell) -> Script:
        """Plan what will break in this cell from now on."""
        script = self.saboteur.scripts[of] = Script(cell)
        if cell.call != "clean":
            where: dict[str, Any] = {"path": TRANSFERS, "account": self.accounts[of]}
            if cell.kind == "clawback":
                where = {"path": REVERSALS.format(self.transfers(of)[0][0])}
            self.sim.control("faults", action=cell.call, method="POST", times=1, **where)
        if cell.wrong_word:
            script.blind.set()
        return script

    # --- while it plays -----------------------------------------------------------------------------

    async def working(self, stack: AsyncExitStack) -> None:
        """Both workers, which forget every workflow after each step, the inbox, the postman and the view."""
        await stack.enter_async_context(
            Worker(
                self.client,
                task_queue=COLLABORATIONS_QUEUE,
                workflows=[CollaborationWorkflow],
                activities=self.saboteur.recording,
                activity_executor=ThreadPoolExecutor(SLOTS),
                max_concurrent_activities=SLOTS,
                max_cached_workflows=1000,
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
        )
        await stack.enter_async_context(
            Worker(
                self.client,
                task_queue=PAYMENTS_QUEUE,
                activities=self.saboteur.paying,
                activity_executor=ThreadPoolExecutor(SLOTS),
                max_concurrent_activities=SLOTS,
            )
        )
        inbox = InboxActivities(
            self.office.sessions, self.client, asyncio.get_running_loop(), self.gateway, self.settings
        )
        over = threading.Event()

        def worked() -> None:
            while not over.is_set():
                ActivityEnvironment().run(inbox.work_inbox, PumpTask(seconds=1))

        def carried() -> None:
            while not over.wait(0.15):
                self.postman.round()

        def looked() -> None:
            while not over.wait(0.15):
                self.standings = self._standings()

        tasks = [asyncio.create_task(asyncio.to_thread(work)) for work in (worked, carried, looked)]

        async def end() -> None:
            over.set()
            await asyncio.gather(*tasks)

        stack.push_async_callback(end)

    def _standings(self) -> dict[str, Standing]:
        query = select(Collaboration.id, Collaboration.stage, Collaboration.attention, Collaboration.state)
        with self.office.sessions() as session:
            return {
                row.id: Standing(
                    row.stage,
                    row.attention or "",
                    row.state.get("clawback", ""),
                    row.state.get("clawbacks", 0),
                )
                for row in session.execute(query)
            }

    async def begin(self, of: str) -> None:
        """Somebody looks after this payment from now on."""
        await self.client.start_workflow(
            COLLABORATION,
            self.office.state(of),
            id=collaboration_workflow_id(of),
            task_queue=COLLABORATIONS_QUEUE,
        )

    async def until(self, of: str, holds: Callable[[Standing], bool], patience: float = 45) -> Standing:
        """Wait until this can be seen of it."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            standing = self.standings.get(of)
            if standing is not None and holds(standing):
                return standing
            await asyncio.sleep(0.1)
        cell = self.saboteur.scripts[of].cell
        raise AssertionError(f"{cell.name}: it stays {self.standings.get(of)}")

    async def say(self, of: str, command: Command, who: Actor, request_id: str = "") -> Snapshot | None:
        """Give one command as a page does, again until it is answered; None when it is refused."""
        self._numbers += 1
        request = Request(id=request_id or f"hand:{self._numbers}", actor=who, command=command)
        end = time.monotonic() + 40
        while True:
            try:
                return await give(self.client, self.office.sessions, of, request, patience=10)
            except StillWorking:
                assert time.monotonic() < end, f"{self.saboteur.scripts[of].cell.name}: {command.name}"
                await asyncio.sleep(0.2)
            except Refused as refused:
                self.refusals[refused.code if refused.message else "no message"] += 1
                return None

    async def click_twice(self, of: str, command: Command, who: Actor) -> None:
        """Two clicks of one button are one request: both get the same answer."""
        self._numbers += 1
        name = f"twice:{self._numbers}"
        first, second = await asyncio.gather(*(self.say(of, command, who, name) for _ in range(2)))
        assert first == second

    def a_day_passes(self, scripts: dict[str, Script]) -> None:
        """25 hours: Stripe forgets its keys, and what was stored before is older."""
        self.sim.control("clock", advance_seconds=int(DAY_AND_MORE.total_seconds()))
        payouts = [payout_id(of) for of in scripts]
        with self.office.sessions.begin() as session:
            session.execute(
                update(PayoutAttempt)
                .where(PayoutAttempt.payout_id.in_(payouts), PayoutAttempt.state == "open")
                .values(opened_at=PayoutAttempt.opened_at - DAY_AND_MORE)
            )
            session.execute(
                update(Clawback)
                .where(Clawback.payout_id.in_(payouts), Clawback.state == "approved")
                .values(decided_at=Clawback.decided_at - DAY_AND_MORE)
            )
        for script in scripts.values():
            script.later.set()

    # --- after --------------------------------------------------------------------------------------

    def transfers(self, of: str) -> list[tuple[str, int, int]]:
        """Every transfer that exists for it at Stripe: id, reversed so far, number of reversals."""
        return [
            (one.transfer_id, one.amount_reversed, len(self.listed(REVERSALS.format(one.transfer_id))))
            for one in self.gateway.find_transfers(payout_id(of))
        ]

    def listed(self, path: str, **options: Any) -> list[dict[str, Any]]:
        """A page of one of Stripe's lists as it is sent."""
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = WEB.get(self.sim.base + path, params=options or None, headers=headers).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def payout_state(self, of: str) -> str:
        with self.office.sessions() as session:
            return session.get_one(Payout, payout_id(of)).state


class Postman:
    """Brings Stripe's events as each cell says: once, twice, never, in time, or the older after the newer."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._last = ""
        self._kept: dict[str, list[WebhookEvent]] = {}
        self.brought: Counter[str] = Counter()

    def round(self) -> None:
        """Bring what has happened since."""
        options: dict[str, Any] = {"limit": 100} | ({"ending_before": self._last} if self._last else {})
        for body in reversed(self._till.listed("/v1/events", **options)):
            self._last = body["id"]
            event = snapshot_event(body)
            if event.type in ("transfer.created", "transfer.reversed"):
                self._bring(event)

    def _bring(self, event: WebhookEvent) -> None:
        scripts = self._till.saboteur.scripts
        of = next((one for one in scripts if payout_id(one) == event.data.get("payout_id")), None)
        manner = scripts[of].cell.messages if of is not None else "once"
        if of is None or manner in ("once", "before_answer", "twice"):
            self._store(event)
        if manner == "twice":
            self._store(event)
            self._store(event.model_copy(update={"id": f"{event.id}_again"}))
        if of is not None and manner == "out_of_order":
            self._kept.setdefault(of, []).append(event)

    def bring_the_rest(self) -> None:
        """What was kept back, the newest first."""
        for events in self._kept.values():
            for event in reversed(events):
                self._store(event)
        self._kept.clear()

    def _store(self, event: WebhookEvent) -> None:
        store_stripe(self._till.office.sessions, "stripe", event)
        self.brought[event.type] += 1


def simulator_gateway(sim: Simulator) -> StripeGateway:
    """A gateway that does not wait long for an answer that never comes."""
    return StripeGateway(KEY, sim.base, "v2", timeout=1.5, loopback_only=True)
