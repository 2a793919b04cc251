"""Live posts: taken down, by the wrong account, badly marked, mended or not, and judged by a person."""

from __future__ import annotations

from tests.lifecycle.life import PAID, RETURNED, Life, Mark
from tests.lifecycle.stories import story

YES = ["invitation", "accepted"]


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


@story("paid", country="GB", needs_draft=False)
async def test_a_post_that_no_rule_can_judge_is_accepted_by_a_person_and_paid(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    await life.posts()
    await life.waits_for("post_unsure")
    await life.orders("accept_post", reason="clearly_marked")
    await life.ends("completed", [*YES, "post_accepted", "paid"], PAID, any_order=True)
