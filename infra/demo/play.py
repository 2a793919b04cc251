"""The demo from the first call to the report. The stack must be running; nothing here starts or ends it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from domain.stages import ENDS
from infra.database import make_engine, make_sessions
from infra.demo import LONGEST
from infra.demo.calls import CallRefused
from infra.demo.cast import Part, Person, cast
from infra.demo.opening import BRAND, Opened, Production, prepare
from infra.demo.report import Report, read
from infra.demo.world.people import CONNECTIONS, World
from infra.settings import Settings
from infra.tables import Account, Collaboration, Notice, Payout, Shipment

LAST_MAILS: Final = 8.0
"""Seconds that the last mails get to go out."""
LAST_STATUS: Final = 20.0
"""Seconds that a closed campaign gets to notice that everything in it has ended."""
_LOOK_EVERY: Final = 1.0


@dataclass
class Moment:
    """How everything stands now, for whoever watches."""

    seconds: float
    doing: str
    stages: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    parcels: Counter[str] = field(default_factory=Counter)
    held: int = 0
    owed: int = 0
    paid: int = 0
    ended: int = 0
    everybody: int = 0


@dataclass(frozen=True)
class Played:
    """What is left when the curtain falls."""

    opened: Opened
    report: Report


Watch = Callable[[Moment], None]


async def play(
    settings: Settings,
    addresses: dict[str, str],
    watch: Watch,
    *,
    creators: int = 0,
    longest: float = LONGEST,
) -> Played:
    """Run the whole demo. `addresses` has `mailbox`, `social`, `carrier` and `stripe`; 0 creators are all."""
    began = time.monotonic()
    engine = make_engine(settings)
    sessions = make_sessions(engine)

    def tell(doing: str) -> None:
        watch(Moment(time.monotonic() - began, doing))

    async with (
        httpx.AsyncClient(timeout=30, limits=CONNECTIONS) as client,
        World(client, addresses, settings.stripe_api_key) as world,
    ):
        tell("Founding a brand, importing creators, writing offers")
        opened = await prepare(client, settings, sessions, creators)
        await _fund(world, opened)
        _people_enter(world, opened)
        tell("Launching")
        for production in opened.productions:
            await opened.ops.post(f"/campaigns/{production.campaign_id}/commands/launch", {})
        await _until_over(engine, opened, watch, began, longest)
        await _close(opened, engine)
        report = await _report(client, addresses, engine, opened, world, time.monotonic() - began)
    await asyncio.to_thread(engine.dispose)
    return Played(opened, report)


async def _fund(world: World, opened: Opened) -> None:
    """Put on the paying balance what the campaigns may cost together."""
    for production in opened.productions:
        if production.file.budget:
            await world.bank.top_up(production.file.budget, production.file.currency)


def _people_enter(world: World, opened: Opened) -> None:
    everybody: dict[str, tuple[Person, Part]] = {}
    for production in opened.productions:
        parts = cast(production.people, production.file.offer.type)
        company = [(person, parts[person.email]) for person in production.people]
        world.enter(BRAND.name, production.file, company)
        everybody |= {person.creator_id: (person, part) for person, part in company}
    campaigns = {production.campaign_id: production.file for production in opened.productions}
    world.staff(opened.ops, opened.finance, everybody, campaigns)


async def _until_over(engine: Engine, opened: Opened, watch: Watch, began: float, longest: float) -> None:
    """Watch until every collaboration has ended and the last mails are out, or the time is over."""
    until = time.monotonic() + longest
    over_at: float | None = None
    while time.monotonic() < until:
        moment, mails_waiting = await asyncio.to_thread(_look, engine, opened.productions)
        moment.seconds = time.monotonic() - began
        watch(moment)
        if moment.ended == moment.everybody:
            over_at = over_at or time.monotonic()
            if not mails_waiting or time.monotonic() - over_at > LAST_MAILS:
                return
        await asyncio.sleep(_LOOK_EVERY)


def _look(engine: Engine, productions: list[Production]) -> tuple[Moment, int]:
    """The state of things, and how many mails are still on their way out."""
    campaigns = [production.campaign_id for production in productions]
    mine = select(Collaboration.id).where(Collaboration.campaign_id.in_(campaigns))
    with Session(engine) as session:
        stages = _count(session, Collaboration.stage, Collaboration.campaign_id.in_(campaigns))
        mails = _count(session, Notice.state, Notice.collaboration_id.in_(mine))
        parcels = _count(session, Shipment.state, Shipment.campaign_id.in_(campaigns))
        payouts = select(func.coalesce(func.sum(Payout.amount), 0)).where(Payout.collaboration_id.in_(mine))
        paid = session.scalar(payouts.where(Payout.state.in_(["sent", "confirmed"]))) or 0
        owed = session.scalar(payouts.where(Payout.state.not_in(["sent", "confirmed", "waiting"]))) or 0
        held = session.scalar(
            select(func.coalesce(func.sum(Account.balance), 0)).where(
                Account.name.like("collaboration:%:held")
            )
        )
    moment = Moment(
        seconds=0.0,
        doing="The world lives",
        stages=stages,
        mails=mails["sent"],
        parcels=parcels,
        held=int(held or 0),
        owed=int(owed),
        paid=int(paid),
        ended=sum(count for stage, count in stages.items() if stage in ENDS),
        everybody=sum(stages.values()),
    )
    return moment, mails["queued"] + mails["sending"]


def _count(session: Session, column: Any, condition: Any) -> Counter[str]:
    return Counter(
        {
            row[0]: row[1]
            for row in session.execute(select(column, func.count()).where(condition).group_by(column))
        }
    )


async def _close(opened: Opened, engine: Engine) -> None:
    """Close each campaign of which everything has ended; an open one is left as it is, for a look."""
    for production in opened.productions:
        moment, _ = await asyncio.to_thread(_look, engine, [production])
        if moment.ended == moment.everybody:
            await opened.ops.post(f"/campaigns/{production.campaign_id}/commands/close", {})
            await _until_completed(opened, production.campaign_id)


async def _until_completed(opened: Opened, campaign_id: str) -> None:
    until = time.monotonic() + LAST_STATUS
    while time.monotonic() < until:
        if (await opened.ops.get(f"/campaigns/{campaign_id}"))["status"] == "completed":
            return
        await asyncio.sleep(_LOOK_EVERY / 4)


async def _report(
    client: httpx.AsyncClient,
    addresses: dict[str, str],
    engine: Engine,
    opened: Opened,
    world: World,
    seconds: float,
) -> Report:
    transfers = await world.bank.transfers()
    lost = await world.bank.answers_lost()
    message_ids = await _message_ids(client, addresses["mailbox"])
    for fault in world.fallen():
        world.diary.stumble("an actor", CallRefused(0, "fell", fault))
    return await asyncio.to_thread(
        lambda: read(
            engine,
            [production.campaign_id for production in opened.productions],
            seconds=seconds,
            transfers=transfers,
            answers_lost=lost,
            message_ids=message_ids,
            stumbles=world.diary.stumbles,
        )
    )


async def _message_ids(client: httpx.AsyncClient, mailbox: str) -> list[str]:
    """The Message-ID of every mail that arrived, in order."""
    found: list[str] = []
    since = ""
    while True:
        answer = await client.get(f"{mailbox}/messages.json", params={"since": since})
        answer.raise_for_status()
        messages = answer.json()["messages"]
        if not messages:
            return found
        found += [message["message_id"] for message in messages]
        since = messages[-1]["id"]
