"""The parts of a fee: split to the last unit, and late fees that nobody can argue about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.campaign import Brief
from domain.money import Money, shares, smallest_step
from domain.offer import CampaignType, Deliverable, FeeTail, Format, Offer, Platform
from domain.parts import PartKind, days_late, late_fee, planned
from domain.payment_policy import LateFee, PaymentPolicy
from domain.policy import Policy
from domain.terms import terms_text

REEL = [Deliverable(platform=Platform.INSTAGRAM, format=Format.REEL)]
DUE = datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC)
"""The end of 31 March in Berlin, two days after its clocks went forward."""


def offer(fee: Money | None, *tails: FeeTail) -> Offer:
    kind = CampaignType.PAID if fee else CampaignType.GIFTING
    return Offer(type=kind, fee=fee, deliverables=REEL, tails=list(tails))


@given(
    st.integers(min_value=1, max_value=10**12),
    st.lists(st.integers(min_value=1, max_value=90), min_size=1, max_size=5),
    st.sampled_from(["USD", "JPY", "KWD", "ISK"]),
)
def test_shares_make_up_the_amount_and_stripe_can_move_each(
    amount: int, weights: list[int], currency: str
) -> None:
    step = smallest_step(currency)
    money = Money(amount=amount * step, currency=currency)
    split = shares(money, weights)
    assert sum(split) == money.amount
    for weight, share in zip(weights, split, strict=True):
        assert share % step == 0
        assert abs(share - money.amount * weight / sum(weights)) < step


@pytest.mark.parametrize(
    ("fee", "tails", "parts"),
    [
        (Money(amount=10_001, currency="USD"), [33, 33], [3_401, 3_300, 3_300]),
        (Money(amount=999, currency="JPY"), [50], [500, 499]),
        (Money(amount=10_010, currency="KWD"), [25], [7_510, 2_500]),
        (Money(amount=33_300, currency="ISK"), [50], [16_700, 16_600]),
    ],
)
def test_a_fee_is_split_by_largest_remainder(fee: Money, tails: list[int], parts: list[int]) -> None:
    """In currencies with two, no and three decimals, and in one whose cents must be 00."""
    split = offer(fee, *(FeeTail(percent=one, live_for=f"{n}d") for n, one in enumerate(tails, 1))).fee_parts
    assert [part.amount for part in split] == parts


@pytest.mark.parametrize(
    ("fee", "tails", "names"),
    [
        (None, [(20, "30d")], "without a fee"),
        (Money(amount=100, currency="USD"), [(50, "30d"), (45, "60d")], "at most 90 percent"),
        (Money(amount=100, currency="USD"), [(20, "30d"), (20, "30d")], "longer than the one before"),
        (Money(amount=3, currency="JPY"), [(10, "30d")], "too small"),
        (Money(amount=100, currency="USD"), [(91, "30d")], "percent"),
    ],
)
def test_tails_that_cannot_be_are_refused_by_name(
    fee: Money | None, tails: list[tuple[int, str]], names: str
) -> None:
    with pytest.raises(ValidationError, match="tails") as caught:
        Offer.model_validate(
            {
                "type": "paid" if fee else "gifting",
                "fee": fee,
                "deliverables": REEL,
                "tails": [{"percent": percent, "live_for": span} for percent, span in tails],
            }
        )
    assert names in str(caught.value)


def test_an_offer_without_tails_has_one_part() -> None:
    (only,) = planned(Money(amount=500, currency="USD"), [])
    assert (only.number, only.kind, only.amount, only.to_earn, only.owed) == (1, "fee", 500, True, False)
    assert planned(None, []) == []


@pytest.mark.parametrize(
    ("now", "ready", "grace", "days"),
    [
        (DUE, None, "0d", 0),
        (DUE + timedelta(seconds=1), None, "0d", 1),
        (DUE + timedelta(days=1), None, "0d", 1),
        (DUE + timedelta(days=1, seconds=1), None, "0d", 2),
        (DUE + timedelta(days=2), None, "2d", 0),
        (DUE + timedelta(days=9), DUE + timedelta(days=9), "0d", 0),
        (DUE + timedelta(days=9), DUE + timedelta(days=7), "0d", 2),
        (DUE + timedelta(days=9), DUE - timedelta(days=7), "0d", 9),
    ],
)
def test_days_count_from_the_later_of_the_date_and_the_creators_readiness(
    now: datetime, ready: datetime | None, grace: str, days: int
) -> None:
    assert days_late(DUE, ready, grace, now, "Europe/Berlin") == days


@pytest.mark.parametrize(
    ("policy", "late", "days", "amount"),
    [
        (LateFee(per_day=100), Money(amount=22_000, currency="USD"), 0, 0),
        (LateFee(per_day=100), Money(amount=22_000, currency="USD"), 3, 660),
        (LateFee(per_day=100, most=2), Money(amount=22_000, currency="USD"), 30, 440),
        (LateFee(flat=4_000, most=100), Money(amount=22_000, currency="USD"), 1, 4_000),
        (LateFee(flat=4_000, per_day=10, most=100), Money(amount=22_000, currency="USD"), 10, 4_220),
        (LateFee(per_day=5), Money(amount=199, currency="JPY"), 1, 0),
        (LateFee(per_day=100), Money(amount=12_340, currency="KWD"), 1, 120),
    ],
)
def test_a_late_fee_is_rounded_down_and_has_a_limit(
    policy: LateFee, late: Money, days: int, amount: int
) -> None:
    assert late_fee(policy, late, days) == amount


def test_a_late_fee_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="per_day"):
        LateFee()


def test_the_terms_name_every_part_and_what_a_delay_costs() -> None:
    fee = Money(amount=22_000, currency="USD")
    text = terms_text(
        brand="Hazel",
        campaign="Spring",
        offer=offer(fee, FeeTail(percent=20, live_for="30d")),
        policy=Policy(payment=PaymentPolicy(late_fee=LateFee(after="2d", per_day=50, flat=500))),
        brief=Brief(summary="Spring"),
    )
    assert "USD 176.00 at the latest 30 days after" in text
    assert "USD 44.00 more once the post has stayed live and marked for 30 days" in text
    assert "2 days of grace, you get USD 5.00 and 0.5 percent of that payment for each day begun" in text
    assert "at most 20 percent" in text


def test_what_is_owed_beside_the_fee_is_no_part_of_it() -> None:
    (fee,) = planned(Money(amount=500, currency="USD"), [])
    extra = fee.model_copy(update={"number": 2, "kind": PartKind.LATE_FEE, "of": 1})
    assert (extra.of_the_fee, extra.owed, extra.to_earn) == (False, True, False)
