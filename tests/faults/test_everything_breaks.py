"""Collaborations while all parts are killed and restarted, and webhooks come twice or never.

What a user may count on afterwards: every collaboration has reached its end, each has exactly one transfer,
the books balance, and no e-mail came twice but for those that were in flight when a part died.
"""

from __future__ import annotations

import asyncio
import email
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client

from activities.adapters.stripe_gateway import StripeGateway
from api.commands import StillWorking, give
from benchmarks.yard import BRAND, CREATOR, Life, Yard, client_of, launched, until, yard
from domain.commands import Approve, Command, Request, Ship, SubmitDraft, SubmitPost
from domain.errors import Defect, IllegalCommand
from domain.ids import derived_id
from domain.policy import Policy
from domain.roles import Actor
from domain.state import Snapshot
from infra.ledger_check import check, trial_balance
from infra.tables import Collaboration, Inbox, Notice, Payout, PayoutAttempt, Shipment
from tests.faults.chaos import VICTIMS, Chaos

COUNT = int(os.environ.get("HANDSEL_FAULT_COLLABORATIONS", "40"))
SEED = int(os.environ.get("HANDSEL_FAULT_SEED", "7"))
AT_ONCE = 12
POLICY = Policy(retry_payment="3s", confirm_within="5s", lost_after="60d")
PASSING = (httpx.HTTPError, SQLAlchemyError, StillWorking, Defect, OSError, RuntimeError)
"""What breaks while parts are down; the caller sends the same thing again, as a person or a program would."""


class StubbornLife(Life):
    """Gives each command until it is answered; a repeat carries the same id and counts once."""

    async def give(self, command: Command, actor: Actor) -> Snapshot:
        self._number += 1
        request = Request(id=f"fault:{self._number}", actor=actor, command=command)
        return await stubbornly(lambda: give(self.client, self.yard.sessions, self.id, request, patience=5))

    async def whole(self) -> None:
        """The parcel goes by the carrier and arrives by its webhooks; the rest as in a good life."""
        await self.give(await in_thread(self.form), CREATOR)
        await in_thread(self.book)
        await self.give(Ship(shipment_id=derived_id("shipment", self.id, 1)), BRAND)
        await stubbornly(self.arrived)
        draft = await in_thread(self.submission_once, "draft")
        await self.give(SubmitDraft(submission_id=draft), CREATOR)
        await self.give(Approve(submission_id=draft), BRAND)
        live = await in_thread(self.submission_once, "live")
        await self.give(SubmitPost(submission_id=live), CREATOR)

    def submission_once(self, kind: str) -> str:
        """A repeat after a lost answer finds the first."""
        from infra.tables import Submission

        submission_id = derived_id("submission", self.id, kind)
        with self.yard.sessions() as session:
            if session.get(Submission, submission_id) is not None:
                return submission_id
        return self.submission(kind)

    def book(self) -> None:
        """Hand the parcel to the carrier and store its tracking number, as the tracking upload does."""
        shipment_id = derived_id("shipment", self.id, 1)
        plan = [{"after": 0.3, "code": "in_transit"}, {"after": 0.8, "code": "delivered"}]
        answer = httpx.post(
            self.yard.stack.url("carrier") + "/_carrier/shipments",
            json={"reference": shipment_id, "country": "US", "plan": plan},
            timeout=5,
        )
        answer.raise_for_status()
        with self.yard.sessions.begin() as session:
            session.get_one(Shipment, shipment_id).tracking_number = answer.json()["tracking_number"]

    async def arrived(self) -> None:
        """Wait for the carrier's word."""

        def stage() -> str:
            with self.yard.sessions() as session:
                return session.get_one(Collaboration, self.id).stage

        for _ in range(1200):
            if await asyncio.to_thread(stage) != "shipped":
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{self.id}: the carrier's word never counted")


async def stubbornly(what: Callable[[], Any], patience: float = 200) -> Any:
    end = time.monotonic() + patience
    while True:
        try:
            return await what()
        except IllegalCommand as error:
            if error.code != "not_started" or time.monotonic() > end:
                raise
        except PASSING:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(random.uniform(0.2, 0.6))


