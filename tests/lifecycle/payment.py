"""Payment on a bad day: no account, no money, answers and messages of Stripe lost, late or early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lifecycle.life import PAID, Life, words_of
from tests.lifecycle.stories import FEE, story

YES = ["invitation", "accepted"]
REFUSED_FIRST = [
    "fee_held",
    "fee_earned",
    "attempt_opened",
    "attempt_refused",
    "attempt_opened",
    "attempt_sent",
]


@story("paid", needs_draft=False)
async def test_money_waits_for_an_account_that_is_not_ready_and_then_goes_out(life: Life) -> None:
    await life.accepts()
    await life.posts()
    await life.gets("payment_setup")
    back = await life.sets_up_payment("due")
    assert "needs something more" in back.text
    assert (await life.waits_for("payee_missing"))["ball"] == "creator"
    await life.sets_up_payment("active")
    await life.ends("completed", [*YES, "payment_setup", "paid"], PAID)


@story("paid", needs_draft=False, currency="EUR")
async def test_a_transfer_refused_for_lack_of_funds_goes_out_once_there_are_some(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    await life.posts()
    await life.waits_for("funds_short")
    await life.place.bank.top_up(FEE, "EUR")
    await life.ends("completed", [*YES, "paid"], REFUSED_FIRST)


@asynccontextmanager
async def messages(life: Life, *modes: str) -> AsyncIterator[None]:
    """Stripe's messages behave like this for a while."""
    await life.place.stripe("webhooks", mode=list(modes))
    try:
        yield
    finally:
        await life.place.stripe("webhooks", mode=["duplicate"])


@story("paid", needs_draft=False, act=2)
async def test_a_transfer_to_an_account_that_was_just_blocked_is_refused_and_made_later(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    async with messages(life, "drop"):
        await life.place.bank.ask_for_a_document(life.account)
        await life.posts()
        await life.gets("payment_setup")
        await life.sets_up_payment()
        await life.ends("completed", [*YES, "payment_setup", "paid"], REFUSED_FIRST)


@story("paid", needs_draft=False, act=2)
async def test_an_unknown_outcome_is_looked_up_and_never_sent_twice(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    async with messages(life, "drop"):
        await life.place.stripe("faults", action="reset_after_commit", method="POST", path="/v1/transfers")
        await life.posts()
        await life.ends("completed", [*YES, "paid"], PAID)
    assert (await life.place.stripe_status())["faults"] == []


@story("paid", needs_draft=False, act=2)
async def test_stripes_message_settles_a_transfer_whose_answer_never_comes(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    await life.place.stripe("faults", action="timeout_after_commit", method="POST", path="/v1/transfers")
    await life.posts()
    await life.ends("completed", [*YES, "paid"], PAID)
    assert "outcome_unknown" not in await life.happened()


@story("paid", needs_draft=False, act=2)
async def test_stripes_message_may_come_before_the_answer_to_the_click_and_to_the_transfer(
    life: Life,
) -> None:
    await life.accepts()
    await life.posts()
    await life.gets("payment_setup")
    async with messages(life, "before_answer", "duplicate"):
        await life.sets_up_payment()
        await life.ends("completed", [*YES, "payment_setup", "paid"], PAID)


@story("paid", needs_draft=False, act=2)
async def test_a_stripe_that_stumbles_before_it_begins_is_asked_again_under_the_same_key(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    await life.place.stripe("faults", action="http_500", method="POST", path="/v1/transfers", times=2)
    await life.posts()
    await life.ends("completed", [*YES, "paid"], PAID)


@story("paid", needs_draft=False, tail="6s")
async def test_a_fee_in_parts_is_paid_for_the_post_and_again_when_it_has_stayed_live(life: Life) -> None:
    await life.accepts()
    await life.sets_up_payment()
    await life.posts()
    first = await life.gets("paid")
    assert "176" in first.subject
    await life.gets("paid")
    await life.reaches("completed")
    one = ["fee_earned", "attempt_opened", "attempt_sent"]
    assert await life.money() == ["fee_held", *one, *one]
    assert sorted(transfer["amount"] for transfer in await life.transfers()) == [4_400, 17_600]
    payouts = (await life.place.ops.get(f"/collaborations/{life.collaboration_id}/payouts"))["items"]
    assert [(payout["state"], payout["amount"]) for payout in payouts] == [
        ("confirmed", 17_600),
        ("confirmed", 4_400),
    ]
    assert words_of(await life.visit()).count("confirmed by Stripe") == 2
