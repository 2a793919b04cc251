"""The brand's people: they ship what is to be shipped, review drafts, and settle what needs a person.

They work through the API alone, with a key of the role ops, and look again every second as a console would.
Once in a while they stay silent, and the clock decides.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

from infra.demo.calls import CallRefused, Calls
from infra.demo.cast import Part, Person, chance_of
from infra.demo.world.carrier import Carrier, Fate, plan
from infra.demo.world.diary import Diary
from infra.demo.world.network import Network

FREIGHT: Final = 640
"""What the carrier of the demo takes for a parcel, minor units."""
EVERY: Final = 0.8
"""Seconds between two looks at the lists."""
HOME: Final = "US"
"""The country of the brand's warehouse."""
SILENT_SHARE: Final = 0.15
"""Drafts that nobody looks at in time: the clock approves them."""
OVERTAKEN: Final = ("wrong_stage", "nothing_asked", "other_draft")
"""Refusals that say that the clock or the creator was faster."""
FEEDBACK: Final = "Lovely. Could the lid be open in the first picture, so that one sees the steam?"


class BrandPeople:
    """The ops people of one brand for its campaigns."""

    def __init__(
        self,
        calls: Calls,
        carrier: Carrier,
        network: Network,
        diary: Diary,
        cast: Mapping[str, tuple[Person, Part]],
        campaigns: Mapping[str, float],
    ) -> None:
        """`cast` is by creator id; `campaigns` gives each campaign's time for a review in seconds."""
        self._calls = calls
        self._carrier = carrier
        self._network = network
        self._diary = diary
        self._cast = cast
        self._campaigns = campaigns
        self._seen: set[str] = set()
        self._creator_of: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                for look in (self._ship, self._review, self._settle):
                    await self._try("the brand", look())
                await asyncio.sleep(EVERY)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _try(self, who: str, doing: Awaitable[None]) -> None:
        try:
            await doing
        except (CallRefused, httpx.HTTPError) as error:
            if getattr(error, "code", "") not in OVERTAKEN:
                self._diary.stumble(who, error)

    # --- parcels -------------------------------------------------------------------------------------

    async def _ship(self) -> None:
        """Take the pick list to the carrier, and upload the tracking."""
        waiting = [one async for one in self._calls.everything("/shipments", state="preparing")]
        tracking: list[tuple[str, str, str]] = []
        for campaign_id in sorted({parcel["campaign_id"] for parcel in waiting}):
            parcels = {one["id"]: one for one in waiting if one["campaign_id"] == campaign_id}
            text = await self._calls.text(f"/campaigns/{campaign_id}/shipments.csv", state="preparing")
            for row in csv.DictReader(io.StringIO(text)):
                parcel = parcels.get(row["shipment_id"])
                if parcel is not None and not await self._address_refused(parcel):
                    tracking.append(await self._book(parcel, row["country"]))
        if tracking:
            await self._upload(tracking)

    async def _address_refused(self, parcel: dict[str, Any]) -> bool:
        """Send an address back that cannot be shipped to. Once: the second answer has to do."""
        person, part = await self._who(parcel["collaboration_id"])
        if not part.wrong_address or not self._first_time(f"address/{person.email}"):
            return False
        await self._command(parcel["collaboration_id"], "reject_address", {"reason": "street_unknown"})
        return True

    async def _book(self, parcel: dict[str, Any], country: str) -> tuple[str, str, str]:
        person, part = await self._who(parcel["collaboration_id"])
        number = int(parcel["number"])
        fate = part.parcel if number == 1 else Fate.ARRIVES
        chance = chance_of(person.email, f"parcel {number}")
        steps = plan(fate, domestic=country == HOME, chance=chance)
        tracking_number, url = await self._carrier.take(parcel["id"], country, steps)
        return parcel["id"], tracking_number, url

    async def _upload(self, tracking: list[tuple[str, str, str]]) -> None:
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow(("shipment_id", "carrier", "tracking_number", "tracking_url", "freight_amount"))
        writer.writerows((parcel, "local", number, url, FREIGHT) for parcel, number, url in tracking)
        report = await self._calls.post_csv("/shipments/tracking", sheet.getvalue())
        for line in report["results"]:
            if line["result"] == "refused" and line["code"] not in OVERTAKEN:
                self._diary.stumble("the brand, tracking", CallRefused(409, line["code"], line["message"]))

    # --- drafts --------------------------------------------------------------------------------------

    async def _review(self) -> None:
        """Take every draft that is new on the desk; each is answered when its time has come."""
        for campaign_id, review in self._campaigns.items():
            drafts = self._calls.everything(f"/campaigns/{campaign_id}/collaborations", stage="in_review")
            async for one in drafts:
                if self._first_time(f"draft/{one['id']}/{one['since']}"):
                    self._begin(self._judge(one["id"], one["creator_id"], review))

    async def _judge(self, collaboration_id: str, creator_id: str, review: float) -> None:
        person, part = self._cast[creator_id]
        known = await self._calls.get(f"/collaborations/{collaboration_id}")
        submission = {"submission_id": known["submission_id"]}
        handed_in = await self._calls.get(f"/collaborations/{collaboration_id}/submissions")
        rounds = sum(one["state"] == "changes_requested" for one in handed_in["items"])
        chance = chance_of(person.email, f"review {rounds}")
        if rounds >= part.rounds and chance.random() < SILENT_SHARE:
            return
        await asyncio.sleep(review * min(0.6, chance.expovariate(3.0)))
        if rounds < part.rounds:
            await self._command(collaboration_id, "request_changes", {**submission, "feedback": FEEDBACK})
        else:
            await self._command(collaboration_id, "approve", submission)

    # --- what needs a person ---------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Look at the exceptions, and only at them."""
        flagged = [one async for one in self._calls.everything("/collaborations", attention="true")]
        for one in flagged:
            settle = _SETTLED_BY.get(str(one["attention"]))
            if settle is not None and self._first_time(f"{one['attention']}/{one['id']}/{one['sequence']}"):
                await self._try(f"the brand, {one['attention']}", settle(self, one))

    async def _replace(self, one: dict[str, Any]) -> None:
        """A creator reports a parcel: believe her, and send another."""
        await self._command(one["id"], "lose", {"reason": "damaged"})

    async def _give_time(self, one: dict[str, Any]) -> None:
        await self._command(one["id"], "grant_extension", {})

    async def _look_at_post(self, one: dict[str, Any]) -> None:
        """No rules are built in for this country: read the post, and decide."""
        handed_in = await self._calls.get(f"/collaborations/{one['id']}/submissions")
        addresses = [post["url"] for item in handed_in["items"] for post in item["posts"]]
        seen = await self._network.look(addresses[-1]) if addresses else None
        said = "" if seen is None else str(seen["caption"]).casefold()
        if said.startswith("ad:") or "gave me this for free" in said:
            await self._command(one["id"], "accept_post", {"reason": "clearly_marked"})
        else:
            await self._command(one["id"], "reject_post", {"reason": "not_marked"})

    async def _give_up(self, one: dict[str, Any]) -> None:
        await self._command(one["id"], "reject_post", {"reason": "not_marked"})

    async def _look_again(self, one: dict[str, Any]) -> None:
        await self._command(one["id"], "recheck", {})

    # --- how they do it --------------------------------------------------------------------------------

    async def _who(self, collaboration_id: str) -> tuple[Person, Part]:
        if collaboration_id not in self._creator_of:
            known = await self._calls.get(f"/collaborations/{collaboration_id}")
            self._creator_of[collaboration_id] = known["creator_id"]
        return self._cast[self._creator_of[collaboration_id]]

    async def _command(self, collaboration_id: str, command: str, body: Mapping[str, Any]) -> None:
        await self._calls.post(f"/collaborations/{collaboration_id}/commands/{command}", body)

    def _first_time(self, thing: str) -> bool:
        new = thing not in self._seen
        self._seen.add(thing)
        return new

    def _begin(self, doing: Awaitable[None]) -> None:
        task = asyncio.create_task(self._try("the brand, review", doing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_SETTLED_BY: Final[dict[str, Callable[[BrandPeople, dict[str, Any]], Awaitable[None]]]] = {
    "parcel_disputed": BrandPeople._replace,
    "extension_asked": BrandPeople._give_time,
    "post_unsure": BrandPeople._look_at_post,
    "post_not_mended": BrandPeople._give_up,
    "post_unreadable": BrandPeople._look_again,
}
"""Reason for attention -> what they do. The others settle by themselves, or wait for somebody else."""