async def in_thread(what: Callable[..., Any], *arguments: Any) -> Any:
    return await stubbornly(lambda: asyncio.to_thread(what, *arguments))


async def live_through(place: Yard, client: Client, seed: int) -> Chaos:
    """Launch and drive everybody while chaos reigns; then peace, until all have ended."""
    creators = place.creators(COUNT)
    place.payable(creators)
    place.stripe("/_sim/fund", {"amount": 22_000 * COUNT * 2, "currency": "usd"})
    httpx.put(
        place.stack.url("carrier") + "/_carrier/modes",
        json={"seed": seed, "duplicate": 0.3, "out_of_order": 0.2, "hold": 1.0},
        timeout=10,
    ).raise_for_status()
    campaign_id, collaboration_ids = place.campaign(creators, POLICY)
    chaos = Chaos(place, seed)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(collaboration_id: str) -> None:
        async with gate:
            await StubbornLife(place, client, collaboration_id).whole()

    await stubbornly(lambda: launched(place, client, campaign_id, 60))
    chaos.start()
    try:
        await asyncio.gather(*(one(collaboration_id) for collaboration_id in collaboration_ids))
    finally:
        await asyncio.to_thread(chaos.stop)

    def at_rest() -> bool:
        """Everybody has ended and no mail is left; one whose sender died waits until its lease is over."""
        try:
            with place.sessions() as session:
                open_mails = select(func.count()).where(Notice.state.in_(("queued", "sending")))
                return place.count(campaign_id, "completed") == COUNT and session.scalar(open_mails) == 0
        except SQLAlchemyError:
            return False

    await until(at_rest, 120)
    return chaos


def letters(place: Yard) -> Counter[str]:
    """How often each message, by its Message-ID, lies in the mailbox."""
    seen: Counter[str] = Counter()
    for path in (place.stack.folder.path / "mail").rglob("*"):
        if path.is_file() and path.parent.name in ("new", "cur"):
            with path.open("rb") as file:
                seen[str(email.message_from_binary_file(file)["Message-ID"])] += 1
    return seen


@pytest.mark.faults
@pytest.mark.stack
@pytest.mark.timeout(900)
def test_nothing_is_lost_and_nothing_is_done_twice(capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    with yard() as place:

        async def run() -> Chaos:
            return await live_through(place, await client_of(place), SEED)

        chaos = asyncio.run(run())
        with place.sessions() as session:
            assert check(session) == []
            assert sum(balance.amount for balance in trial_balance(session)) == 0
            payouts = list(session.scalars(select(Payout)))
            attempts = session.scalar(select(func.count()).select_from(PayoutAttempt))
            notices = list(session.scalars(select(Notice)))
            late = session.scalar(select(func.count()).select_from(Inbox).where(Inbox.attempts > 1))
            events = session.scalar(text("select count(*) from events"))
        gateway = StripeGateway(
            place.settings.stripe_api_key,
            place.settings.stripe_api_base,
            place.settings.stripe_accounts_api,
            loopback_only=True,
        )
        transfers = [len(gateway.find_transfers(payout.id)) for payout in payouts]
        again = Counter({message: times for message, times in letters(place).items() if times > 1})
        in_flight = {notice.message_id for notice in notices if notice.attempts > 1}
        report = {
            "collaborations": COUNT,
            "kills": dict(chaos.kills),
            "webhook manners": dict(chaos.manners),
            "events": events,
            "attempts": attempts,
            "transfers": sum(transfers),
            "mails sent": sum(notice.state == "sent" for notice in notices),
            "mails sent again (in flight when a part died)": len(again),
            "inbox messages worked more than once": late,
            "seconds": round(time.monotonic() - began),
        }
    with capsys.disabled():
        print("\nfault run:", json.dumps(report))
    assert len(payouts) == COUNT
    assert transfers == [1] * COUNT
    assert {payout.state for payout in payouts} <= {"confirmed"}
    assert {notice.state for notice in notices} <= {"sent", "skipped"}
    assert set(again) <= in_flight
    assert len(chaos.kills) >= min(len(VICTIMS), COUNT // 10)
