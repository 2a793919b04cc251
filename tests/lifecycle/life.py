"""One creator in one campaign, as a story tells it: mails and pages, and what brand and carrier do.

Everything goes through the mailbox, the pages, the API, the carrier, the social network and Stripe's
simulator; nothing here reads the database.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra.demo.calls import CallRefused
from infra.demo.cast import chance_of
from infra.demo.world.browser import Browser, Form, Page
from infra.demo.world.content import Mark, marked, picture
from infra.demo.world.mailbox import Letter
from infra.demo.world.network import Published
from tests.lifecycle.people import Person

if TYPE_CHECKING:
    from tests.lifecycle.place import Place

PATIENCE = 120.0
"""Seconds that anything may take on a busy machine."""
BRAND_NAME = "Fenwick Teas"
PAID = ["fee_held", "fee_earned", "attempt_opened", "attempt_sent"]
"""Ledger entries of a fee that was paid at the first attempt."""
RETURNED = ["fee_held", "fee_voided"]
"""Ledger entries of a fee that went back to the campaign."""


@dataclass
class CampaignOf:
    """The campaign that a story plays in."""

    place: Place
    id: str
    kind: str
    product_id: str
    variant_id: str

    async def steer(self, command: str) -> dict[str, Any]:
        answer: dict[str, Any] = await self.place.ops.post(f"/campaigns/{self.id}/commands/{command}", {})
        return answer

    async def pieces(self) -> tuple[int, int]:
        """(stock, promised or sent) of its one product."""
        product = await self.place.ops.get(f"/products/{self.product_id}")
        variant = product["variants"][0]
        return variant["stock"], variant["reserved"]

    async def status(self) -> str:
        return str((await self.place.ops.get(f"/campaigns/{self.id}"))["status"])


@dataclass
class Life:
    """See the module. `collaboration_id` is known when the campaign is launched."""

    place: Place
    person: Person
    campaign: CampaignOf
    creator_id: str
    collaboration_id: str = ""
    letters: list[Letter] = field(default_factory=list)
    account: str = ""
    """Her account at Stripe."""
    tracking_number: str = ""
    shipment_id: str = ""
    post: Published | None = None

    def __post_init__(self) -> None:
        self._box = self.place.mailbox.box(self.person.email)
        self._read: dict[str, int] = {}
        self.browser = self.new_browser()
        self._drafts = 0

    def new_browser(self) -> Browser:
        """A browser without cookies."""
        return Browser(self.place.transport, f"Browser number {self.person.number}")

    # --- mails ---------------------------------------------------------------------------------------

    async def gets(self, kind: str) -> Letter:
        """The next letter of this kind that she has not read."""
        until = time.monotonic() + PATIENCE
        number = self._read.get(kind, 0)
        while True:
            found = [letter for letter in self.letters if letter.kind == kind]
            if len(found) > number:
                self._read[kind] = number + 1
                return found[number]
            try:
                self.letters.append(await asyncio.wait_for(self._box.get(), until - time.monotonic()))
            except TimeoutError:
                stands = await self.shown()
                pytest.fail(
                    f"no letter {kind!r} came; got {self.kinds()}; {stands['stage']} {stands['attention']}"
                )

    def kinds(self) -> list[str]:
        return [letter.kind for letter in self.letters]

    # --- pages ---------------------------------------------------------------------------------------

    @property
    def link(self) -> str:
        """The link of the newest letter that has one."""
        return next(letter.link for letter in reversed(self.letters) if letter.link)

    async def visit(self, browser: Browser | None = None) -> Page:
        """Open the page of the newest letter."""
        return await (browser or self.browser).open(self.link)

    async def page_with(self, form: str) -> Page:
        """The page, once it offers this form. A letter may be ahead of the page."""
        until = time.monotonic() + PATIENCE
        while True:
            page = await self.visit()
            if page.offers(form) or time.monotonic() > until:
                page.form(form)
                return page
            await asyncio.sleep(0.4)

    async def sends(
        self, form: str, values: dict[str, str] | None = None, lists: dict[str, list[str]] | None = None
    ) -> Page:
        """Fill in a form of her page and send it; the page that answers is a good one."""
        page = await self.page_with(form)
        answer = await self.settled(form, await self.browser.send(page, page.form(form), values or {}, lists))
        assert answer.status == httpx.codes.OK, f"{form}: {answer.status} {words_of(answer)}"
        return answer

    async def settled(self, form: str, answer: Page, browser: Browser | None = None) -> Page:
        """The answer once there is one: a page that says "still working" sends the very same form again."""
        until = time.monotonic() + PATIENCE
        while answer.status == httpx.codes.ACCEPTED and time.monotonic() < until:
            await asyncio.sleep(0.5)
            answer = await (browser or self.browser).send(answer, answer.form(form), {})
        return answer

    def yes(self, form: Form) -> dict[str, str]:
        """What she types to say yes."""
        values = {"legal_name": self.person.name, "consent": "yes"}
        if variants := form.choices("variant"):
            values["variant"] = variants[0]
        if any(one.name == "country" for one in form.fields):
            values |= self.person.address()
        return values

    async def accepts(self) -> Page:
        await self.gets("invitation")
        page = await self.page_with("accept")
        return await self.sends("accept", self.yes(page.form("accept")))

    async def hands_in_draft(self) -> str:
        """A picture and a text; answers the id of the draft as the brand sees it."""
        page = await self.page_with("draft")
        self._drafts += 1
        image = picture(chance_of(self.person.email, f"draft {self._drafts}"))
        file = await self.browser.upload(page, f"draft-{self._drafts}.png", image)
        await self.sends("draft", {"caption": self.caption(Mark.RIGHT)}, {"asset": [file]})
        return str((await self.shown())["submission_id"])

    def caption(self, mark: Mark) -> str:
        paid = self.campaign.kind in ("gifting_paid", "paid")
        shown = marked("Tea, and a lamp.", mark, paid=paid, brand=BRAND_NAME, video=False)
        return str(shown["caption"])

    async def publishes(self, mark: Mark = Mark.RIGHT, handle: str = "") -> Published:
        """A post on the network that nobody has told the brand of yet."""
        network = self.place.network
        return await network.publish(
            "instagram", handle or self.person.handle, self.caption(mark), language="en"
        )

    async def posts(self, mark: Mark = Mark.RIGHT, handle: str = "") -> Published:
        """Publish, and hand in the address."""
        await self.page_with("post")
        self.post = await self.publishes(mark, handle)
        await self.sends("post", {"url_0": self.post.url})
        return self.post

    async def steps_back(self) -> None:
        """Her own withdrawal, with the box ticked."""
        await self.sends("withdraw", {"confirm": "yes"})

    async def draft_to_post(self, mark: Mark = Mark.RIGHT) -> None:
        """A draft, the brand's yes, and the post."""
        draft = await self.hands_in_draft()
        await self.orders("approve", submission_id=draft)
        await self.gets("draft_approved")
        await self.posts(mark)

    async def sets_up_payment(self, outcome: str = "active") -> Page:
        """Through the page to Stripe's own form, and back."""
        page = await self.page_with("payment")
        stripe = await self.browser.send(page, page.form("payment"), {})
        finish = next((form for form in stripe.forms if form.choices("outcome")), None)
        assert finish is not None, f"Stripe's form did not open: {stripe.status} {words_of(stripe)}"
        self.account = urlsplit(stripe.url).path.rstrip("/").split("/")[-2]
        back = await self.browser.send(stripe, finish, {"outcome": outcome})
        assert back.status == httpx.codes.OK, f"back from Stripe: {back.status} {words_of(back)}"
        return back

    # --- brand and carrier ---------------------------------------------------------------------------

    async def orders(self, command: str, **body: Any) -> dict[str, Any]:
        """A command of the brand's people."""
        answer: dict[str, Any] = await self.place.ops.post(
            f"/collaborations/{self.collaboration_id}/commands/{command}", body
        )
        return answer

    async def refused(self, command: str, **body: Any) -> str:
        """The code with which a command of the brand is refused."""
        with pytest.raises(CallRefused) as refused:
            await self.orders(command, **body)
        return refused.value.code

    async def pick_list(self) -> dict[str, str]:
        """Her line in the pick list that goes to the warehouse."""
        text = await self.place.ops.text(f"/campaigns/{self.campaign.id}/shipments.csv", state="preparing")
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["shipment_id"] == self.shipment_id]
        assert len(rows) == 1, f"{len(rows)} lines in the pick list"
        return rows[0]

    async def parcel(self) -> dict[str, Any]:
        """The parcel that is being made ready, once there is one."""
        until = time.monotonic() + PATIENCE
        while True:
            async for one in self.place.ops.everything("/shipments", state="preparing"):
                if one["collaboration_id"] == self.collaboration_id:
                    self.shipment_id = one["id"]
                    return one
            assert time.monotonic() < until, "no parcel is being made ready"
            await asyncio.sleep(0.4)

    async def brand_ships(self) -> None:
        """The parcel goes to the carrier, and the tracking to her."""
        one = await self.parcel()
        steps = [(0.0, "label_created")]
        number, url = await self.place.carrier.take(one["id"], self.person.country, steps)
        line = {
            "shipment_id": one["id"], "carrier": "local", "tracking_number": number, "tracking_url": url,
        }  # fmt: skip
        report = await self.place.ops.post("/shipments/tracking", {"shipments": [line]})
        while report["still_working"]:
            await asyncio.sleep(0.5)
            report = await self.place.ops.post("/shipments/tracking", {"shipments": [line]})
        assert not report["refused"], report
        self.tracking_number = number
        letter = await self.gets("shipped")
        assert number in letter.text

    async def carrier_says(self, *codes: str) -> None:
        """News of the parcel, told by webhook."""
        for code in codes:
            await self.place.carrier_event(self.tracking_number, code)

    async def parcel_arrives(self) -> Letter:
        await self.brand_ships()
        await self.carrier_says("in_transit", "delivered")
        return await self.gets("delivered")

    async def accepts_and_receives(self) -> Letter:
        """Yes, and the parcel is at the door."""
        await self.accepts()
        return await self.parcel_arrives()

    # --- what is to be seen ----------------------------------------------------------------------------

    async def shown(self) -> dict[str, Any]:
        """The collaboration as the API shows it."""
        answer: dict[str, Any] = await self.place.ops.get(f"/collaborations/{self.collaboration_id}")
        return answer

    async def reaches(self, stage: str, attention: str | None = "any") -> dict[str, Any]:
        """Wait until the API shows this stage (and this reason for attention)."""
        return await self.place.watch.until(
            self.collaboration_id,
            lambda one: one["stage"] == stage and attention in ("any", one["attention"]),
            f"{stage}, {attention}",
        )

    async def waits_for(self, attention: str) -> dict[str, Any]:
        """Wait until a person has to look for this reason."""
        return await self.place.watch.until(
            self.collaboration_id, lambda one: one["attention"] == attention, attention
        )

    async def happened(self) -> list[str]:
        """Names of the events, in order."""
        return [event["name"] for event in await self.events()]

    async def events(self, name: str = "") -> list[dict[str, Any]]:
        page = await self.place.ops.get(f"/collaborations/{self.collaboration_id}/events")
        return [event for event in page["items"] if not name or event["name"] == name]

    async def until_it_happened(self, name: str) -> None:
        """Wait until the history has an event of this name."""
        until = time.monotonic() + PATIENCE
        while not await self.events(name):
            assert time.monotonic() < until, f"{name} never happened; {await self.happened()}"
            await asyncio.sleep(0.5)

    async def is_looked_at(self, reason: str) -> None:
        """Wait until a look of the watch came to this."""
        until = time.monotonic() + PATIENCE
        while True:
            checks = (await self.place.ops.get(f"/collaborations/{self.collaboration_id}/checks"))["items"]
            if any((one["kind"], one["reason"]) == ("watch", reason) for one in checks):
                return
            assert time.monotonic() < until, f"no look came to {reason}: {checks}"
            await asyncio.sleep(0.5)

    async def money(self) -> list[str]:
        """Kinds of ledger entries, in order. Every line is of the fee, or of what a tail leaves of it."""
        lines = await self.place.ops.get(f"/collaborations/{self.collaboration_id}/ledger")
        amounts = {line["amount"] for entry in lines["items"] for line in entry["movements"]}
        assert amounts <= {22_000, 17_600, 4_400}
        return [entry["kind"] for entry in lines["items"]]

    async def transfers(self) -> list[dict[str, Any]]:
        """Her transfers, as Stripe's own API lists them."""
        return [
            one
            for one in await self.place.bank.transfers()
            if one["metadata"].get("collaboration") == self.collaboration_id
        ]

    async def ends(
        self, stage: str, letters: Sequence[str], money: Sequence[str] = (), *, any_order: bool = False
    ) -> None:
        """The end: at this stage, after exactly these letters, with these ledger entries."""
        await self.reaches(stage)
        await self.mail_is_out()
        while len(self.letters) < len(letters):
            await self.gets(next(kind for kind in letters if self.kinds().count(kind) < letters.count(kind)))
        got = self.kinds()
        assert (sorted(got) if any_order else got) == (sorted(letters) if any_order else list(letters))
        assert await self.money() == list(money)
        transfers = await self.transfers()
        if "attempt_sent" in money:
            assert [one["amount"] for one in transfers] == [22_000]
            assert {one["destination"] for one in transfers} == {self.account}
            payout = (await self.place.ops.get(f"/collaborations/{self.collaboration_id}/payouts"))["items"][
                0
            ]
            assert (payout["state"], payout["amount"]) == ("confirmed", 22_000)
        else:
            assert transfers == []
        page = await self.visit()
        assert page.status == httpx.codes.OK
        assert not page.offers("accept")
        assert not page.offers("payment")

    async def eventually(self, question: Callable[[], Awaitable[Any]], answer: object) -> None:
        """Ask until this is the answer."""
        until = time.monotonic() + PATIENCE
        while (given := await question()) != answer:
            assert time.monotonic() < until, f"still {given!r}"
            await asyncio.sleep(0.5)

    async def mail_is_out(self) -> None:
        """Wait until every letter of this collaboration is sent, or was not needed any more."""
        until = time.monotonic() + PATIENCE
        while True:
            notices = await self.place.ops.get(f"/collaborations/{self.collaboration_id}/notices")
            if all(one["state"] in ("sent", "skipped") for one in notices["items"]):
                return
            assert time.monotonic() < until, "letters wait to be sent"
            await asyncio.sleep(0.5)


def words_of(page: Page) -> str:
    """The beginning of what stands on a page, for a message."""
    body = page.text.partition("<main")[2] or page.text
    return " ".join(body.split())[:600]
