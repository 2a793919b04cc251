"""Live posts: taken down, by the wrong account, badly marked, mended or not, and judged by a person."""

from __future__ import annotations

from tests.lifecycle.life import PAID, RETURNED, Life, Mark
from tests.lifecycle.stories import story

YES = ["invitation", "accepted"]
LOOKS = ["4s", "9s", "15s", "22s", "30s", "45s", "60s", "80s", "100s", "130s", "160s", "200s"]
"""When the watch looks: often enough for whatever a slow machine does in between."""


@story("paid", needs_draft=False, live_for="9s")
async def test_a_post_taken_down_too_early_is_put_back_and_paid(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    post = await life.posts()
    await life.reaches("verified")
    await life.place.network.take_down(post)
    await life.gets("post_problem")
    await life.posts()
    await life.ends("completed", [*YES, "post_problem", "paid"], PAID)


@story("paid", needs_draft=False, live_for="9s", remedy_within="3s")
async def test_a_post_taken_down_for_good_is_not_paid(life: Life) -> None:
    await life.accepts()
    post = await life.posts()
    await life.reaches("verified")
    await life.place.network.take_down(post)
    await life.waits_for("post_not_mended")
    await life.orders("reject_post", reason="taken_down")
    await life.ends("failed", [*YES, "post_problem", "post_rejected"], RETURNED)


@story("paid", needs_draft=False)
async def test_a_post_by_another_account_is_not_taken_and_ones_own_is(life: Life) -> None:
    await life.accepts()
    await life.posts(handle="somebody.else")
    await life.gets("post_problem")
    await life.sets_up_payment()
    await life.posts()
    await life.ends("completed", [*YES, "post_problem", "paid"], PAID)


@story("paid", needs_draft=False)
async def test_a_post_without_a_mark_is_mended_and_paid(life: Life) -> None:
    await life.accepts()
    post = await life.posts(Mark.NONE)
    await life.gets("disclosure_fix")
    await life.place.network.edit(post, caption=life.caption(Mark.RIGHT))
    await life.sends("recheck")
    await life.gets("payment_setup")
    await life.sets_up_payment()
    await life.ends("completed", [*YES, "disclosure_fix", "payment_setup", "paid"], PAID)


@story("paid", needs_draft=False, remedy_within="3s")
async def test_a_weak_mark_that_is_never_mended_is_rejected_and_the_fee_returns(life: Life) -> None:
    await life.accepts()
    await life.posts(Mark.WEAK)
    await life.waits_for("post_not_mended")
    await life.orders("reject_post", reason="not_marked")
    await life.ends("failed", [*YES, "disclosure_fix", "post_rejected"], RETURNED)


@story("paid", country="CH", needs_draft=False)
async def test_a_post_that_no_rule_can_judge_is_accepted_by_a_person_and_paid(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    await life.posts()
    await life.waits_for("post_unsure")
    await life.orders("accept_post", reason="clearly_marked")
    await life.ends("completed", [*YES, "post_accepted", "paid"], PAID, any_order=True)


@story("paid", needs_draft=False, watch_after=LOOKS)
async def test_a_post_taken_down_after_its_payment_is_told_to_both_and_settled_by_a_person(
    life: Life,
) -> None:
    await life.accepts()
    await life.sets_up_payment()
    post = await life.posts()
    await life.reaches("completed")
    await life.place.network.take_down(post)
    letter = await life.gets("post_changed")
    assert "not visible" in letter.text
    await life.waits_for("post_changed")
    await life.orders("settle_finding", verdict="rejected", reason="taken_down")
    assert (await life.shown())["attention"] is None
    assert await life.refused("settle_finding", verdict="accepted", reason="twice") == "no_finding"
    await life.ends("completed", [*YES, "paid", "post_changed"], PAID)
    (found,) = await life.events("post_changed")
    assert (found["stage"], found["data"]["problem"]) == ("completed", "removed")


@story("paid", needs_draft=False, watch_after=LOOKS)
async def test_a_label_lost_after_the_payment_is_put_back_and_settles_itself(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    post = await life.posts()
    await life.reaches("completed")
    await life.place.network.edit(post, caption=life.caption(Mark.NONE))
    letter = await life.gets("post_changed")
    assert "exact words" in letter.text
    await life.waits_for("post_changed")
    await life.place.network.edit(post, caption=life.caption(Mark.RIGHT))
    await life.until_it_happened("post_mended")
    assert (await life.shown())["attention"] is None
    await life.ends("completed", [*YES, "paid", "post_changed"], PAID)


@story("paid", needs_draft=False, watch_after=LOOKS)
async def test_a_post_edited_and_honest_still_bothers_nobody(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    post = await life.posts()
    await life.reaches("completed")
    await life.place.network.edit(post, caption=life.caption(Mark.RIGHT) + " Thank you all!")
    await life.is_looked_at("edited")
    assert (await life.shown())["attention"] is None
    await life.ends("completed", [*YES, "paid"], PAID)


@story("paid", needs_draft=False, watch_after=LOOKS)
async def test_another_film_under_the_same_address_is_looked_at_by_a_person(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    post = await life.posts()
    await life.reaches("completed")
    await life.place.network.edit(post, media="another film")
    await life.waits_for("post_changed")
    await life.orders("settle_finding", verdict="accepted", reason="same_content")
    await life.ends("completed", [*YES, "paid"], PAID)


@story("paid", needs_draft=False, watch_after=LOOKS)
async def test_a_fee_that_is_owed_goes_back_when_its_post_is_private_and_is_earned_again(life: Life) -> None:
    await life.accepts()
    post = await life.posts()
    await life.waits_for("payee_missing")
    await life.gets("payment_setup")
    await life.place.network.edit(post, is_private=True)
    await life.gets("post_problem")
    await life.reaches("disclosure_check")
    await life.place.network.edit(post, is_private=False)
    await life.sends("recheck")
    await life.reaches("payable")
    await life.gets("payment_setup")
    await life.sets_up_payment()
    letters = [*YES, "payment_setup", "post_problem", "payment_setup", "paid"]
    money = ["fee_held", "fee_earned", "fee_unearned", "fee_earned", "attempt_opened", "attempt_sent"]
    await life.ends("completed", letters, money)
