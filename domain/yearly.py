"""What one creator got in one calendar year, cash and gifts, against the thresholds of their country.

Amounts in another currency than a threshold's are never converted: they are named beside it instead.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from domain.countries import thresholds_of

NEAR = 8
"""Tenths of a threshold from which it is named as near."""


class Warned(BaseModel):
    """One threshold, and how far this creator is."""

    model_config = ConfigDict(frozen=True)

    rule: str
    level: str
    """near or reached."""
    counted: int
    """Minor units of the threshold's currency."""
    threshold: int
    currency: str
    not_counted: list[str]
    """Currencies in which there is more that is not converted."""
    what: str
    source: str


def warnings(country: str, year: int, cash: dict[str, int], gifts: dict[str, int]) -> list[Warned]:
    """Every threshold that is near or reached. `cash` and `gifts` are minor units by currency."""
    found = []
    for rule in thresholds_of(country, year):
        counted: dict[str, int] = {}
        for sort, sums in (("cash", cash), ("gifts", gifts)):
            if sort in rule.counts:
                for currency, amount in sums.items():
                    counted[currency] = counted.get(currency, 0) + amount
        here = counted.get(rule.currency, 0)
        others = sorted(currency for currency, sum_ in counted.items() if sum_ and currency != rule.currency)
        reached = here >= rule.amount if rule.amount else bool(here or others)
        if reached or (rule.amount and here * 10 >= rule.amount * NEAR):
            found.append(
                Warned(
                    rule=rule.id,
                    level="reached" if reached else "near",
                    counted=here,
                    threshold=rule.amount,
                    currency=rule.currency,
                    not_counted=others,
                    what=rule.what,
                    source=rule.source,
                )
            )
    return found
