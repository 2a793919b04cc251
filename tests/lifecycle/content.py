"""Drafts, reviews, more time, and what happens when nobody does anything."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from tests.lifecycle.life import RETURNED, Life
from tests.lifecycle.stories import story

YES = ["invitation", "accepted"]


@story("paid", content_within="2s")
async def test_a_late_draft_is_taken_in_the_extra_time(life: Life) -> None:
    await life.accepts()
    await asyncio.sleep(3)
    draft = await life.hands_in_draft()
    assert [event["data"]["late"] for event in await life.events("draft_submitted")] == [True]
    await life.orders("approve", submission_id=draft)
    await life.gets("draft_approved")
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "draft_approved"], RETURNED)


@story("paid", content_within="3s", grace="1s")
async def test_agreed_content_that_never_comes_closes_the_file_and_returns_the_fee(life: Life) -> None:
    await life.accepts()
    await life.ends("no_post", [*YES, "closed_no_post"], RETURNED)
    assert (await life.shown())["end_reason"] == "not_delivered"


@story("gifting", content_within="3s", grace="1s")
async def test_a_plain_gift_without_a_post_is_closed_with_no_mark(life: Life) -> None:
    await life.accepts_and_receives()
    await life.ends("no_post", [*YES, "shipped", "delivered", "closed_no_post"])
    assert (await life.shown())["end_reason"] == "not_owed"
    assert "You owed nothing" in (await life.visit()).text


@story("paid", content_within="8s", content_reminders=["5s"])
async def test_content_that_is_not_there_yet_is_asked_for_once(life: Life) -> None:
    await life.accepts()
    await life.gets("content_reminder")
    await life.hands_in_draft()
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "content_reminder"], RETURNED)


@story("paid", revisions=1)
async def test_the_brand_may_ask_for_changes_only_as_often_as_it_said(life: Life) -> None:
    await life.accepts()
    first = await life.hands_in_draft()
    await life.orders("request_changes", submission_id=first, feedback="More steam.")
    await life.gets("changes_requested")
    second = await life.hands_in_draft()
    code = await life.refused("request_changes", submission_id=second, feedback="Even more steam.")
    assert code == "revision_limit"
    await life.orders("approve", submission_id=second)
    await life.gets("draft_approved")
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "changes_requested", "draft_approved"], RETURNED)


@story("paid", review_within="2s")
async def test_silence_of_the_brand_approves_the_draft(life: Life) -> None:
    await life.accepts()
    await life.hands_in_draft()
    await life.gets("draft_approved")
    assert [event["data"]["by_silence"] for event in await life.events("draft_approved")] == [True]
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "draft_approved"], RETURNED)


async def _asks_for(life: Life, span: str) -> datetime:
    """Ask for more time; answers when the content was due before."""
    due = datetime.fromisoformat((await life.shown())["due_at"])
    page = await life.page_with("extension")
    assert span in page.form("extension").choices("span")
    await life.sends("extension", {"span": span})
    return due


async def _due(life: Life) -> datetime:
    return datetime.fromisoformat((await life.shown())["due_at"])


@story("paid")
async def test_a_little_more_time_is_granted_at_once(life: Life) -> None:
    await life.accepts()
    before = await _asks_for(life, "10m")
    await life.gets("extension_granted")
    assert await _due(life) - before == timedelta(minutes=10)
    assert (await life.shown())["attention"] is None
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "extension_granted"], RETURNED)


@story("paid")
async def test_much_more_time_is_asked_for_and_granted_by_the_brand(life: Life) -> None:
    await life.accepts()
    before = await _asks_for(life, "2h")
    await life.waits_for("extension_asked")
    assert await _due(life) == before
    await life.orders("grant_extension")
    await life.gets("extension_granted")
    assert await _due(life) - before == timedelta(hours=2)
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "extension_granted"], RETURNED)


@story("paid")
async def test_much_more_time_is_refused_by_the_brand_and_the_date_stays(life: Life) -> None:
    await life.accepts()
    before = await _asks_for(life, "2h")
    await life.waits_for("extension_asked")
    await life.orders("refuse_extension")
    await life.gets("extension_refused")
    assert await _due(life) == before
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "extension_refused"], RETURNED)


@story("paid", review_within="2s")
async def test_silence_of_the_brand_grants_more_time(life: Life) -> None:
    await life.accepts()
    before = await _asks_for(life, "2h")
    await life.gets("extension_granted")
    assert await _due(life) - before == timedelta(hours=2)
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*YES, "extension_granted"], RETURNED)
