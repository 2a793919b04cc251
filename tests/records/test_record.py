"""One change, one transaction: what is written, written once, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from activities.contracts import Recorded
from activities.record import EFFECTS, record
from domain import state as states
from domain.campaign import CampaignStatus
from domain.commands import (
    Accept,
    Approve,
    AskExtension,
    CorrectAddress,
    Decline,
    Deliver,
    Invite,
    Lose,
    RejectAddress,
    RequestChanges,
    Return,
    Scan,
    Ship,
    SubmitDraft,
    SubmitPost,
    Waitlist,
    Withdraw,
)
from domain.decisions.fulfilment import current_shipment
from domain.errors import Defect, Refused
from domain.ids import derived_id
from domain.offer import CampaignType
from domain.payment_effects import PaymentEffect
from domain.policy import Policy
from domain.stages import Stage
from infra.ids import new_id
from infra.ledger_check import check
from infra.tables import Answer, Collaboration, Event, Link, Notice, Shipment, Submission, Variant
from tests.records.office import BRAND, CARRIER, CREATOR, Office


def test_every_effect_of_the_domain_has_its_function() -> None:
    effects = [*states._Effect.__subclasses__(), *PaymentEffect.__subclasses__()]
    named = {effect.model_fields["do"].default for effect in effects}
    assert named == set(EFFECTS)


def test_acceptance_writes_events_parcel_notice_and_state_together(office: Office) -> None:
    office.open()
    of = office.accepted()
    events = office.rows(Event, of)
    assert [event.name for event in events] == ["invitation_sent", "offer_accepted", "preparation_started"]
    assert [event.sequence for event in events] == [1, 2, 3]
    parcel = office.rows(Shipment, of)[0]
    answer = office.rows(Answer, of)[0]
    assert (parcel.number, parcel.state, parcel.answer_id) == (1, "preparing", answer.id)
    assert answer.used_at == office.clock
    notices = {notice.kind: notice for notice in office.rows(Notice, of)}
    assert set(notices) == {"invitation", "accepted"}
    assert notices["accepted"].message_id == f"<{notices['accepted'].id}@hazel.example>"
    with office.sessions() as session:
        row = session.get_one(Collaboration, of)
        assert (row.stage, row.sequence, row.head) == ("preparing", 3, events[-1].hash)


def test_the_same_change_again_changes_nothing(office: Office) -> None:
    office.open()
    of = office.invited()
    change = office.decided(of, office.yes(of), CREATOR)
    assert record(office.sessions, change) == Recorded()
    before = office.count_everything(of)
    assert record(office.sessions, change) == Recorded()
    assert office.count_everything(of) == before


def test_the_same_change_again_is_recognised_when_more_has_happened(office: Office) -> None:
    """A worker died after the commit; the carrier's message was recorded meanwhile."""
    office.open()
    of = office.accepted()
    shipped = office.decided(of, Ship(shipment_id=current_shipment(office.state(of))), BRAND)
    record(office.sessions, shipped)
    office.must(of, Scan(shipment_id=current_shipment(office.state(of)), code="in_transit"), CARRIER)
    before = office.count_everything(of)
    assert record(office.sessions, shipped) == Recorded()
    assert office.count_everything(of) == before


def test_a_request_id_counts_once_in_a_collaborations_life(office: Office) -> None:
    office.open()
    of = office.accepted()
    parcel = current_shipment(office.state(of))
    office.must(of, Ship(shipment_id=parcel), BRAND)
    scan = Scan(shipment_id=parcel, code="in_transit")
    assert not record(office.sessions, office.decided(of, scan, CARRIER, "carrier:7")).refused
    before = office.count_everything(of)
    again = record(office.sessions, office.decided(of, scan, CARRIER, "carrier:7"))
    assert again.refused == "already_recorded"
    assert office.count_everything(of) == before


def test_a_change_decided_on_an_older_state_is_a_defect(office: Office) -> None:
    office.open()
    of = office.invited()
    late = office.decided(of, Decline(reason="timing"), CREATOR)
    office.must(of, office.yes(of), CREATOR)
    before = office.count_everything(of)
    with pytest.raises(Defect) as caught:
        record(office.sessions, late)
    assert caught.value.code == "sequence_differs"
    assert office.count_everything(of) == before


def _unoffered(office: Office, of: str) -> Accept:
    return office.yes(of).model_copy(update={"variant_id": new_id("variant")})


def _other_terms(office: Office, of: str) -> Accept:
    return office.yes(of).model_copy(update={"answer_id": office.answer(of, sha256="0" * 64)})


def _unknown_answer(office: Office, of: str) -> Accept:
    return office.yes(of).model_copy(update={"answer_id": new_id("answer")})


