"""What the program knows of countries' rules about paying creators: configuration with sources, not advice.

Read once from `countries.toml`. Nothing elsewhere may carry a country's threshold or rule in code.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.money import Currency

Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
_FILE = Path(__file__).with_name("countries.toml")


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaxData(_Rule):
    """Countries whose tax law makes a payer ask for tax data, and how Stripe names what it asks for."""

    countries: list[Country]
    why: str
    requirements: list[str]
    """Parts of the names of Stripe's requirements."""
    source: str


class Threshold(_Rule):
    """A yearly total per creator at which the law asks for something."""

    id: str
    countries: list[Country]
    currency: Currency
    amount: int
    """Minor units; 0: from the first payment."""
    since: date
    counts: list[Literal["cash", "gifts"]]
    what: str
    """What the law asks for, as a sentence."""
    source: str


class CountryRules(_Rule):
    """The whole file."""

    tax_data: list[TaxData]
    thresholds: list[Threshold]


@cache
def country_rules() -> CountryRules:
    """The rules as the file says them."""
    return CountryRules.model_validate(tomllib.loads(_FILE.read_text()))


def tax_data_missing(country: str, requirements: list[str]) -> bool:
    """Whether this country asks for tax data that Stripe still waits for."""
    asked = [
        part for rule in country_rules().tax_data if country in rule.countries for part in rule.requirements
    ]
    return any(part in requirement for requirement in requirements for part in asked)


def thresholds_of(country: str, year: int) -> list[Threshold]:
    """The thresholds that count for a creator of this country in this calendar year."""
    return [
        rule
        for rule in country_rules().thresholds
        if country in rule.countries and rule.since <= date(year, 12, 31)
    ]
