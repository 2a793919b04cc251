"""Collaborations lived through the real record, and what the e-mails of each step say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from activities.letter_context import context_of
from activities.letters import Letter, NoticeContext, render
from activities.notice_queue import Claimed
from domain.commands import (
    Approve,
    AskExtension,
    CheckOutcome,
    Deliver,
    Lose,
    OpenAttempt,
    RecordCheck,
    RejectPost,
    ReportParcel,
    RequestChanges,
    Return,
    SettleAttempt,
    Ship,
    SubmitDraft,
    SubmitPost,
    Withdraw,
)
from domain.decisions.fulfilment import current_shipment
from domain.disclosure.engine import check
from domain.disclosure.models import Brand as BrandOnRecord
from domain.disclosure.models import CheckInput
from domain.disclosure.packs import load_pack
from domain.ids import derived_id
from domain.notices import NoticeKind
from domain.offer import CampaignType
from domain.policy import Policy
from domain.roles import CLOCK
from infra.ids import new_id
from infra.links import read_token, read_unsubscribe_token
from infra.settings import Settings
from infra.tables import Creator, DisclosureCheck, Link, Notice, Post, Shipment, Submission
from tests.mail.mailroom import Mailroom
from tests.records.office import BRAND, CARRIER, CREATOR

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
PACK = load_pack("US")
assert PACK is not None
PAID_WORDS = PACK.file.advice.paid
URL = "https://www.instagram.com/reel/Cx1/"


class Desk:
    """Reads notices as the letters that they become."""

    def __init__(self, mailroom: Mailroom, settings: Settings) -> None:
        self.room = mailroom
        self.settings = settings

    def context(self, of: str, kind: NoticeKind) -> NoticeContext:
        row = self.room.notices(of)[kind.value]
        claimed = Claimed(
            row.id, of, row.brand_id, kind, row.step, row.event_sequence, row.attempts, row.message_id
        )
        with self.room.sessions.begin() as session:
            return context_of(session, self.room.vault, self.settings, claimed, NOW)

    def letter(self, of: str, kind: NoticeKind) -> Letter:
        return render(kind, self.context(of, kind))


@pytest.fixture
def desk(mailroom: Mailroom, mail_settings: Settings) -> Desk:
    return Desk(mailroom, mail_settings)


def track(room: Mailroom, of: str) -> None:
    """What the brand writes down when it ships."""
    with room.sessions.begin() as session:
        session.execute(
            update(Shipment)
            .where(Shipment.id == current_shipment(room.state(of)))
            .values(
                carrier="UPS",
                tracking_number=f"1Z{room.state(of).parcel}",
                tracking_url="https://carrier.example/1Z",
                shipped_at=room.clock,
            )
        )
    room.must(of, Ship(shipment_id=current_shipment(room.state(of))), BRAND)


def failing_check(room: Mailroom, of: str, submission_id: str) -> RecordCheck:
    """A real verdict on a caption that says nothing, stored as the check stores it."""
    seen = CheckInput(
        platform="instagram",
        format="reel",
        jurisdictions=("US",),
        relationship="gift_and_paid",
        brand=BrandOnRecord(name="Hazel"),
        caption="My new morning routine",
        overlay_text=None,
        spoken_disclosure=False,
        platform_label=False,
    )
    verdict = check(seen)
    finding = {"url": URL, "outcome": "fail", "reason": "missing", "verdict": verdict.model_dump(mode="json")}
    check_id = derived_id("disclosure_check", of, 1)
    with room.sessions.begin() as session:
        session.add(
            Post(
                id=new_id("post"),
                submission_id=submission_id,
                collaboration_id=of,
                deliverable=0,
                platform="instagram",
                format="reel",
                url=URL,
            )
        )
        session.add(
            DisclosureCheck(
                id=check_id,
                collaboration_id=of,
                submission_id=submission_id,
                number=1,
                outcome="fail",
                reason="missing",
                pack="US",
                findings=[finding],
                input=[],
                input_sha256="",
                checked_at=room.clock,
            )
        )
    return RecordCheck(check_id=check_id, outcome=CheckOutcome.FAIL, reason="missing")


@pytest.mark.parametrize("type_", CampaignType)
def test_an_invitation_says_what_is_given_asked_and_until_when(
    desk: Desk, mailroom: Mailroom, type_: CampaignType
) -> None:
    mailroom.open(type_)
    of = mailroom.invited(type_)
    letter = desk.letter(of, NoticeKind.INVITATION)
    text = " ".join(letter.text.split())
    assert ("The gift: Serum, worth $42.00" in text) == type_.ships
    assert ("Your fee: $220.00" in text) == type_.pays
    assert ("What we ask for: 1 Instagram reel" in text) == type_.owes_content
    assert ("you owe us nothing for the gift" in text) == (not type_.owes_content)
    assert "> Show how the serum fits" in letter.text
    assert "Please answer by: the end of Monday, March 9, 2026 (Central European Time)" in text


def test_a_letter_leads_to_its_own_readers_page_and_names_no_other(
    desk: Desk, mailroom: Mailroom, mail_settings: Settings
) -> None:
    mailroom.names = ["Mia Weber", "Noor de Vries"]
    mailroom.open()
    one, other = mailroom.invited_many(2)
    mine, theirs = (desk.context(of, NoticeKind.INVITATION) for of in (one, other))
    assert {mine.reader_name, theirs.reader_name} == set(mailroom.names)
    token = mine.link.rpartition("/")[2]
    stop = mine.unsubscribe_link.rpartition("/")[2]
    link_id = read_token(token, mail_settings.secret_key)
    assert read_unsubscribe_token(stop, mail_settings.secret_key) == link_id
    assert [row.id for row in mailroom.rows(Link, one)] == [link_id]
    letter = render(NoticeKind.INVITATION, mine)
    for foreign in (theirs.reader_name, theirs.link, mailroom.email_of(other), mailroom.email_of(one)):
        assert foreign not in letter.text + letter.html


def test_writing_a_letter_again_makes_no_second_link(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open()
    of = mailroom.invited()
    assert desk.context(of, NoticeKind.INVITATION) == desk.context(of, NoticeKind.INVITATION)
    assert len(mailroom.rows(Link, of)) == 1


def test_a_parcel_is_followed_lost_replaced_and_delivered(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open()
    of = mailroom.accepted(policy=Policy())
    track(mailroom, of)
    text = desk.letter(of, NoticeKind.SHIPPED).text
    assert "Inside: Serum, 30 ml" in text
    assert "Carrier: UPS" in text
    assert "Tracking number: 1Z1" in text
    assert "https://carrier.example/1Z" in text

    mailroom.must(of, Lose(), BRAND)
    assert "got lost on its way" in desk.letter(of, NoticeKind.PARCEL_REPLACED).text
    track(mailroom, of)
    again = desk.letter(of, NoticeKind.SHIPPED)
    assert again.subject == "Your new parcel is on its way"
    assert "1Z2" in again.text

    mailroom.later(days=2)
    mailroom.must(of, Deliver(), CARRIER)
    there = desk.letter(of, NoticeKind.DELIVERED).text
    assert "Your draft is due by: the end of Wednesday, March 25, 2026 (Central European Time)" in there
    assert f"“{PAID_WORDS}”" in there

    mailroom.must(of, ReportParcel(problem="damaged"), CREATOR)
    report = desk.letter(of, NoticeKind.PARCEL_REPORT_RECEIVED).text
    assert "arrived damaged" in report
    assert "We answer by the end of Saturday, March 7, 2026" in report


def test_a_gift_that_arrives_asks_for_nothing(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open(CampaignType.GIFTING)
    of = mailroom.in_production(CampaignType.GIFTING)
    text = desk.letter(of, NoticeKind.DELIVERED).text
    assert "You owe us nothing for it" in text
    assert "“Hazel gave me this for free”" in text


def test_a_returned_parcel_asks_for_the_address(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open()
    of = mailroom.accepted()
    track(mailroom, of)
    mailroom.must(of, Return(), CARRIER)
    text = desk.letter(of, NoticeKind.PARCEL_RETURNED).text
    assert "by the end of Monday, March 9, 2026" in text


def test_a_draft_comes_back_with_the_brands_words_and_is_approved_by_silence(
    desk: Desk, mailroom: Mailroom
) -> None:
    mailroom.open()
    of = mailroom.in_production(policy=Policy())
    draft = mailroom.submission(of, "draft")
    mailroom.must(of, SubmitDraft(submission_id=draft), CREATOR)
    with mailroom.sessions.begin() as session:
        session.get_one(Submission, draft).feedback = "Please show\nthe label."
    mailroom.must(of, RequestChanges(submission_id=draft), BRAND)
    text = desk.letter(of, NoticeKind.CHANGES_REQUESTED).text
    assert "> Please show\n> the label." in text
    assert "Round of changes: 1 of at most 2" in text

    mailroom.must(of, AskExtension(span="2d"), CREATOR)
    assert desk.letter(of, NoticeKind.EXTENSION_GRANTED).subject == "You have more time"
    assert "You have 2 days more" in desk.letter(of, NoticeKind.EXTENSION_GRANTED).text

    second = mailroom.submission(of, "draft")
    mailroom.must(of, SubmitDraft(submission_id=second), CREATOR)
    mailroom.later(days=5)
    mailroom.must(of, Approve(submission_id=second), CLOCK)
    assert "We did not answer your draft within our time" in desk.letter(of, NoticeKind.DRAFT_APPROVED).text


def test_a_post_without_its_mark_is_told_the_words_the_place_and_the_time(
    desk: Desk, mailroom: Mailroom
) -> None:
    mailroom.open()
    of = mailroom.in_production()
    live = mailroom.submission(of)
    mailroom.must(of, SubmitPost(submission_id=live), CREATOR)
    mailroom.must(of, failing_check(mailroom, of, live))
    context = desk.context(of, NoticeKind.DISCLOSURE_FIX)
    (fix,) = context.fixes
    assert (fix.place, fix.url, fix.words) == ("Instagram reel", URL, PAID_WORDS)
    text = render(NoticeKind.DISCLOSURE_FIX, context).text
    for told in (fix.explanation, fix.sentence, fix.where, URL):
        assert told in text
    assert "Please change it by the end of Sunday, March 8, 2026" in text

    mailroom.must(of, RejectPost(reason="not_the_agreed_product"), BRAND)
    assert "Reason: not the agreed product" in desk.letter(of, NoticeKind.POST_REJECTED).text


def test_the_payment_is_told_with_its_day_and_leads_to_our_page(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open()
    of = mailroom.payable()
    mailroom.payee(of, f"acct_{of}")
    mailroom.must(of, OpenAttempt(report_id=mailroom.report(of, destination=f"acct_{of}")))
    mailroom.must(of, SettleAttempt(result="refused", reason="payee"))
    setup = desk.letter(of, NoticeKind.PAYMENT_SETUP)
    assert setup.subject == "Your $220.00: where may we send it?"
    assert re.search(r"/c/[\w-]{43}#payment", setup.text)
    assert "We have promised to pay by: the end of Saturday, April 4, 2026" in setup.text

    mailroom.must(of, OpenAttempt(report_id=mailroom.report(of, destination=f"acct_{of}")))
    mailroom.must(of, SettleAttempt(result="sent", transfer_id="tr_42"))
    paid = desk.letter(of, NoticeKind.PAID).text
    assert "Amount: $220.00" in paid
    assert "Sent: Thursday, March 5, 2026" in paid
    assert "tr_42" in paid


def test_a_withdrawal_tells_who_keeps_what(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open()
    invited, shipped = mailroom.invited(), mailroom.accepted()
    track(mailroom, shipped)
    for of in (invited, shipped):
        mailroom.must(of, Withdraw(), BRAND)
    before = desk.letter(invited, NoticeKind.WITHDRAWN).text
    after = desk.letter(shipped, NoticeKind.WITHDRAWN).text
    assert "takes back the offer" in before
    assert "yours to keep" not in before
    assert "takes back what we agreed" in after
    assert "The product is yours to keep." in after


def test_a_market_without_a_rule_pack_gets_no_foreign_words(desk: Desk, mailroom: Mailroom) -> None:

    mailroom.open()
    of = mailroom.in_production()
    with mailroom.sessions.begin() as session:
        session.execute(update(Creator).values(country="KE", language="en", zone="Africa/Nairobi"))
    text = desk.letter(of, NoticeKind.DELIVERED).text
    assert PAID_WORDS not in text
    assert "in the language of your post" in text
    assert "(Kenya Time)" in text


def test_every_notice_that_was_ever_written_here_becomes_a_letter(desk: Desk, mailroom: Mailroom) -> None:
    mailroom.open()
    of = mailroom.sent()
    with mailroom.sessions() as session:
        kinds: list[Any] = list(session.scalars(select(Notice.kind).where(Notice.collaboration_id == of)))
    assert {"invitation", "accepted", "shipped", "delivered", "paid"} <= set(kinds)
    for kind in kinds:
        assert "Mia Weber" in desk.letter(of, NoticeKind(kind)).text
