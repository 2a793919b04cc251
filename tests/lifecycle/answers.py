"""What creators answer, and what the brand takes back: every way out before a parcel leaves."""

from __future__ import annotations

from tests.lifecycle.life import PAID, RETURNED, Life, words_of
from tests.lifecycle.people import NOTE
from tests.lifecycle.stories import FEE, story


@story("gifting_paid", respond_within="14s", invitation_reminders=["3s"])
async def test_silence_is_reminded_once_and_then_expires(life: Life) -> None:
    await life.ends("expired", ["invitation", "invitation_reminder"])
    assert (await life.shown())["end_reason"] == "no_answer"
    assert "no mark against you" in (await life.visit()).text


@story("gifting_paid")
async def test_a_no_with_a_reason_ends_it_and_the_brand_sees_the_reason(life: Life) -> None:
    await life.gets("invitation")
    await life.sends("decline", {"reason": "fee_too_low", "note": NOTE})
    await life.ends("declined", ["invitation"])
    assert (await life.shown())["end_reason"] == "fee_too_low"


@story("gifting_paid", stock=3, alone=True)
async def test_the_brand_withdraws_before_shipping_and_piece_and_fee_are_free_again(life: Life) -> None:
    await life.accepts()
    await life.parcel()
    assert await life.campaign.pieces() == (3, 1)
    await life.orders("withdraw", reason="out_of_season")
    await life.ends("withdrawn_by_brand", ["invitation", "accepted", "withdrawn"], RETURNED)
    assert await life.campaign.pieces() == (3, 0)


@story("gifting_paid", stock=3, alone=True)
async def test_the_creator_steps_back_before_shipping_and_piece_and_fee_are_free_again(life: Life) -> None:
    await life.accepts()
    await life.steps_back()
    await life.ends("withdrawn_by_creator", ["invitation", "accepted"], RETURNED)
    assert await life.campaign.pieces() == (3, 0)


@story("paid")
async def test_handed_in_work_cannot_be_withdrawn_by_the_brand_but_by_its_creator(life: Life) -> None:
    await life.accepts()
    await life.hands_in_draft()
    assert await life.refused("withdraw", reason="changed_our_mind") == "work_handed_in"
    await life.steps_back()
    await life.ends("withdrawn_by_creator", ["invitation", "accepted"], RETURNED)


@story("gifting", people=3, stock=1, alone=True)
async def test_sold_out_is_a_polite_place_on_the_list_and_a_free_place_is_offered_again(
    lives: list[Life],
) -> None:
    first, second, third = lives
    await first.accepts()
    for late in (second, third):
        answer = await late.accepts()
        assert "your yes is kept" in answer.text
        await late.gets("waitlisted")
    campaign = first.campaign
    assert await campaign.pieces() == (1, 1)
    await first.place.restock(campaign.product_id, campaign.variant_id, 2)
    await second.orders("promote")
    await second.accepts()
    await second.parcel_arrives()
    await second.posts()
    await third.orders("close_waitlist")
    await first.steps_back()
    await second.ends(
        "completed", ["invitation", "waitlisted", "invitation", "accepted", "shipped", "delivered"]
    )
    await third.ends("waitlisted_out", ["invitation", "waitlisted", "waitlist_closed"])
    assert await campaign.pieces() == (2, 1)


@story("paid", people=2, budget=FEE, alone=True)
async def test_a_spent_budget_promises_nothing_and_a_returned_fee_can_be_promised_again(
    lives: list[Life],
) -> None:
    first, second = lives
    await first.accepts()
    answer = await second.accepts()
    assert "your yes is kept" in answer.text
    assert await second.money() == []
    await first.steps_back()
    await first.ends("withdrawn_by_creator", ["invitation", "accepted"], RETURNED)
    await second.gets("waitlisted")
    await second.orders("promote")
    await second.accepts()
    assert await second.money() == ["fee_held"]
    await second.steps_back()
    await second.ends(
        "withdrawn_by_creator", ["invitation", "waitlisted", "invitation", "accepted"], RETURNED
    )


@story("gifting", alone=True)
async def test_a_paused_campaign_takes_no_yes_and_takes_it_after_the_pause(life: Life) -> None:
    await life.gets("invitation")
    page = await life.page_with("accept")
    form = page.form("accept")
    assert (await life.campaign.steer("pause"))["status"] == "paused"
    answer = await life.settled("accept", await life.browser.send(page, form, life.yes(form)))
    assert answer.status == 409
    assert "This campaign is paused" in answer.text
    assert not (await life.visit()).offers("accept")
    assert (await life.shown())["stage"] == "invited"
    assert (await life.campaign.steer("resume"))["status"] == "live"
    await life.sends("accept", life.yes((await life.page_with("accept")).form("accept")))
    await life.steps_back()
    await life.ends("withdrawn_by_creator", ["invitation", "accepted"])


@story("gifting_paid", people=4, stock=9, alone=True)
async def test_a_cancelled_campaign_ends_what_is_not_shipped_and_pays_what_is(lives: list[Life]) -> None:
    invited, accepted, under_way, arrived = lives
    await invited.gets("invitation")
    await accepted.accepts()
    await under_way.accepts()
    await under_way.brand_ships()
    await arrived.accepts_and_receives()
    assert (await invited.campaign.steer("cancel"))["status"] == "cancelled"
    await invited.ends("withdrawn_by_brand", ["invitation", "withdrawn"])
    await accepted.ends("withdrawn_by_brand", ["invitation", "accepted", "withdrawn"], RETURNED)
    await under_way.carrier_says("delivered")
    for life in (under_way, arrived):
        await life.sets_up_payment()
        await life.draft_to_post()
        letters = ["invitation", "accepted", "shipped", "delivered", "draft_approved", "paid"]
        await life.ends("completed", letters, PAID)
    assert await invited.campaign.pieces() == (9, 2)
    assert await invited.campaign.status() == "cancelled"


@story("gifting", people=2, alone=True)
async def test_a_closed_campaign_takes_back_open_offers_and_finishes_what_was_accepted(
    lives: list[Life],
) -> None:
    open_offer, accepted = lives
    await open_offer.gets("invitation")
    page = await open_offer.page_with("accept")
    await accepted.accepts()
    assert (await accepted.campaign.steer("close"))["status"] == "closed"
    await open_offer.gets("withdrawn")
    form = page.form("accept")
    late = await open_offer.settled("accept", await open_offer.browser.send(page, form, open_offer.yes(form)))
    assert late.status < 500
    assert "You owe nothing" in late.text, words_of(late)
    await open_offer.ends("withdrawn_by_brand", ["invitation", "withdrawn"])
    await accepted.parcel_arrives()
    await accepted.posts()
    await accepted.ends("completed", ["invitation", "accepted", "shipped", "delivered"])


@story("gifting", people=2, alone=True)
async def test_a_campaign_closed_after_its_last_life_is_completed(lives: list[Life]) -> None:
    for life in lives:
        await life.gets("invitation")
        await life.sends("decline", {"reason": "timing"})
    await lives[0].campaign.steer("close")
    for life in lives:
        await life.ends("declined", ["invitation"])
    await lives[0].eventually(lives[0].campaign.status, "completed")