def _answer_of_other_kind(office: Office, of: str) -> Accept:
    return office.yes(of).model_copy(update={"answer_id": office.answer(of, "report")})


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (_unoffered, "variant_id"),
        (_other_terms, "answer_id"),
        (_unknown_answer, "answer_id"),
        (_answer_of_other_kind, "answer_id"),
    ],
)
def test_an_acceptance_that_does_not_fit_names_the_field_and_leaves_no_trace(
    office: Office, form: Any, field: str
) -> None:
    office.open()
    of = office.invited()
    command = form(office, of)
    before = office.count_everything(of)
    recorded = office.give(of, command, CREATOR)
    assert (recorded.refused, recorded.field) == ("invalid", field)
    assert office.count_everything(of) == before


def test_an_answer_counts_for_one_creator_only(office: Office) -> None:
    office.open()
    mine, other = office.invited_many(2)
    command = office.yes(mine).model_copy(update={"answer_id": office.answer(other)})
    assert office.give(mine, command, CREATOR).field == "answer_id"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (CampaignStatus.PAUSED, "campaign_paused"),
        (CampaignStatus.CLOSED, "campaign_closed"),
        (CampaignStatus.CANCELLED, "campaign_closed"),
    ],
)
def test_nobody_accepts_in_a_campaign_that_is_not_open(
    office: Office, status: CampaignStatus, code: str
) -> None:
    office.open()
    of = office.invited()
    office.set_campaign(status)
    command = office.yes(of)
    before = office.count_everything(of)
    assert office.give(of, command, CREATOR).refused == code
    assert office.count_everything(of) == before


def test_sold_out_leaves_no_trace_and_the_waitlist_takes_the_same_form(office: Office) -> None:
    office.open(stock=0)
    of = office.invited()
    command = office.yes(of)
    before = office.count_everything(of)
    assert office.give(of, command, CREATOR).refused == "sold_out"
    assert office.count_everything(of) == before
    office.must(of, Waitlist(answer_id=command.answer_id))
    assert office.state(of).stage is Stage.WAITLISTED
    assert office.balance(f"collaboration:{of}:held") == 0


