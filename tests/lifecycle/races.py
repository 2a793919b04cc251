"""Things at the same moment: clicks, tabs, browsers, the last pieces, and the brand's own change of mind."""

from __future__ import annotations

import asyncio
from collections import Counter

from infra.demo.calls import CallRefused
from infra.demo.world.browser import Page
from tests.lifecycle.life import RETURNED, Life, words_of
from tests.lifecycle.stories import story

YES = ["invitation", "accepted"]


async def _clicks(life: Life, page: Page) -> Page:
    form = page.form("accept")
    return await life.settled("accept", await life.browser.send(page, form, life.yes(form)))


async def _one_yes(life: Life) -> None:
    """Whatever was clicked, one yes counted; then the story ends by stepping back."""
    assert (await life.happened()).count("offer_accepted") == 1
    assert await life.money() == ["fee_held"]
    assert await life.campaign.pieces() == (9, 1)
    await life.steps_back()
    await life.ends("withdrawn_by_creator", YES, RETURNED)


@story("gifting_paid", stock=9, alone=True)
async def test_a_double_click_on_yes_is_one_yes_with_one_answer(life: Life) -> None:
    await life.gets("invitation")
    page = await life.page_with("accept")
    answers = await asyncio.gather(*(_clicks(life, page) for _ in range(3)))
    for answer in answers:
        assert answer.status == 200, words_of(answer)
        assert "that is settled" in answer.text
    again = await _clicks(life, page)
    assert (again.status, "that is settled" in again.text) == (200, True)
    await _one_yes(life)


@story("gifting_paid", stock=9, alone=True)
async def test_yes_in_two_tabs_is_one_yes_and_a_friendly_page_in_the_other(life: Life) -> None:
    await life.gets("invitation")
    tabs = [await life.page_with("accept") for _ in range(2)]
    answers = await asyncio.gather(*(_clicks(life, page) for page in tabs))
    assert Counter(answer.status for answer in answers) in (Counter([200, 409]), Counter([200, 200]))
    assert all("<form" in answer.text and "Your parcel" in answer.text for answer in answers)
    await _one_yes(life)


@story("gifting_paid", stock=9, alone=True)
async def test_a_forwarded_link_acts_for_one_browser_only(life: Life) -> None:
    await life.gets("invitation")
    other = life.new_browser()
    mine, theirs = await life.page_with("accept"), await life.visit(other)
    form = theirs.form("accept")
    first = await _clicks(life, mine)
    second = await life.settled("accept", await other.send(theirs, form, life.yes(form)), other)
    assert (first.status, second.status) == (200, 403)
    assert "another browser" in second.text
    assert life.person.surname not in second.text
    await _one_yes(life)


@story("gifting_paid", stock=9, alone=True)
async def test_the_brand_withdraws_while_the_creator_says_yes(life: Life) -> None:
    await life.gets("invitation")
    page = await life.page_with("accept")
    answer, _ = await asyncio.gather(_clicks(life, page), life.orders("withdraw", reason="late_idea"))
    assert answer.status in (200, 409), words_of(answer)
    await life.reaches("withdrawn_by_brand")
    said_yes = "offer_accepted" in await life.happened()
    letters = [*YES, "withdrawn"] if said_yes else ["invitation", "withdrawn"]
    await life.ends("withdrawn_by_brand", letters, RETURNED if said_yes else [])
    assert await life.campaign.pieces() == (9, 0)


@story("gifting_paid", people=8, stock=9, alone=True)
async def test_a_campaign_is_cancelled_while_creators_say_yes(lives: list[Life]) -> None:
    for life in lives:
        await life.gets("invitation")
    pages = [await life.page_with("accept") for life in lives]

    async def cancel() -> None:
        await asyncio.sleep(0.05)
        await lives[0].campaign.steer("cancel")

    clicks = [_clicks(life, page) for life, page in zip(lives, pages, strict=True)]
    *answers, _ = await asyncio.gather(*clicks, cancel())
    assert all(answer.status in (200, 409) for answer in answers), [one.status for one in answers]
    for life in lives:
        await life.reaches("withdrawn_by_brand")
        said_yes = "offer_accepted" in await life.happened()
        letters = [*YES, "withdrawn"] if said_yes else ["invitation", "withdrawn"]
        await life.ends("withdrawn_by_brand", letters, RETURNED if said_yes else [], any_order=True)
    assert await lives[0].campaign.pieces() == (9, 0)


@story("gifting_paid", people=30, stock=5, alone=True)
async def test_thirty_creators_want_the_last_five_pieces(lives: list[Life]) -> None:
    await asyncio.gather(*(life.gets("invitation") for life in lives))
    pages = await asyncio.gather(*(life.page_with("accept") for life in lives))
    answers = await asyncio.gather(*(_clicks(life, page) for life, page in zip(lives, pages, strict=True)))
    assert {answer.status for answer in answers} == {200}
    assert sum("that is settled" in answer.text for answer in answers) == 5
    assert sum("so your yes is kept" in answer.text for answer in answers) == 25
    stages = Counter([(await life.shown())["stage"] for life in lives])
    assert stages == {"preparing": 5, "waitlisted": 25}
    assert await lives[0].campaign.pieces() == (5, 5)
    for life, answer in zip(lives, answers, strict=True):
        kept = "so your yes is kept" in answer.text
        await life.gets("waitlisted" if kept else "accepted")
        assert await life.money() == ([] if kept else ["fee_held"])


@story("gifting_paid", people=3, stock=9, alone=True)
async def test_an_order_of_the_brand_given_twice_at_once_counts_once(lives: list[Life]) -> None:
    for life in lives:
        await life.accepts()
        await life.parcel()

    async def withdraw(life: Life) -> str:
        try:
            await life.orders("withdraw", reason="twice")
        except CallRefused as refused:
            return refused.code
        return "done"

    for life in lives:
        codes = await asyncio.gather(withdraw(life), withdraw(life))
        assert codes.count("done") == 1, codes
        await life.ends("withdrawn_by_brand", [*YES, "withdrawn"], RETURNED)
    assert await lives[0].campaign.pieces() == (9, 0)
