"""Months in the brand's zone, whatever the clocks do there, and what keeps one open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.periods import Standing, bounds, in_the_way, month_of, months_between, next_month

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "America/Asuncion"]


MOMENTS = st.integers(631_152_000, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""From 1990 to 2060."""


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_moment_is_in_exactly_one_month(moment: datetime, zone: str) -> None:
    month = month_of(moment, zone)
    found = bounds(month, zone)
    assert found.starts_at <= moment < found.ends_at
    assert bounds(next_month(month), zone).starts_at == found.ends_at
    assert month_of(found.starts_at, zone) == month
    assert month_of(found.ends_at - timedelta(microseconds=1), zone) == month


@pytest.mark.parametrize(
    ("month", "zone", "hours"),
    [
        ("2026-03", "Europe/Berlin", 31 * 24 - 1),
        ("2026-10", "Europe/Berlin", 31 * 24 + 1),
        ("2026-11", "America/New_York", 30 * 24 + 1),
        ("2024-02", "UTC", 29 * 24),
    ],
)
def test_a_month_is_as_long_as_its_clocks_say(month: str, zone: str, hours: int) -> None:
    found = bounds(month, zone)
    assert found.ends_at - found.starts_at == timedelta(hours=hours)
    assert found.starts_at.astimezone(ZoneInfo(zone)).hour == 0


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "26-01", "", "2026-01-01", "0000-01", "９９９９-01"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        bounds(text, "UTC")
    assert caught.value.field == "month"


def test_months_follow_each_other() -> None:
    assert months_between("2026-11", "2027-02") == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert months_between("2026-11", "2026-10") == []


@given(
    st.integers(-5, 5), st.sampled_from(["", "2026-10"]), st.none() | st.integers(-5, 5), st.integers(0, 3)
)
def test_a_month_closes_only_when_nothing_is_in_the_way(
    days: int, earlier: str, compared: int | None, open_items: int
) -> None:
    ends_at = datetime(2026, 12, 1, tzinfo=UTC)
    standing = Standing(
        "2026-11",
        ends_at,
        earlier,
        None if compared is None else ends_at + timedelta(days=compared),
        {"amount_differs": open_items},
    )
    codes = [reason.code for reason in in_the_way(standing, ends_at + timedelta(days=days))]
    expected = {
        "period_running": days < 0,
        "earlier_period_open": bool(earlier),
        "not_reconciled": compared is None or compared < 0,
        "differences_open": open_items > 0,
    }
    assert codes == [code for code, holds in expected.items() if holds]