def test_a_crash_before_the_commit_leaves_no_trace(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last effect of an acceptance fails: money, stock and events written before are gone too."""
    office.open()
    of = office.invited()
    command = office.yes(of)
    before = office.count_everything(of)

    def die(*_: object) -> None:
        raise ConnectionError("the server went away")

    with monkeypatch.context() as patched:
        patched.setitem(EFFECTS, "send_notice", die)
        with pytest.raises(ConnectionError):
            office.give(of, command, CREATOR)
    assert office.count_everything(of) == before
    office.must(of, command, CREATOR)
    with office.sessions() as session:
        assert check(session) == []


def test_a_broken_constraint_is_a_defect_that_names_it_and_no_value(office: Office) -> None:
    office.open(stock=1)
    of = office.accepted()
    with office.sessions.begin() as session:
        session.get_one(Variant, office.variant_id).reserved = 0
    with pytest.raises(Defect) as caught:
        office.give(of, Withdraw(), BRAND)
    assert "ck_variants_stock_covers_promises" in caught.value.message
    assert office.state(of).stage is Stage.PREPARING


def test_withdrawing_before_shipping_returns_piece_and_fee_and_revokes_links(office: Office) -> None:
    office.open(stock=1)
    of = office.accepted()
    link = office.link(of)
    office.must(of, Withdraw(reason="plans_changed"), BRAND)
    with office.sessions() as session:
        assert session.get_one(Variant, office.variant_id).reserved == 0
        assert session.get_one(Link, link).revoked_at == office.clock
        assert check(session) == []
    assert office.rows(Shipment, of)[0].state == "cancelled"
    assert office.balance(f"collaboration:{of}:held") == 0
    other = office.invited()
    office.must(other, office.yes(other), CREATOR)


def test_a_mended_address_goes_to_the_waiting_parcel(office: Office) -> None:
    office.open()
    of = office.accepted()
    office.must(of, RejectAddress(), BRAND)
    assert office.rows(Shipment, of)[0].state == "address_rejected"
    office.later(hours=2)
    mended = office.answer(of, "address")
    office.must(of, CorrectAddress(answer_id=mended), CREATOR)
    parcel = office.rows(Shipment, of)[0]
    assert (parcel.state, parcel.answer_id) == ("preparing", mended)


def test_a_returned_parcel_is_sent_again_to_the_newest_address_without_another_piece(office: Office) -> None:
    office.open(stock=1)
    of = office.accepted()
    office.must(of, Ship(shipment_id=current_shipment(office.state(of))), BRAND)
    office.must(of, Return(), CARRIER)
    office.later(hours=5)
    mended = office.answer(of, "address")
    office.must(of, CorrectAddress(answer_id=mended), CREATOR)
    parcels = {parcel.number: parcel for parcel in office.rows(Shipment, of)}
    assert (parcels[1].state, parcels[2].kind, parcels[2].answer_id) == ("returned", "resent", mended)
    office.must(of, Withdraw(), BRAND)
    with office.sessions() as session:
        assert session.get_one(Variant, office.variant_id).reserved == 0
        assert check(session) == []


def test_a_lost_parcel_takes_one_more_piece_or_is_refused_as_sold_out(office: Office) -> None:
    office.open(stock=3)
    first, second = office.accepted(), office.accepted()
    for of in (first, second):
        office.must(of, Ship(shipment_id=current_shipment(office.state(of))), BRAND)
    office.must(first, Lose(), BRAND)
    assert office.state(first).stage is Stage.PREPARING
    assert [parcel.kind for parcel in office.rows(Shipment, first)] == ["first", "replacement"]
    assert office.give(second, Lose(), BRAND).refused == "sold_out"
    assert office.rows(Shipment, second)[0].state == "shipped"
    with office.sessions() as session:
        assert check(session) == []


def test_content_rows_follow_the_review(office: Office) -> None:
    office.open()
    of = office.in_production(policy=Policy())
    first = office.submission(of, "draft")
    office.must(of, SubmitDraft(submission_id=first), CREATOR)
    office.must(of, RequestChanges(submission_id=first), BRAND)
    second = office.submission(of, "draft")
    office.must(of, SubmitDraft(submission_id=second), CREATOR)
    office.must(of, Approve(submission_id=second), BRAND)
    live = office.submission(of)
    office.must(of, SubmitPost(submission_id=live), CREATOR)
    with office.sessions() as session:
        found = {
            one: (row.state, row.decided_by)
            for one in (first, second, live)
            for row in [session.get_one(Submission, one)]
        }
    assert found == {
        first: ("changes_requested", "brand:member_1"),
        second: ("approved", "brand:member_1"),
        live: ("live", ""),
    }


def test_a_draft_is_not_taken_for_a_live_post(office: Office) -> None:
    office.open()
    of = office.in_production()
    recorded = office.give(of, SubmitPost(submission_id=office.submission(of, "draft")), CREATOR)
    assert recorded.field == "submission_id"
    assert office.state(of).stage is Stage.IN_PRODUCTION


def test_attention_has_a_reason_an_owner_and_an_age(office: Office) -> None:
    office.open()
    of = office.in_production()
    office.must(of, AskExtension(span="6d"), CREATOR)
    with office.sessions() as session:
        row = session.get_one(Collaboration, of)
        assert (row.attention, row.attention_owner, row.attention_since) == (
            "extension_asked",
            "ops",
            office.clock,
        )


def test_one_notice_per_kind_and_step_and_the_delivery_is_woken(office: Office) -> None:
    office.open()
    of = office.queue()[0]
    with office.sessions() as listener:
        listener.execute(text("LISTEN notices"))
        listener.commit()
        office.must(of, Invite())
        connection = listener.connection().connection.driver_connection
        assert [told.channel for told in connection.notifies(timeout=2, stop_after=1)] == ["notices"]
        listener.execute(text("UNLISTEN notices"))
    assert len(office.rows(Notice, of)) == 1
    assert office.rows(Notice, of)[0].id == derived_id("notice", of, "invitation", 1)


def test_an_acceptance_takes_few_statements(office: Office, statements: list[str]) -> None:
    """A bound on round trips; figures are made by the benchmarks."""
    office.open()
    of = office.invited()
    change = office.decided(of, office.yes(of), CREATOR)
    statements.clear()
    record(office.sessions, change)
    assert len(statements) <= 11, statements


def test_gifts_without_a_fee_touch_no_account(office: Office) -> None:
    office.open(CampaignType.GIFTING, budget=0)
    of = office.in_production(CampaignType.GIFTING)
    assert office.state(of).stage is Stage.DELIVERED
    with office.sessions() as session:
        assert session.execute(text("SELECT count(*) FROM entries")).scalar_one() == 0
        assert check(session) == []


def test_a_refusal_by_the_domain_never_reaches_the_database(office: Office) -> None:
    office.open()
    of = office.queue()[0]
    with pytest.raises(Refused):
        office.give(of, Deliver(), CARRIER)
    with office.sessions() as session:
        assert session.scalars(select(Event)).all() == []
