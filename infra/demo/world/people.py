"""The world as a whole: every actor of it, set to work and sent home again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType

import httpx

from domain.campaign import NewCampaign
from domain.clocks import length
from domain.policy import Policy
from infra.demo.calls import Calls
from infra.demo.cast import SEED, Part, Person
from infra.demo.world.bank import Bank
from infra.demo.world.brand import BrandPeople
from infra.demo.world.browser import Browser
from infra.demo.world.carrier import Carrier
from infra.demo.world.creator import Creator, Deal, Pace, Places
from infra.demo.world.diary import Diary
from infra.demo.world.finance import FinancePerson
from infra.demo.world.mailbox import Mailbox
from infra.demo.world.network import Network

DUPLICATE, OUT_OF_ORDER, MISSING = 0.05, 0.03, 0.01
"""Shares of the carrier's messages that come twice, late, or never."""

CONNECTIONS = httpx.Limits(max_connections=40, keepalive_expiry=2.0)
"""Idle connections are given up before servers do it, so that nothing is sent into a closing one."""


class World:
    """Lives between `async with` and its end."""

    def __init__(self, client: httpx.AsyncClient, addresses: dict[str, str], stripe_key: str) -> None:
        """`addresses` has `mailbox`, `social`, `carrier` and `stripe`."""
        self.diary = Diary()
        self.bank = Bank(client, addresses["stripe"], stripe_key)
        self.carrier = Carrier(client, addresses["carrier"])
        self.network = Network(client, addresses["social"])
        self._mailbox = Mailbox(client, addresses["mailbox"], datetime.now(UTC).isoformat())
        self._transport = httpx.AsyncHTTPTransport(limits=CONNECTIONS)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> World:
        await self.carrier.be_human(
            seed=SEED, duplicate=DUPLICATE, out_of_order=OUT_OF_ORDER, missing=MISSING
        )
        await self.bank.tell_badly()
        self._begin(self._mailbox.watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._transport.aclose()

    def enter(self, brand: str, campaign: NewCampaign, company: list[tuple[Person, Part]]) -> None:
        """Let the creators of a campaign live."""
        offer = campaign.offer
        video = offer.deliverables[0].format.value != "post"
        deal = Deal(brand=brand, paid=offer.type.pays, video=video, pace=pace_of(campaign.policy))
        places = Places(self._mailbox, self.network, self.bank, self.diary)
        for person, part in company:
            browser = Browser(self._transport, f"Demo browser of {person.handle}")
            self._begin(Creator(person, part, deal, places, browser).live())

    def staff(
        self,
        calls: Calls,
        finance: Calls,
        cast: dict[str, tuple[Person, Part]],
        campaigns: dict[str, NewCampaign],
    ) -> None:
        """Let the brand's people work."""
        review = {one: length(file.policy.review_within).total_seconds() for one, file in campaigns.items()}
        people = BrandPeople(calls, self.carrier, self.network, self.diary, cast, review)
        self._begin(people.work())
        self._begin(FinancePerson(finance, self.diary).work())

    def fallen(self) -> list[str]:
        """Actors that stopped by a fault of their own, in words."""
        ended = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [repr(task.exception()) for task in ended if task.exception() is not None]

    def _begin(self, life: object) -> None:
        self._tasks.append(asyncio.create_task(life))  # type: ignore[arg-type] # a coroutine of any actor


def pace_of(policy: Policy) -> Pace:
    """The clocks of a campaign in seconds."""
    seconds = {name: length(getattr(policy, field)).total_seconds() for name, field in _CLOCKS.items()}
    return Pace(**seconds)


_CLOCKS = {
    "answer": "respond_within",
    "content": "content_within",
    "grace": "grace",
    "revise": "revise_within",
    "post": "post_within",
    "remedy": "remedy_within",
    "live": "live_for",
    "extension": "extension_max",
}
