"""A creator: reads her mail, opens the link in it, and does with the page's forms what her part says.

She acts on letters only. A new letter that asks for content replaces what she was about to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from infra.demo.cast import Account, Answer, Part, Person, Work, chance_of
from infra.demo.world.bank import Bank
from infra.demo.world.browser import Browser, Form, Page, PageFault
from infra.demo.world.content import Mark, marked, picture, story
from infra.demo.world.diary import Diary
from infra.demo.world.homes import home_in
from infra.demo.world.mailbox import Letter, Mailbox
from infra.demo.world.network import Network, Published

TRIES: Final = 12
"""How often a page is opened again, a second apart, until it shows what the letter spoke of."""


@dataclass(frozen=True)
class Pace:
    """The campaign's own clocks, in seconds: what creators go by."""

    answer: float
    content: float
    grace: float
    revise: float
    post: float
    remedy: float
    live: float
    extension: float


@dataclass(frozen=True)
class Deal:
    """What a creator knows of the campaign that she is in."""

    brand: str
    paid: bool
    video: bool
    pace: Pace


@dataclass(frozen=True)
class Places:
    """What every creator can reach."""

    mailbox: Mailbox
    network: Network
    bank: Bank
    diary: Diary


class Creator:
    """One creator in one campaign."""

    def __init__(self, person: Person, part: Part, deal: Deal, places: Places, browser: Browser) -> None:
        self.person = person
        self.part = part
        self._deal = deal
        self._places = places
        self._browser = browser
        self._chance = chance_of(person.email, "doing")
        self._words = story(self._chance)
        self._box = places.mailbox.box(person.email)
        self._doing: dict[str, tuple[asyncio.Task[None], str]] = {}
        """What she is at: the task and the kind of letter that began it."""
        self._answered = False
        self._reported = False
        self._drafts = 0
        self._asked_to_pay = 0
        self._posts: list[Published] = []
        self._account = ""
        self._setups = 0

    async def live(self) -> None:
        """Read letters until cancelled."""
        try:
            while True:
                self._take(await self._box.get())
        finally:
            await self._drop()

    def _take(self, letter: Letter) -> None:
        """Begin what a letter asks for. Money and content are apart: neither waits for the other."""
        reaction = _REACTIONS.get(letter.kind)
        about = "money" if letter.kind in _ABOUT_MONEY else "content"
        task, kind = self._doing.get(about, (None, ""))
        busy = task is not None and not task.done()
        if reaction is None or not letter.link or (busy and kind == letter.kind):
            return
        if busy and task is not None:
            task.cancel()
        self._doing[about] = (asyncio.create_task(self._do(letter, reaction)), letter.kind)

    async def _do(self, letter: Letter, reaction: Callable[[Creator, Letter], Awaitable[None]]) -> None:
        try:
            await reaction(self, letter)
        except (PageFault, httpx.HTTPError) as error:
            self._places.diary.stumble(f"{self.person.handle}, {letter.kind}", error)

    async def _drop(self) -> None:
        for task, _ in self._doing.values():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # --- what letters ask for -----------------------------------------------------------------------

    async def answer(self, letter: Letter) -> None:
        """Look at the offer, think, and say yes, no, or nothing."""
        if self._answered or self.part.answer is Answer.SILENT:
            return
        await asyncio.sleep(self.part.answer_after * self._deal.pace.answer)
        self._answered = True
        if self.part.answer is Answer.DECLINE:
            page, form = await self._find(letter.link, "decline")
            reason = self._chance.choice([choice for choice in form.choices("reason") if choice != "other"])
            await self._send(page, form, {"reason": reason, "note": "Thank you for asking."})
            return
        page, form = await self._find(letter.link, "accept")
        values = {"legal_name": self.person.name, "consent": "yes", **home_in(self.person.country)}
        if variants := form.choices("variant"):
            values["variant"] = self._chance.choice(variants)
        await self._send(page, form, values)

    async def begin(self, letter: Letter) -> None:
        """The parcel is there, or nothing is shipped: report what came broken, else make the content."""
        if self.part.broken and not self._reported:
            self._reported = True
            page, form = await self._find(letter.link, "parcel")
            note = "The lid is in three pieces."
            await self._send(page, form, {"problem": "damaged", "note": note})
            return
        if self.part.work is Work.NEVER:
            return
        await self._work(letter)
        page = await self._browser.open(letter.link)
        if page.offers("draft"):
            await self._hand_in_draft(letter)
        else:
            await self._hand_in_post(letter)

    async def rework(self, letter: Letter) -> None:
        """Change the draft as asked."""
        await asyncio.sleep(self._deal.pace.revise * 0.35)
        await self._hand_in_draft(letter)

    async def go_live(self, letter: Letter) -> None:
        """The draft is approved: publish."""
        await asyncio.sleep(self._deal.pace.post * 0.25)
        await self._hand_in_post(letter)

    async def mend(self, letter: Letter) -> None:
        """Edit the mark of the post as the letter says, and ask for another look."""
        if not self.part.mends:
            return
        await asyncio.sleep(self._deal.pace.remedy * 0.3)
        shown = self._shown(Mark.RIGHT)
        for post in self._posts:
            await self._places.network.edit(post, **shown)
        page, form = await self._find(letter.link, "recheck")
        await self._send(page, form, {})

    async def publish_again(self, letter: Letter) -> None:
        """The post is gone: put it back, and say where."""
        await asyncio.sleep(self._deal.pace.remedy * 0.3)
        page, form = await self._find(letter.link, "post")
        await self._publish(page, form, Mark.RIGHT)

    async def confirm_address(self, letter: Letter) -> None:
        """Type the address once more."""
        await asyncio.sleep(2.0)
        page, form = await self._find(letter.link, "address")
        await self._send(page, form, {"recipient": self.person.name, **home_in(self.person.country)})

    async def agreed(self, letter: Letter) -> None:
        """The careful kind sets up the payment account as soon as there is an agreement."""
        if self.part.account is Account.EARLY_BUT_BLOCKED and self._deal.paid:
            await asyncio.sleep(1.0)
            await self._set_up_payment(letter)
            await self._places.bank.ask_for_a_document(self._account)

    async def get_paid(self, letter: Letter) -> None:
        """Money waits: set up the account, at once or at the second letter."""
        self._asked_to_pay += 1
        blocked = self.part.account is Account.EARLY_BUT_BLOCKED
        ready = self._setups >= (2 if blocked else 1)
        if ready or (self.part.account is Account.SLOWLY and self._asked_to_pay < 2):
            return
        await asyncio.sleep(self._chance.uniform(0.5, 3.0))
        await self._set_up_payment(letter)

    # --- how she does it ----------------------------------------------------------------------------

    async def _work(self, letter: Letter) -> None:
        """The time that the content takes."""
        pace, share = self._deal.pace, self.part.work_after
        if self.part.work is Work.LATE:
            await asyncio.sleep(pace.content + pace.grace * min(0.5, share))
        elif self.part.work is Work.EXTENDED:
            await asyncio.sleep(pace.content * 0.4)
            page, form = await self._find(letter.link, "extension")
            await self._send(page, form, {"span": form.choices("span")[-1]})
            await asyncio.sleep(pace.content * 0.6 + pace.extension * 0.3)
        else:
            await asyncio.sleep(pace.content * share)

    async def _hand_in_draft(self, letter: Letter) -> None:
        page, form = await self._find(letter.link, "draft")
        self._drafts += 1
        file = await self._browser.upload(page, f"draft-{self._drafts}.png", picture(self._chance))
        caption = str(self._shown(Mark.RIGHT)["caption"])
        await self._send(page, form, {"caption": caption}, {"asset": [file]})

    async def _hand_in_post(self, letter: Letter) -> None:
        page, form = await self._find(letter.link, "post")
        await self._publish(page, form, self.part.first_mark)
        if self.part.takes_down:
            await asyncio.sleep(self._deal.pace.live * 0.4)
            for post in self._posts:
                await self._places.network.take_down(post)

    async def _publish(self, page: Page, form: Form, mark: Mark) -> None:
        """Publish one post for each address that the form asks for, and send the addresses."""
        shown = self._shown(mark)
        caption = shown.pop("caption")
        fields = [one.name for one in form.fields if one.name.startswith("url_")]
        person, network = self.person, self._places.network
        self._posts = [
            await network.publish(person.platform, person.handle, caption, **shown) for _ in fields
        ]
        addresses = {name: post.url for name, post in zip(fields, self._posts, strict=True)}
        await self._send(page, form, addresses)

    def _shown(self, mark: Mark) -> dict[str, Any]:
        deal = self._deal
        return marked(self._words, mark, paid=deal.paid, brand=deal.brand, video=deal.video)

    async def _set_up_payment(self, letter: Letter) -> None:
        """Go through the page to Stripe's own form, fill it in, and come back."""
        page, form = await self._find(letter.link, "payment")
        stripe = await self._browser.send(page, form, {})
        finish = next((one for one in stripe.forms if one.choices("outcome")), None)
        if finish is None:
            raise PageFault(f"Stripe's form did not open: {stripe.status}")
        self._account = urlsplit(stripe.url).path.rstrip("/").split("/")[-2]
        if self.part.account is Account.EARLY_BUT_BLOCKED and self._asked_to_pay:
            await self._places.bank.lose_an_answer()  # money is about to go out, to her or to the next one
        await self._send(stripe, finish, {"outcome": "active"})
        self._setups += 1

    async def _find(self, link: str, name: str) -> tuple[Page, Form]:
        """The page with a form on it. A letter may be a moment ahead of the page, so look again."""
        page = await self._browser.open(link)
        for _ in range(TRIES):
            if page.offers(name):
                break
            await asyncio.sleep(1.0)
            page = await self._browser.open(link)
        return page, page.form(name)

    async def _send(
        self, page: Page, form: Form, values: dict[str, str], lists: dict[str, list[str]] | None = None
    ) -> None:
        """Send a form; again while the answer is "still working". Raises `PageFault` when it is refused."""
        answer = await self._browser.send(page, form, values, lists)
        for _ in range(TRIES):
            if answer.status != httpx.codes.ACCEPTED:
                break
            await asyncio.sleep(1.0)
            answer = await self._browser.send(answer, answer.form(form.name), {})
        if answer.status >= httpx.codes.BAD_REQUEST or answer.status == httpx.codes.ACCEPTED:
            raise PageFault(f"the form {form.name!r} was answered with {answer.status}")


_ABOUT_MONEY: Final = ("accepted", "payment_setup")
Reaction = Callable[[Creator, Letter], Coroutine[Any, Any, None]]
_REACTIONS: Final[dict[str, Reaction]] = {
    "invitation": Creator.answer,
    "accepted": Creator.agreed,
    "delivered": Creator.begin,
    "changes_requested": Creator.rework,
    "draft_approved": Creator.go_live,
    "disclosure_fix": Creator.mend,
    "post_problem": Creator.publish_again,
    "parcel_returned": Creator.confirm_address,
    "address_problem": Creator.confirm_address,
    "payment_setup": Creator.get_paid,
}
"""Kind of letter -> what she does; other kinds are read and need nothing."""
