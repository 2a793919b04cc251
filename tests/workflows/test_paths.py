"""Whole lives of collaborations over weeks, in a world whose clock skips: every type and every way out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.contracts import GateAnswer, Recorded, TransferAnswer
from domain.commands import (
    Accept,
    AcceptPost,
    Approve,
    AskExtension,
    CheckOutcome,
    ConfirmTransfer,
    CorrectAddress,
    Decline,
    DeclineReason,
    Deliver,
    GrantExtension,
    Lose,
    ParcelProblem,
    Reassess,
    Recheck,
    RefuseExtension,
    RejectAddress,
    RejectPost,
    ReportParcel,
    RequestChanges,
    Return,
    Ship,
    SubmitDraft,
    SubmitPost,
    TransferResult,
    Withdraw,
)
from domain.decisions.fulfilment import current_shipment
from domain.ids import derived_id
from domain.offer import CampaignType
from domain.stages import Attention, Stage
from tests.workflows.world import BRAND, CARRIER, CREATOR, STRIPE, Life, Outside, living, opening

ANSWER = derived_id("answer", "a")
VARIANT = derived_id("variant", "v")
DRAFT = derived_id("submission", "draft")
POST = derived_id("submission", "post")


async def accept(life: Life) -> Any:
    state = await life.until(Stage.INVITED)
    variant = VARIANT if state.type.ships else None
    return await life.give(Accept(answer_id=ANSWER, offer_id=state.offer_id, variant_id=variant), CREATOR)


async def ship(life: Life) -> None:
    state = await life.state()
    await life.give(Ship(shipment_id=current_shipment(state)), BRAND)


async def deliver(life: Life) -> None:
    state = await life.state()
    await life.give(Deliver(shipment_id=current_shipment(state)), CARRIER)


async def to_production(life: Life) -> None:
    await accept(life)
    await ship(life)
    await deliver(life)


async def to_approved(life: Life) -> None:
    await to_production(life)
    await life.give(SubmitDraft(submission_id=DRAFT), CREATOR)
    await life.give(Approve(submission_id=DRAFT), BRAND)


async def to_posted(life: Life) -> None:
    await to_approved(life)
    await life.give(SubmitPost(submission_id=POST), CREATOR)


async def test_gifting_paid_from_invitation_to_payment() -> None:
    async with living(opening()) as life:
        await to_posted(life)
        await life.until(Stage.PAID)
        await life.give(ConfirmTransfer(payout_id=life.payout(), transfer_id="tr_1"), STRIPE)
        await life.handle.result()
        assert life.outside.events == [
            "invitation_sent", "offer_accepted", "preparation_started", "parcel_shipped",
            "parcel_delivered", "production_started", "draft_submitted", "draft_approved",
            "post_submitted", "disclosure_passed", "payment_due", "attempt_opened", "transfer_sent",
            "transfer_confirmed",
        ]  # fmt: skip
        assert life.outside.mails == [
            "invitation", "accepted", "shipped", "delivered", "draft_approved", "paid",
        ]  # fmt: skip


async def test_paid_ships_nothing_and_starts_its_clock_at_the_yes() -> None:
    async with living(opening(CampaignType.PAID, needs_draft=False)) as life:
        answer = await accept(life)
        assert answer.stage is Stage.IN_PRODUCTION
        await life.give(SubmitPost(submission_id=POST), CREATOR)
        await life.until(Stage.PAID)
        assert "parcel_shipped" not in life.outside.events


async def test_gifting_completes_without_money() -> None:
    async with living(opening(CampaignType.GIFTING)) as life:
        await to_production(life)
        assert await life.stage() is Stage.DELIVERED
        await life.give(SubmitPost(submission_id=POST), CREATOR)
        await life.handle.result()
        assert life.outside.events[-1] == "collaboration_completed"


async def test_agreed_gifting_needs_its_draft_first() -> None:
    async with living(opening(CampaignType.GIFTING_AGREED)) as life:
        await to_production(life)
        assert await life.refused(SubmitPost(submission_id=POST), CREATOR) == "draft_first"
        await life.give(SubmitDraft(submission_id=DRAFT), CREATOR)
        await life.give(Approve(submission_id=DRAFT), BRAND)
        await life.give(SubmitPost(submission_id=POST), CREATOR)
        await life.handle.result()
        assert life.outside.events[-1] == "collaboration_completed"


async def test_gift_without_post_closes_with_no_mark() -> None:
    async with living(opening(CampaignType.GIFTING)) as life:
        await to_production(life)
        await life.handle.result()
        assert life.outside.changes[-1].patch["end_reason"] == "not_owed"
        assert life.outside.mails.count("content_reminder") == 2
        delivered, closed = life.outside.moment("parcel_delivered"), life.outside.moment("content_closed")
        assert timedelta(days=35) <= closed - delivered < timedelta(days=36)


async def test_silence_expires_after_two_reminders() -> None:
    async with living(opening()) as life:
        await life.handle.result()
        assert life.outside.events == [
            "invitation_sent",
            "reminder_sent",
            "reminder_sent",
            "invitation_expired",
        ]
        assert life.outside.mails == ["invitation", "invitation_reminder", "invitation_reminder"]


async def test_no_reminder_after_the_answer() -> None:
    async with living(opening()) as life:
        await life.until(Stage.INVITED)
        await life.days(4)
        await accept(life)
        await life.days(3)
        assert life.outside.mails.count("invitation_reminder") == 1


async def test_decline_with_reason() -> None:
    async with living(opening()) as life:
        await life.until(Stage.INVITED)
        await life.give(Decline(reason=DeclineReason.TIMING), CREATOR)
        await life.handle.result()
        assert life.outside.changes[-1].patch["end_reason"] == "timing"


async def test_sold_out_keeps_the_yes_on_the_waitlist() -> None:
    outside = Outside()
    outside.refuse["accept"] = Recorded(refused="sold_out", message="none left")
    async with living(opening(), outside) as life:
        answer = await accept(life)
        assert (answer.stage, answer.outcome) == (Stage.WAITLISTED, "waitlisted")
        assert "waitlisted" in outside.mails


@pytest.mark.parametrize("code", ["campaign_paused", "campaign_closed", "invalid"])
async def test_a_refusal_that_is_not_about_stock_leaves_the_offer_open(code: str) -> None:
    outside = Outside()
    outside.refuse["accept"] = Recorded(refused=code, message="not now")
    async with living(opening(), outside) as life:
        state = await life.until(Stage.INVITED)
        command = Accept(answer_id=ANSWER, offer_id=state.offer_id, variant_id=VARIANT)
        assert await life.refused(command, CREATOR) == code
        assert await life.stage() is Stage.INVITED


@pytest.mark.parametrize("when", ["invited", "preparing", "shipped", "in_production"])
async def test_brand_withdraws_before_work_is_handed_in(when: str) -> None:
    async with living(opening()) as life:
        await life.until(Stage.INVITED)
        for step in (accept, ship, deliver)[
            : ["invited", "preparing", "shipped", "in_production"].index(when)
        ]:
            await step(life)
        await life.give(Withdraw(reason="campaign_ended"), BRAND)
        await life.handle.result()
        effects = [effect.do for effect in life.outside.changes[-1].effects]
        assert ("void_fee" in effects) == (when != "invited")
        assert ("release_stock" in effects) == (when == "preparing")
        assert "withdrawn" in life.outside.mails


async def test_brand_cannot_withdraw_from_handed_in_work() -> None:
    async with living(opening()) as life:
        await to_production(life)
        await life.give(SubmitDraft(submission_id=DRAFT), CREATOR)
        assert await life.refused(Withdraw(), BRAND) == "work_handed_in"
        await life.give(Withdraw(reason="ill"), CREATOR)
        await life.handle.result()
        assert life.outside.events[-1] == "withdrawn_by_creator"


async def test_address_that_cannot_be_shipped_to_is_mended_or_ends() -> None:
    async with living(opening()) as life:
        await accept(life)
        await life.give(RejectAddress(), BRAND)
        assert (await life.state()).stage is Stage.ACCEPTED
        await life.give(CorrectAddress(answer_id=derived_id("answer", "b")), CREATOR)
        assert await life.stage() is Stage.PREPARING
        await life.give(RejectAddress(), BRAND)
        await life.handle.result()
        assert life.outside.events[-1] == "address_never_mended"
        assert "release_stock" in [effect.do for effect in life.outside.changes[-1].effects]


async def test_lost_parcel_is_replaced_once_then_excused() -> None:
    async with living(opening()) as life:
        await accept(life)
        await ship(life)
        first = current_shipment(await life.state())
        await life.give(Lose(shipment_id=first), CARRIER)
        state = await life.state()
        assert (state.stage, state.parcel, state.due_at) == (Stage.PREPARING, 2, None)
        await ship(life)
        assert await life.refused(Deliver(shipment_id=first), CARRIER) == "other_parcel"
        await life.give(Lose(shipment_id=current_shipment(await life.state())), CARRIER)
        await life.handle.result()
        assert life.outside.events[-1] == "excused"
        assert "void_fee" in [effect.do for effect in life.outside.changes[-1].effects]


async def test_lost_parcel_is_excused_when_nothing_is_left() -> None:
    outside = Outside()
    outside.refuse["lose"] = Recorded(refused="sold_out", message="none left")
    async with living(opening(), outside) as life:
        await accept(life)
        await ship(life)
        await life.give(Lose(), CARRIER)
        await life.handle.result()
        assert (outside.events[-1], outside.mails[-1]) == ("excused", "parcel_excused")


async def test_silent_parcel_is_asked_after_then_lost_and_nobody_is_reminded() -> None:
    async with living(opening()) as life:
        await accept(life)
        await ship(life)
        await life.days(8)
        assert (await life.state()).attention is Attention.PARCEL_SILENT
        await life.days(15)
        state = await life.state()
        assert (state.stage, state.replaced) == (Stage.PREPARING, 1)
        assert "content_reminder" not in life.outside.mails


async def test_returned_parcel_goes_to_a_confirmed_address() -> None:
    async with living(opening()) as life:
        await accept(life)
        await ship(life)
        await life.give(Return(), CARRIER)
        await life.give(CorrectAddress(answer_id=derived_id("answer", "b")), CREATOR)
        state = await life.state()
        assert (state.stage, state.parcel, state.replaced) == (Stage.PREPARING, 2, 0)


async def test_damage_stops_the_clock_and_silence_of_the_brand_replaces() -> None:
    async with living(opening()) as life:
        await to_production(life)
        await life.give(ReportParcel(problem=ParcelProblem.DAMAGED), CREATOR)
        state = await life.state()
        assert (state.stage, state.due_at) == (Stage.SHIPPED, None)
        await life.days(5)
        assert (await life.state()).stage is Stage.PREPARING
        assert "content_reminder" not in life.outside.mails


async def test_silence_of_the_brand_approves_a_draft() -> None:
    async with living(opening()) as life:
        await to_production(life)
        await life.give(SubmitDraft(submission_id=DRAFT), CREATOR)
        await life.days(4)
        assert await life.stage() is Stage.APPROVED
        assert life.outside.changes[-1].events[-1].data["by_silence"] is True


async def test_revisions_are_limited() -> None:
    async with living(opening(revisions=1)) as life:
        await to_production(life)
        await life.give(SubmitDraft(submission_id=DRAFT), CREATOR)
        await life.give(RequestChanges(submission_id=DRAFT), BRAND)
        second = derived_id("submission", "second")
        await life.give(SubmitDraft(submission_id=second), CREATOR)
        assert await life.refused(RequestChanges(submission_id=second), BRAND) == "revision_limit"
        assert await life.refused(Approve(submission_id=DRAFT), BRAND) == "other_draft"


async def test_late_draft_is_taken_within_grace() -> None:
    async with living(opening()) as life:
        await to_production(life)
        await life.days(25)
        await life.give(SubmitDraft(submission_id=DRAFT), CREATOR)
        assert life.outside.changes[-1].events[-1].data["late"] is True


async def test_extensions_at_once_asked_granted_by_silence_and_refused() -> None:
    async with living(opening()) as life:
        await to_production(life)
        due = (await life.state()).due_at
        await life.give(AskExtension(span="3d"), CREATOR)
        assert (await life.state()).due_at == due + timedelta(days=3)
        await life.give(AskExtension(span="2d"), CREATOR)
        assert (await life.state()).attention is Attention.EXTENSION_ASKED
        await life.give(RefuseExtension(), BRAND)
        assert (await life.state()).due_at == due + timedelta(days=3)
        await life.give(AskExtension(span="1d"), CREATOR)
        await life.give(GrantExtension(), BRAND)
        await life.give(AskExtension(span="2d"), CREATOR)
        await life.days(4)
        assert (await life.state()).due_at == due + timedelta(days=6)
        assert await life.refused(AskExtension(span="5d"), CREATOR) == "invalid"


async def test_due_date_is_the_end_of_the_creators_day() -> None:
    async with living(opening()) as life:
        await to_production(life)
        due = (await life.state()).due_at.astimezone(ZoneInfo("America/New_York"))
        assert (due.hour, due.minute, due.second) == (23, 59, 59)


async def test_failed_disclosure_is_mended() -> None:
    outside = Outside()
    outside.findings = [CheckOutcome.FAIL, CheckOutcome.FAIL, CheckOutcome.PASS]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until(Stage.DISCLOSURE_CHECK)
        first_deadline = (await life.state()).remedy_by
        await life.give(Recheck(), CREATOR)
        await life.until(Stage.DISCLOSURE_CHECK)
        assert (await life.state()).remedy_by == first_deadline
        await life.give(Recheck(), CREATOR)
        await life.until(Stage.PAID)
        assert outside.mails.count("disclosure_fix") == 2


async def test_disclosure_never_mended_goes_to_a_person_who_rejects() -> None:
    outside = Outside()
    outside.findings = [CheckOutcome.FAIL, CheckOutcome.FAIL]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until(Stage.DISCLOSURE_CHECK)
        await life.days(4)
        state = await life.state()
        assert (state.stage, state.attention) == (Stage.DISCLOSURE_CHECK, Attention.POST_NOT_MENDED)
        await life.give(RejectPost(reason="never_marked"), BRAND)
        await life.handle.result()
        assert "void_fee" in [effect.do for effect in outside.changes[-1].effects]
        assert life.outside.transfer_calls == 0


async def test_unsure_disclosure_is_accepted_by_a_person() -> None:
    outside = Outside()
    outside.findings = [CheckOutcome.NEEDS_REVIEW]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until(Stage.DISCLOSURE_CHECK)
        await life.give(AcceptPost(reason="spoken_in_video"), BRAND)
        await life.until(Stage.PAID)


async def test_post_removed_while_it_must_stay_live() -> None:
    outside = Outside()
    outside.findings = [CheckOutcome.PASS, CheckOutcome.REMOVED, CheckOutcome.PASS, CheckOutcome.PASS]
    async with living(opening(live_for="30d"), outside) as life:
        await to_posted(life)
        await life.until(Stage.VERIFIED)
        await life.days(31)
        await life.until(Stage.DISCLOSURE_CHECK)
        assert "post_problem" in outside.mails
        await life.give(Recheck(), CREATOR)
        await life.until(Stage.VERIFIED)
        await life.days(31)
        await life.until(Stage.PAID)


async def test_payee_missing_is_asked_for_and_paid_after_onboarding() -> None:
    outside = Outside()
    waiting = GateAnswer(report_id=derived_id("gate_report", "x"), all_pass=False, flag="payee_missing")
    outside.gates = [waiting, waiting]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until_flagged(Attention.PAYEE_MISSING)
        assert outside.mails.count("payment_setup") == 1
        outside.gates = []
        await life.give(Reassess(), STRIPE)
        await life.until(Stage.PAID)


async def test_refused_transfer_waits_and_is_tried_anew_under_a_new_number() -> None:
    outside = Outside()
    outside.transfers = [TransferAnswer(result=TransferResult.REFUSED, reason="payee")]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until_flagged(Attention.PAYEE_MISSING)
        await life.give(Reassess(), STRIPE)
        state = await life.until(Stage.PAID)
        assert state.attempt == 2
        assert outside.transfer_calls == 2


async def test_refusal_that_needs_a_person_is_not_retried_by_itself() -> None:
    outside = Outside()
    outside.transfers = [TransferAnswer(result=TransferResult.REFUSED, reason="never")]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until_flagged(Attention.TRANSFER_REFUSED)
        await life.days(20)
        assert ((await life.state()).attention, outside.transfer_calls) == (Attention.TRANSFER_REFUSED, 1)
        await life.give(Reassess(), BRAND)
        await life.until(Stage.PAID)


async def test_unknown_outcome_is_looked_up_never_sent_again() -> None:
    outside = Outside()
    outside.transfers = [ApplicationError("lost answer", non_retryable=True)]
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until(Stage.PAYING)
        await life.days(2)
        assert (await life.state()).attention is Attention.OUTCOME_UNKNOWN
        outside.found = [TransferAnswer(result=TransferResult.SENT, transfer_id="tr_late")]
        await life.handle.result()
        assert (outside.transfer_calls, outside.events[-1]) == (1, "transfer_confirmed")


async def test_stripes_message_may_come_before_the_answer() -> None:
    outside = Outside()
    outside.transfers = [ApplicationError("slow")] * 50
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until(Stage.PAYING)
        await life.give(ConfirmTransfer(payout_id=life.payout(), transfer_id="tr_9"), STRIPE)
        await life.handle.result()
        assert outside.events[-2:] == ["transfer_sent", "transfer_confirmed"]
        assert outside.mails.count("paid") == 1


async def test_unconfirmed_transfer_is_looked_up() -> None:
    outside = Outside()
    async with living(opening(), outside) as life:
        await to_posted(life)
        await life.until(Stage.PAID)
        outside.found = [TransferAnswer(result=TransferResult.SENT, transfer_id="tr_1")]
        await life.handle.result()
        assert outside.events[-1] == "transfer_confirmed"


async def test_two_clicks_at_once_count_once() -> None:
    async with living(opening(), cached=0) as life:
        state = await life.until(Stage.INVITED)
        command = Accept(answer_id=ANSWER, offer_id=state.offer_id, variant_id=VARIANT)
        answers = await asyncio.gather(
            life.give(command, CREATOR, "form:1"),
            life.give(command, CREATOR, "form:1"),
            life.give(command, CREATOR, "form:2"),
            return_exceptions=True,
        )
        refused = [isinstance(answer, WorkflowUpdateFailedError) for answer in answers]
        assert refused in ([False, False, True], [True, True, False])
        assert life.outside.events.count("offer_accepted") == 1
