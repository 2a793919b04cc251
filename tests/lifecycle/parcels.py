"""Everything that goes wrong between warehouse and doorstep. No clock runs against who has no parcel."""

from __future__ import annotations

from tests.lifecycle.life import RETURNED, Life
from tests.lifecycle.people import NOTE
from tests.lifecycle.stories import story

ARRIVED = ["invitation", "accepted", "shipped", "delivered"]


@story("gifting")
async def test_an_address_that_cannot_be_shipped_to_is_mended_and_shipped_to(life: Life) -> None:
    await life.accepts()
    await life.parcel()
    await life.orders("reject_address", reason="street_unknown")
    await life.gets("address_problem")
    mended = life.person.address() | {"street_address": f"{life.person.street}, rear house"}
    await life.sends("address", {"recipient": life.person.name, **mended})
    await life.parcel()
    assert mended["street_address"] in (await life.pick_list()).values()
    await life.parcel_arrives()
    await life.posts()
    await life.ends("completed", ["invitation", "accepted", "address_problem", "shipped", "delivered"])


@story("gifting_paid", stock=2, alone=True, address_within="4s")
async def test_an_address_that_is_never_mended_closes_the_file_and_frees_the_piece(life: Life) -> None:
    await life.accepts()
    await life.parcel()
    await life.orders("reject_address", reason="street_unknown")
    await life.ends("expired", ["invitation", "accepted", "address_problem"], RETURNED)
    assert (await life.shown())["end_reason"] == "address"
    assert await life.campaign.pieces() == (2, 0)


@story("gifting_agreed", stock=2, alone=True, needs_draft=False)
async def test_a_lost_parcel_is_replaced_and_the_clock_starts_at_the_second_doorstep(life: Life) -> None:
    await life.accepts()
    await life.brand_ships()
    await life.carrier_says("in_transit", "lost")
    await life.gets("parcel_replaced")
    assert (await life.reaches("preparing"))["due_at"] is None
    await life.parcel_arrives()
    assert (await life.reaches("in_production"))["due_at"] is not None
    await life.posts()
    letters = ["invitation", "accepted", "shipped", "parcel_replaced", "shipped", "delivered"]
    await life.ends("completed", letters)
    assert await life.campaign.pieces() == (2, 2)


@story("gifting_paid")
async def test_a_second_lost_parcel_excuses_the_creator_without_a_mark(life: Life) -> None:
    await life.accepts()
    for kind in ("parcel_replaced", "parcel_excused"):
        await life.brand_ships()
        await life.carrier_says("lost")
        await life.gets(kind)
    letters = ["invitation", "accepted", "shipped", "parcel_replaced", "shipped", "parcel_excused"]
    await life.ends("excused", letters, RETURNED)
    assert "no mark" in (await life.visit()).text


@story("gifting_paid", stock=1, alone=True)
async def test_a_lost_parcel_that_no_stock_can_replace_excuses_the_creator(life: Life) -> None:
    await life.accepts()
    await life.brand_ships()
    await life.carrier_says("lost")
    await life.ends("excused", ["invitation", "accepted", "shipped", "parcel_excused"], RETURNED)
    assert await life.campaign.pieces() == (1, 1)


@story("gifting", stock=5, alone=True)
async def test_a_returned_parcel_is_sent_again_after_the_address_was_confirmed(life: Life) -> None:
    await life.accepts()
    await life.brand_ships()
    await life.carrier_says("attempt_failed", "returned")
    await life.gets("parcel_returned")
    await life.sends("address", {"recipient": life.person.name, **life.person.address()})
    await life.parcel_arrives()
    await life.posts()
    letters = ["invitation", "accepted", "shipped", "parcel_returned", "shipped", "delivered"]
    await life.ends("completed", letters)
    assert await life.campaign.pieces() == (5, 1)


@story("gifting_agreed", stock=5, alone=True, needs_draft=False)
async def test_a_broken_parcel_is_reported_and_replaced(life: Life) -> None:
    await life.accepts_and_receives()
    await life.sends("parcel", {"problem": "damaged", "note": NOTE})
    await life.gets("parcel_report_received")
    assert (await life.waits_for("parcel_disputed"))["due_at"] is None
    await life.orders("lose", reason="damaged")
    await life.gets("parcel_replaced")
    await life.parcel_arrives()
    await life.posts()
    letters = [*ARRIVED, "parcel_report_received", "parcel_replaced", "shipped", "delivered"]
    await life.ends("completed", letters)
    assert await life.campaign.pieces() == (5, 2)


@story("gifting", review_within="3s")
async def test_a_report_that_the_brand_never_answers_is_believed(life: Life) -> None:
    await life.accepts_and_receives()
    await life.sends("parcel", {"problem": "wrong_item", "note": NOTE})
    await life.gets("parcel_replaced")
    await life.steps_back()
    await life.ends("withdrawn_by_creator", [*ARRIVED, "parcel_report_received", "parcel_replaced"])


@story("gifting")
async def test_a_parcel_that_did_not_arrive_after_all_is_settled_by_the_brand(life: Life) -> None:
    await life.accepts_and_receives()
    await life.sends("parcel", {"problem": "not_arrived", "note": NOTE})
    await life.waits_for("parcel_disputed")
    await life.orders("deliver")
    await life.gets("delivered")
    await life.posts()
    await life.ends("completed", [*ARRIVED, "parcel_report_received", "delivered"])


@story("gifting")
async def test_the_creator_has_the_parcel_before_the_carrier_says_so(life: Life) -> None:
    await life.accepts()
    await life.brand_ships()
    await life.sends("arrived")
    await life.carrier_says("out_for_delivery", "delivered", "delivered")
    await life.posts()
    await life.ends("completed", ARRIVED)
    assert (await life.happened()).count("parcel_delivered") == 1


@story("gifting", silent_after="2s", lost_after="4s")
async def test_a_parcel_that_nobody_hears_of_is_asked_after_and_then_replaced(life: Life) -> None:
    await life.accepts()
    await life.brand_ships()
    await life.gets("parcel_replaced")
    happened = await life.happened()
    assert happened.index("parcel_silent") < happened.index("parcel_lost")
    await life.steps_back()
    await life.ends("withdrawn_by_creator", ["invitation", "accepted", "shipped", "parcel_replaced"])


@story("gifting", ship_within="2s")
async def test_a_parcel_that_is_not_shipped_in_time_is_the_brands_to_look_at(life: Life) -> None:
    await life.accepts()
    late = await life.waits_for("ship_late")
    assert (late["ball"], late["attention_owner"]) == ("brand", "ops")
    await life.parcel_arrives()
    assert (await life.reaches("delivered"))["attention"] is None
    await life.posts()
    await life.ends("completed", ARRIVED)
