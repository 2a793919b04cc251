"""Each pair of ours and theirs is in order, waits, or stands on exactly one list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reconciliation import (
    GRACE,
    MEANINGS,
    NEEDS_NONE,
    REVERSALS,
    TRANSFERS,
    WAIT,
    Ours,
    Theirs,
    Which,
    fee_of,
    in_transit_too_long,
    judge,
)

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
AGES = st.integers(-10_000, 10_000).map(lambda seconds: NOW - timedelta(seconds=seconds))
AMOUNTS = st.integers(-(10**12), 10**12)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY"])
OURS = st.builds(Ours, st.just("payout_1/1"), AMOUNTS, CURRENCIES, AGES)
TYPES = st.sampled_from([*NEEDS_NONE, *TRANSFERS, *REVERSALS, "adjustment", "something_new"])
THEIRS = st.builds(Theirs, st.just("txn_1"), TYPES, AMOUNTS, st.integers(0, 500), CURRENCIES, AGES)


@given(OURS, THEIRS)
def test_a_pair_is_in_order_exactly_when_amount_and_currency_agree(ours: Ours, theirs: Theirs) -> None:
    verdict = judge(ours, theirs, NOW)
    if (ours.amount, ours.currency) == (theirs.amount, theirs.currency):
        assert verdict == (ours.key, None)
    else:
        assert verdict == ("", Which.AMOUNT)


@given(OURS)
def test_ours_alone_waits_for_an_hour_and_no_longer(ours: Ours) -> None:
    verdict = judge(ours, None, NOW)
    assert verdict == (("", Which.OURS_ONLY) if NOW - ours.at > GRACE else WAIT)


@given(THEIRS)
def test_theirs_alone_is_explained_by_its_type_waits_or_is_a_difference(theirs: Theirs) -> None:
    verdict = judge(None, theirs, NOW)
    if theirs.type in NEEDS_NONE and fee_of(theirs) >= 0:
        assert verdict == (NEEDS_NONE[theirs.type], None)
    else:
        assert verdict == (("", Which.THEIRS_ONLY) if NOW - theirs.at > GRACE else WAIT)


@given(THEIRS)
def test_a_transfer_or_a_type_that_nobody_knows_is_never_explained_by_itself(theirs: Theirs) -> None:
    if theirs.type not in NEEDS_NONE:
        assert judge(None, theirs, NOW + 3 * GRACE).which in (Which.THEIRS_ONLY, None)
        assert judge(None, theirs, NOW + 10_000 * GRACE).which is Which.THEIRS_ONLY


@pytest.mark.parametrize(
    ("kind", "amount", "fee", "charged"),
    [
        ("transfer", -500, 0, 0),
        ("topup", 500, 15, 15),
        ("stripe_fee", -320, 0, 320),
        ("stripe_fee", 100, 0, -100),
    ],
)
def test_what_stripe_charges(kind: str, amount: int, fee: int, charged: int) -> None:
    theirs = Theirs("txn_1", kind, amount, fee, "USD", NOW - 2 * GRACE)
    assert fee_of(theirs) == charged
    if charged < 0:  # a fee given back is for a person
        assert judge(None, theirs, NOW).which is Which.THEIRS_ONLY


def test_a_day_in_transit_is_the_most() -> None:
    assert not in_transit_too_long(NOW - timedelta(days=1), NOW)
    assert in_transit_too_long(NOW - timedelta(days=1, seconds=1), NOW)


def test_nothing_is_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="nothing"):
        judge(None, None, NOW)


@pytest.mark.parametrize("which", list(Which))
def test_every_list_is_explained(which: Which) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/reconciliation.md").read_text()
    assert f"| `{which.value}` |" in text
    assert MEANINGS[which].endswith(".")
