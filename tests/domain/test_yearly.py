"""Thresholds at the last unit before and at the first; currencies are named, never converted."""

from __future__ import annotations

from datetime import date

import pytest

from domain.countries import country_rules, tax_data_missing, thresholds_of
from domain.money import Money, smallest_step
from domain.yearly import warnings


def levels(country: str, year: int, cash: dict[str, int], gifts: dict[str, int]) -> dict[str, str]:
    return {one.rule: one.level for one in warnings(country, year, cash, gifts)}


@pytest.mark.parametrize(
    ("cash", "gifts", "level"),
    [
        (159_999, 0, None),
        (160_000, 0, "near"),
        (199_999, 0, "near"),
        (200_000, 0, "reached"),
        (150_000, 50_000, "reached"),
        (150_000, 49_999, "near"),
    ],
)
def test_the_american_threshold_counts_cash_and_gifts(cash: int, gifts: int, level: str | None) -> None:
    assert levels("US", 2026, {"USD": cash}, {"USD": gifts}).get("us_1099_nec") == level


def test_a_threshold_begins_with_its_year() -> None:
    assert levels("US", 2025, {"USD": 900_000}, {}) == {}
    assert "us_1099_nec" in levels("US", 2026, {"USD": 900_000}, {})


def test_the_french_form_and_the_european_report() -> None:
    assert levels("FR", 2026, {"EUR": 99_999}, {}) == {"fr_written_contract": "near", "eu_dac7": "reached"}
    assert levels("FR", 2026, {"EUR": 60_000}, {"EUR": 40_000})["fr_written_contract"] == "reached"
    assert levels("DE", 2026, {"EUR": 1}, {}) == {"eu_dac7": "reached"}
    assert levels("DE", 2026, {}, {}) == {}


def test_other_currencies_are_named_and_not_converted() -> None:
    (one,) = [each for each in warnings("FR", 2026, {"EUR": 90_000, "USD": 500_000}, {}) if each.threshold]
    assert (one.level, one.counted, one.not_counted) == ("near", 90_000, ["USD"])


def test_every_rule_has_a_source_and_a_sentence() -> None:
    for rule in country_rules().thresholds:
        assert rule.source
        assert rule.what.endswith(".")
        assert rule.since <= date(2026, 12, 31)
    assert all(rule.source for rule in country_rules().tax_data)
    assert thresholds_of("JP", 2026) == []


def test_tax_data_is_asked_for_where_the_country_wants_it() -> None:
    assert tax_data_missing("US", ["individual.id_number"])
    assert not tax_data_missing("US", ["external_account"])
    assert not tax_data_missing("JP", ["individual.id_number"])


@pytest.mark.parametrize(
    ("currency", "step"), [("USD", 1), ("JPY", 1), ("KWD", 10), ("ISK", 100), ("UGX", 100)]
)
def test_stripes_smallest_steps(currency: str, step: int) -> None:
    assert smallest_step(currency) == step
    assert Money(amount=step, currency=currency).amount % smallest_step(currency) == 0
