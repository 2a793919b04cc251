"""When a verified post is looked at again, over months and changes of the clock, and what a look means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clocks import length, zone
from domain.commands import CheckOutcome
from domain.disclosure.models import Outcome
from domain.policy import Policy
from domain.watch import (
    EDITED,
    LONGEST_DELAY,
    MEDIA_CHANGED,
    NO_BASELINE,
    UNCHANGED,
    Meaning,
    Seen,
    compare,
    look_moments,
)

SPANS = Policy().watch_after
BERLIN = "Europe/Berlin"
SEEN = Seen(caption="Ad: tea", platform_label=True, media_sha256="a" * 64)


@given(
    st.integers(0, 15 * 366 * 86400),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.text(max_size=20),
)
def test_a_look_is_never_early_and_at_most_six_hours_late(second: int, where: str, seed: str) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    for span in SPANS:
        (moment,) = look_moments(start, [span], where, seed)
        local = start.astimezone(zone(where)).replace(tzinfo=None) + length(span)
        calendar = local.replace(tzinfo=zone(where)).astimezone(UTC)
        due = calendar if span.endswith("d") else start + length(span)
        assert timedelta(0) <= moment - due <= min(LONGEST_DELAY, length(span) / 10)


def test_a_day_of_23_hours_is_a_day() -> None:
    """Verified at ten on the evening before Berlin's clocks go forward: a day later it is ten again."""
    start = datetime(2026, 3, 28, 22, 0, tzinfo=ZoneInfo(BERLIN))
    (moment,) = look_moments(start, ["1d"], BERLIN, "x")
    ten = datetime(2026, 3, 29, 22, 0, tzinfo=ZoneInfo(BERLIN))
    assert ten - start.astimezone(UTC) == timedelta(hours=23)
    assert timedelta(0) <= moment - ten <= timedelta(hours=2.4)


def test_the_delay_follows_from_the_seed_and_spreads() -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    looks = [look_moments(start, ["7d"], "UTC", f"collaboration {n}")[0] for n in range(400)]
    again = [look_moments(start, ["7d"], "UTC", f"collaboration {n}")[0] for n in range(400)]
    assert looks == again
    by_hour = {int((look - start - timedelta(days=7)).total_seconds() // 3600) for look in looks}
    assert by_hour == set(range(6))


def test_looks_come_in_order_and_once() -> None:
    moments = look_moments(datetime(2026, 1, 1, tzinfo=UTC), ["30d", "1h", "1d", "1h"], "UTC", "x")
    assert moments == sorted(moments)
    assert len(moments) == 3


@pytest.mark.parametrize(
    ("before", "now", "verdict", "meaning"),
    [
        (SEEN, SEEN, Outcome.PASS, UNCHANGED),
        (SEEN, SEEN, Outcome.FAIL, UNCHANGED),  # a person took it as it is
        (SEEN, SEEN.model_copy(update={"caption": "Ad: soup"}), Outcome.PASS, EDITED),
        (
            SEEN,
            SEEN.model_copy(update={"caption": "tea"}),
            Outcome.FAIL,
            Meaning(CheckOutcome.FAIL, "missing"),
        ),
        (
            SEEN,
            SEEN.model_copy(update={"platform_label": False}),
            Outcome.NEEDS_REVIEW,
            Meaning(CheckOutcome.NEEDS_REVIEW, "missing"),
        ),
        (SEEN, SEEN.model_copy(update={"media_sha256": "b" * 64}), Outcome.PASS, MEDIA_CHANGED),
        (
            SEEN,
            SEEN.model_copy(update={"media_sha256": "b" * 64, "caption": "Ad!"}),
            Outcome.PASS,
            MEDIA_CHANGED,
        ),
        (SEEN, SEEN.model_copy(update={"media_sha256": None}), Outcome.PASS, UNCHANGED),
        (None, SEEN, Outcome.PASS, EDITED),
        (None, SEEN, Outcome.FAIL, NO_BASELINE),
    ],
)
def test_what_a_look_means(before: Seen | None, now: Seen, verdict: Outcome, meaning: Meaning) -> None:
    assert compare(before, now, verdict, "missing") == meaning
