"""Sets every story of the run going at once, in a thread with a loop of its own, and keeps how each ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any

from infra.local.stack import Stack
from tests.lifecycle.life import CampaignOf, Life
from tests.lifecycle.people import Person, sheet
from tests.lifecycle.place import Place, found
from tests.lifecycle.stories import FEE, Story

LONGEST = 300.0
"""Seconds that the end of a story is waited for."""


class Playing:
    """The stories of one run, and what is left of them."""

    def __init__(self, stack: Stack, stories: Sequence[Story]) -> None:
        self.stack = stack
        self.stories = stories
        self.settings, self.sessions, self._owner_key = found(stack)
        self.people: list[Person] = []
        self.lives: dict[Story, list[Life]] = {}
        self.seconds: dict[str, float] = {}
        self._endings: dict[Story, Future[None]] = {one: Future() for one in stories}
        self._over: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.place: Place | None = None

    def begin(self) -> None:
        """Start; returns at once."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._play(), self._loop)

    def end(self) -> None:
        """Stop watching. The stories have ended by now, or never will."""
        if self.place is not None:
            self.do(self.place.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def ending_of(self, story: Story) -> None:
        """Wait for the end of a story; raises what went wrong in it."""
        self._endings[story].result(LONGEST)

    def wait_for_all(self) -> None:
        """Wait until every story has ended, well or not."""
        self._over.result(LONGEST)

    def do(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the loop of the stories."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(LONGEST)

    # --- on the loop -----------------------------------------------------------------------------------

    async def _play(self) -> None:
        try:
            self.place = Place(self.stack, self.settings, self._owner_key)
            await self.place.open()
            await self._prepare(self.place)
            await asyncio.gather(*(self._live(story) for story in self.stories if story.act == 1))
            for story in self.stories:
                if story.act > 1:
                    await self._live(story)
        except BaseException as error:  # noqa: BLE001 - told to every test that waits
            for ending in self._endings.values():
                if not ending.done():
                    ending.set_exception(error)
            self._over.set_exception(error)
        else:
            self._over.set_result(None)

    async def _live(self, story: Story) -> None:
        lives, began = self.lives[story], time.monotonic()
        try:
            await (story.script(lives[0]) if story.people == 1 else story.script(lives))
        except BaseException as error:  # noqa: BLE001 - a failed assertion belongs to its own test
            self._endings[story].set_exception(error)
        else:
            self._endings[story].set_result(None)
        self.seconds[story.name] = round(time.monotonic() - began, 1)

    async def _prepare(self, place: Place) -> None:
        """Everybody into the list of creators; campaigns, invitations, launches; money on the balance."""
        cast: dict[Story, list[Person]] = {}
        for story in self.stories:
            cast[story] = [Person(len(self.people) + n, story.country) for n in range(story.people)]
            self.people += cast[story]
        report = await place.owner.post_csv("/creators/import", sheet(self.people))
        assert not report["refused"], report["problems"]
        ids = {one["profile"]["email"]: one["id"] async for one in place.owner.everything("/creators")}
        await place.bank.top_up(FEE * 400, "USD")
        await place.stripe("webhooks", mode=["duplicate"])
        await place.carrier.be_human(seed=7, duplicate=0.3, out_of_order=0.0, missing=0.0)
        shared: dict[str, list[Story]] = defaultdict(list)
        for story in self.stories:
            shared[story.wants].append(story)
        for number, stories in enumerate(shared.values()):
            campaign = await _campaign(place, number, stories[0])
            for story in stories:
                self.lives[story] = [Life(place, one, campaign, ids[one.email]) for one in cast[story]]
            await self._launch(place, campaign, [life for story in stories for life in self.lives[story]])

    async def _launch(self, place: Place, campaign: CampaignOf, lives: list[Life]) -> None:
        path = f"/campaigns/{campaign.id}"
        given = {"creator_ids": [life.creator_id for life in lives]}
        invited = await place.ops.post(f"{path}/invitations", given)
        assert len(invited["collaboration_ids"]) == len(lives), invited
        rows = {row["creator_id"]: row["id"] async for row in place.ops.everything(f"{path}/collaborations")}
        for life in lives:
            life.collaboration_id = rows[life.creator_id]
        await campaign.steer("launch")


async def _campaign(place: Place, number: int, story: Story) -> CampaignOf:
    """A campaign as this story wants it, with a product of its own."""
    sku = f"TEA-{number:03}"
    variant = {"name": "Tin", "sku": sku, "stock": story.stock, "retail_amount": 4800}
    product = await place.owner.post("/products", {"name": f"Winter tea {number}", "variants": [variant]})
    ships, pays = story.kind != "paid", story.kind in ("gifting_paid", "paid")
    offer: dict[str, Any] = {
        "type": story.kind,
        "deliverables": [{"platform": "instagram", "format": "post"}],
        "tails": [{"percent": 20, "live_for": story.tail}] if story.tail else [],
    }
    if pays:
        offer["fee"] = {"amount": FEE, "currency": story.currency}
    made = await place.ops.post(
        "/campaigns",
        {
            "name": f"Winter tea {number}",
            "currency": story.currency,
            "budget": story.budget if pays else 0,
            "brief": {"summary": "Show the tea where you drink it."},
            "offer": offer,
            "policy": story.policy,
            "variants": [sku] if ships else [],
        },
    )
    return CampaignOf(place, made["id"], story.kind, product["id"], product["variants"][0]["id"])
