"""The good way of every kind of campaign, from the invitation to its end."""

from __future__ import annotations

from tests.lifecycle.life import PAID, Life, words_of
from tests.lifecycle.stories import story


@story("gifting")
async def test_a_gift_arrives_and_its_voluntary_post_completes_the_file(life: Life) -> None:
    offer = await life.accepts()
    assert "settled" in words_of(offer)
    arrived = await life.parcel_arrives()
    assert arrived.link
    assert (await life.shown())["stage"] == "delivered"
    await life.posts()
    await life.ends("completed", ["invitation", "accepted", "shipped", "delivered"])
    assert "draft_submitted" not in await life.happened()


@story("gifting_agreed")
async def test_an_agreed_gift_ends_with_a_reviewed_draft_and_a_marked_post(life: Life) -> None:
    await life.accepts_and_receives()
    await life.draft_to_post()
    letters = ["invitation", "accepted", "shipped", "delivered", "draft_approved"]
    await life.ends("completed", letters)
    assert "payment_due" not in await life.happened()


@story("gifting_paid")
async def test_a_paid_gift_ends_with_one_transfer_after_a_change_and_a_marked_post(life: Life) -> None:
    await life.accepts()
    await life.parcel()
    line = await life.pick_list()
    assert (line["name"], line["postcode"]) == (life.person.name, life.person.postcode)
    assert life.person.street in line.values()
    await life.parcel_arrives()
    first = await life.hands_in_draft()
    await life.orders("request_changes", submission_id=first, feedback="Lid open, please.")
    await life.gets("changes_requested")
    assert "Lid open, please." in (await life.page_with("draft")).text
    second = await life.hands_in_draft()
    assert second != first
    assert await life.refused("approve", submission_id=first) == "other_draft"
    await life.orders("approve", submission_id=second)
    await life.gets("draft_approved")
    await life.posts()
    await life.gets("payment_setup")
    await life.sets_up_payment()
    letters = ["invitation", "accepted", "shipped", "delivered", "changes_requested", "draft_approved"]
    await life.ends("completed", [*letters, "payment_setup", "paid"], PAID)
    gates = await life.place.ops.get(f"/collaborations/{life.collaboration_id}/gates")
    assert {gate["result"] for gate in gates["gates"]} == {"pass"}


@story("paid")
async def test_a_paid_post_without_a_parcel_is_paid_at_once_when_the_account_is_ready(life: Life) -> None:
    await life.accepts()
    assert (await life.reaches("in_production"))["due_at"] is not None
    await life.sets_up_payment()
    await life.draft_to_post()
    await life.ends("completed", ["invitation", "accepted", "draft_approved", "paid"], PAID)
