"""The terms: every type, every clock that binds somebody, and nothing that the offer does not say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import Brief
from domain.money import Money
from domain.offer import CampaignType, Deliverable, Offer, UsageRights
from domain.policy import Policy
from domain.terms import Gift, in_words, money_in_words, terms_hash, terms_text

BRIEF = Brief(
    summary="Show the lamp.",
    hard_requirements=["the lamp is lit"],
    talking_points=["it dims"],
    please_avoid=["other brands"],
)
GIFTS = [Gift("Dusk lamp, Oak", Money(amount=4800, currency="USD"))]


def offer(kind: CampaignType, **changes: Any) -> Offer:
    fee = Money(amount=22_000, currency="USD") if kind.pays else None
    pieces = [Deliverable(platform="instagram", format="story", quantity=3)]
    return Offer(**({"type": kind, "fee": fee, "deliverables": pieces} | changes))


def text(kind: CampaignType, policy: Policy | None = None, **changes: Any) -> str:
    return terms_text(
        brand="Lumen & Oak",
        campaign="Spring",
        offer=offer(kind, **changes),
        policy=policy or Policy(),
        brief=BRIEF,
        gifts=GIFTS if kind.ships else [],
    )


@pytest.mark.parametrize("kind", CampaignType)
def test_every_type_says_what_is_given_asked_and_owed(kind: CampaignType) -> None:
    words = text(kind)
    assert ("Dusk lamp, Oak (retail value USD 48.00)" in words) is kind.ships
    assert ("USD 220.00" in words) is kind.pays
    assert ("WHEN YOU ARE PAID\nThere is no fee" in words) is not kind.pays
    assert ("You owe nothing" in words.split("BY WHEN")[0]) is not kind.owes_content
    assert ("Your draft is due" in words) is kind.owes_content
    assert ("IF THE PARCEL GOES WRONG" in words) is kind.ships
    for always in ("3 Instagram stories", "the lamp is lit", "it dims", "other brands", "The law asks"):
        assert always in words


def test_clocks_start_at_the_doorstep_or_at_acceptance() -> None:
    assert "21 days after the parcel was delivered" in text(CampaignType.GIFTING_PAID)
    assert "21 days after you accepted" in text(CampaignType.PAID)


@pytest.mark.parametrize(
    "field",
    [
        "respond_within", "ship_within", "content_within", "grace", "review_within", "revise_within",
        "post_within", "extension_max", "extension_auto", "remedy_within", "live_for", "pay_within",
    ],
)  # fmt: skip
def test_every_clock_that_binds_somebody_stands_in_the_text(field: str) -> None:
    odd = Policy.model_validate({field: "97h"})
    assert "97 hours" in text(CampaignType.GIFTING_PAID, odd)
    assert "97 hours" not in text(CampaignType.GIFTING_PAID)


def test_rights_are_limited_unless_the_offer_says_more() -> None:
    assert "No paid advertising" in text(CampaignType.PAID)
    wide = UsageRights(length="1d", channels=["shop window"], paid_media=True, territory="Austria")
    words = text(CampaignType.PAID, rights=wide)
    assert "1 day after it went live, territory: Austria" in words
    assert "- shop window" in words
    assert "paid advertising for that time" in words


def test_a_post_without_a_draft_has_no_review() -> None:
    words = text(CampaignType.GIFTING_PAID, Policy(needs_draft=False))
    assert "Your post is due" in words
    assert "review a draft" not in words


def test_words_for_spans_and_money() -> None:
    assert [in_words(span) for span in ("1d", "36h", "1m", "45s")] == [
        "1 day", "36 hours", "1 minute", "45 seconds",
    ]  # fmt: skip
    amounts = [("USD", 123_456), ("JPY", 5_000), ("KWD", 1_500)]
    assert [money_in_words(Money(amount=amount, currency=code)) for code, amount in amounts] == [
        "USD 1,234.56",
        "JPY 5,000",
        "KWD 1.500",
    ]


@given(st.integers(1, 99_999), st.sampled_from(list(CampaignType)))
def test_the_same_offer_reads_the_same_and_another_does_not(days: int, kind: CampaignType) -> None:
    policy = Policy(respond_within=f"{days}h")
    assert terms_hash(text(kind, policy)) == terms_hash(text(kind, policy))
    assert (text(kind, policy) == text(kind)) is False
