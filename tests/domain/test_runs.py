"""The run of the day: once a day of the brand's own clock, also on days of 23 and 25 hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.runs import PayoutRun, next_run

START = datetime(2024, 1, 1, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata")


@pytest.mark.parametrize(
    ("after", "at", "expected"),
    [
        ("2026-06-01T07:59:59", "10:00", "2026-06-01T08:00:00"),  # Berlin, summer
        ("2026-06-01T08:00:00", "10:00", "2026-06-02T08:00:00"),
        ("2026-12-01T08:59:59", "10:00", "2026-12-01T09:00:00"),  # winter
        ("2026-03-28T12:00:00", "02:30", "2026-03-29T01:30:00"),  # 02:30 does not exist: 03:30 summer time
        ("2026-10-24T12:00:00", "02:30", "2026-10-25T00:30:00"),  # exists twice: the first
        ("2026-10-25T00:30:00", "02:30", "2026-10-26T01:30:00"),  # and not again an hour later
    ],
)
def test_a_run_is_at_the_brands_own_time(after: str, at: str, expected: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_run(moment, at, "Europe/Berlin") == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@given(
    after=st.integers(0, 6 * 366 * 86400).map(lambda gone: START + timedelta(seconds=gone)),
    at=st.times().map(lambda one: one.strftime("%H:%M")),
    zone=st.sampled_from(ZONES),
)
def test_runs_follow_each_other_once_a_day(after: datetime, at: str, zone: str) -> None:
    first = next_run(after, at, zone)
    second = next_run(first, at, zone)
    assert after < first <= after + timedelta(hours=49)
    days = second.astimezone(ZoneInfo(zone)).date() - first.astimezone(ZoneInfo(zone)).date()
    assert days.days in (1, 2)  # a day that a country left out has no run
    assert timedelta(hours=22) <= second - first <= timedelta(hours=49)


@pytest.mark.parametrize("wrong", ["24:00", "9:00", "10:60", "noon", ""])
def test_a_time_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        PayoutRun(when="daily", at=wrong)
