"""Spans and days: an end of day is the creator's own, whatever the clocks of the place do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.clocks import Span, ZoneName, earlier, end_of_day, later, length, zone

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2060, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)


def _local(moment: datetime, zone_name: str) -> str:
    return moment.astimezone(ZoneInfo(zone_name)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("zone_name", "start", "span", "end", "what"),
    [
        (
            "Europe/Berlin",
            "2026-03-27 10:00",
            "3d",
            "2026-03-30 21:59:59",
            "a night of 23 hours between",
        ),
        ("Europe/Berlin", "2026-10-23 10:00", "2d", "2026-10-25 22:59:59", "the day itself has 25 hours"),
        ("America/New_York", "2026-03-07 12:00", "1d", "2026-03-09 03:59:59", "the day itself has 23 hours"),
        ("America/New_York", "2026-11-01 03:30", "0d", "2026-11-01 03:59:59", "still 31 October there"),
        ("America/New_York", "2026-11-01 12:00", "0d", "2026-11-02 04:59:59", "the day has 25 hours"),
        ("Australia/Lord_Howe", "2026-04-03 12:00", "2d", "2026-04-05 13:29:59", "half an hour is repeated"),
        ("Australia/Lord_Howe", "2026-10-02 12:00", "2d", "2026-10-04 12:59:59", "half an hour is skipped"),
        ("Pacific/Apia", "2011-12-29 12:00", "1d", "2011-12-30 09:59:59", "30 December was skipped there"),
        ("Pacific/Apia", "2026-06-30 11:30", "1d", "2026-07-02 10:59:59", "it is 1 July there already"),
        ("UTC", "2026-06-30 23:59", "1d", "2026-07-01 23:59:59", "plain"),
    ],
)
def test_a_span_of_days_ends_with_the_last_second_of_a_local_day(
    zone_name: str, start: str, span: str, end: str, what: str
) -> None:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert later(begin, span, zone_name) == datetime.fromisoformat(end).replace(tzinfo=UTC), what


@given(moments, st.integers(0, 400), st.sampled_from(ZONES))
def test_days_are_counted_on_the_creators_calendar(start: datetime, days: int, zone_name: str) -> None:
    end = later(start, f"{days}d", zone_name)
    first = start.astimezone(ZoneInfo(zone_name)).date()
    following = (end + timedelta(seconds=1)).astimezone(ZoneInfo(zone_name))
    last = end.astimezone(ZoneInfo(zone_name)).date()
    assert end >= start.replace(microsecond=0)
    assert following.date() > last, "a second later it is another day there"
    if first + timedelta(days=days) != date(2011, 12, 30) or zone_name != "Pacific/Apia":
        assert last == first + timedelta(days=days)


@given(moments, st.integers(0, 99_999), st.sampled_from("hms"), st.sampled_from(ZONES))
def test_other_spans_are_exact_and_the_same_everywhere(
    start: datetime, count: int, unit: str, zone_name: str
) -> None:
    span = f"{count}{unit}"
    assert later(start, span, zone_name) - start == length(span)
    assert earlier(later(start, span, zone_name), span) == start


@given(moments, st.integers(0, 60), st.integers(0, 60), st.sampled_from(ZONES))
def test_an_extension_never_shortens(start: datetime, first: int, more: int, zone_name: str) -> None:
    due = later(start, f"{first}d", zone_name)
    assert later(due, f"{more}d", zone_name) >= due


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.sampled_from(ZONES))
def test_days_end_one_after_the_other(day: date, zone_name: str) -> None:
    today, tomorrow = end_of_day(day, zone_name), end_of_day(day + timedelta(days=1), zone_name)
    assert timedelta(hours=23) <= tomorrow - today <= timedelta(hours=25) or zone_name == "Pacific/Apia"
    if day != date(2011, 12, 30):
        assert _local(today, zone_name) == f"{day} 23:59:59"


def test_an_hour_that_comes_twice_counts_the_second_time() -> None:
    """In Santiago the clocks go back at midnight: 23:59:59 comes twice that day."""
    repeated = end_of_day(date(2026, 10, 24), "America/Santiago")
    assert _local(repeated, "America/Santiago") == "2026-10-24 23:59:59"
    assert end_of_day(date(2026, 4, 4), "America/Santiago") == datetime(2026, 4, 5, 3, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong", ["", "3", "d", "-1d", "1.5d", "3w", "1d ", " 1d", "100000d", "1D", "٣d", "1d\n"]
)
def test_what_is_not_a_span_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Span).validate_python(wrong)
    with pytest.raises(ValueError):
        length(wrong)


@pytest.mark.parametrize("wrong", ["", "Mars/Olympus", "../etc/passwd", "CEST", "europe/berlin", "UTC+2"])
def test_what_is_not_a_zone_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ZoneName).validate_python(wrong)


def test_a_zone_this_machine_does_not_know_counts_as_utc() -> None:
    """Zones are checked when they come in; a stored one that was removed later must not stop a life."""
    assert zone("Mars/Olympus") == ZoneInfo("UTC")
