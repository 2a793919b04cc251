"""The form of the approval rules: rules to lines of text, and what was typed back to rules. Pure.

Amounts are written in major units. A line that is empty counts for nothing, so that clearing one removes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from api.console.wording import say
from api.pages.forms import FormRefused
from domain.approvals import ApprovalRules, Limit, Tier
from domain.ids import is_id
from domain.money import Money, as_decimal, from_major
from domain.roles import Role
from domain.runs import PayoutRun

SPARE: Final = 3
"""Empty lines below those that are in use."""
MOST_LINES: Final = 200
TIER_FIELDS: Final = ("currency", "above", "approvals", "owner")
LIMIT_FIELDS: Final = ("whose", "currency", "up_to")
_LINE: Final = re.compile(r"(tier|limit)-(\d{1,3})-([a-z_]+)")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_COUNTS: Final = frozenset("012345")
# Commas only where they group thousands: "1,5" must never be read as 15.
_AMOUNT: Final = re.compile(r"(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,3})?")


@dataclass
class Typed:
    """What stands in the form, by name of field, and how many lines each part has."""

    fields: dict[str, str] = field(default_factory=dict)
    tiers: int = 0
    limits: int = 0

    def used(self, part: str, number: int) -> bool:
        """Whether anything stands in this line of `tier` or `limit`."""
        names = TIER_FIELDS if part == "tier" else LIMIT_FIELDS
        return any(self.fields.get(f"{part}-{number}-{name}") for name in names)


def shown(rules: ApprovalRules) -> Typed:
    """The rules as the form shows them, with a few empty lines."""
    typed = Typed()
    for currency, tiers in sorted(rules.tiers.items()):
        for tier in tiers:
            line = f"tier-{typed.tiers}"
            typed.fields |= {
                f"{line}-currency": currency,
                f"{line}-above": _written(tier.above, currency),
                f"{line}-approvals": str(tier.approvals),
                f"{line}-owner": "yes" if tier.owner else "",
            }
            typed.tiers += 1
    for limit in rules.limits:
        line = f"limit-{typed.limits}"
        typed.fields |= {
            f"{line}-whose": limit.member_id or f"{limit.role}",
            f"{line}-currency": limit.currency,
            f"{line}-up_to": _written(limit.up_to, limit.currency),
        }
        typed.limits += 1
    typed.fields |= {
        "other_currencies": str(rules.other_currencies),
        "when": rules.run.when,
        "at": rules.run.at,
    }
    return _with_spare(typed)


def kept(fields: Mapping[str, str]) -> Typed:
    """What was typed, to be shown again: with empty lines below what is in use."""
    typed = Typed({name: value[:80] for name, value in fields.items()})
    for name, value in fields.items():
        found = _LINE.fullmatch(name)
        if found and value.strip():
            lines = min(int(found[2]) + 1, MOST_LINES)
            if found[1] == "tier":
                typed.tiers = max(typed.tiers, lines)
            else:
                typed.limits = max(typed.limits, lines)
    return _with_spare(typed)


def read(fields: Mapping[str, str]) -> ApprovalRules:
    """The rules that were typed. Raises `FormRefused` with a sentence for each field that is wrong."""
    typed, wrong = kept({name: value.strip() for name, value in fields.items()}), dict[str, str]()
    tiers = _tiers(typed, wrong)
    limits = _limits(typed, wrong)
    when, at = typed.fields.get("when", ""), typed.fields.get("at", "") or PayoutRun().at
    if when not in ("at_once", "daily"):
        wrong["when"] = say("form.choose")
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", at):
        wrong["at"] = say("rules.wrong_time")
    if typed.fields.get("other_currencies", "") not in _COUNTS:
        wrong["other_currencies"] = say("form.choose")
    if wrong:
        raise FormRefused(wrong)
    try:
        return ApprovalRules.model_validate(
            {
                "tiers": tiers,
                "limits": limits,
                "other_currencies": int(typed.fields["other_currencies"]),
                "run": {"when": when, "at": at},
            }
        )
    except ValidationError as error:
        raise FormRefused({"": say("rules.too_many")}) from error


def _tiers(typed: Typed, wrong: dict[str, str]) -> dict[str, list[Tier]]:
    """Tiers by currency, each from the lowest amount up, in whatever order they were typed."""
    found: dict[str, dict[int, Tier]] = {}
    for number in range(typed.tiers):
        if not typed.used("tier", number):
            continue
        line = f"tier-{number}"
        currency, above = _money(typed, line, "above", wrong)
        count = typed.fields.get(f"{line}-approvals", "")
        owner = typed.fields.get(f"{line}-owner", "") == "yes"
        if count not in _COUNTS:
            wrong[f"{line}-approvals"] = say("form.choose")
        elif owner and count == "0":
            wrong[f"{line}-approvals"] = say("rules.owner_of_none")
        elif above in found.get(currency, {}):
            wrong[f"{line}-above"] = say("rules.twice")
        else:
            tier = Tier(above=above, approvals=int(count), owner=owner)
            found.setdefault(currency, {})[above] = tier
    return {currency: [tiers[one] for one in sorted(tiers)] for currency, tiers in sorted(found.items())}


def _limits(typed: Typed, wrong: dict[str, str]) -> list[Limit]:
    found: dict[tuple[str, str], Limit] = {}
    for number in range(typed.limits):
        if not typed.used("limit", number):
            continue
        line = f"limit-{number}"
        whose = typed.fields.get(f"{line}-whose", "")
        currency, up_to = _money(typed, line, "up_to", wrong)
        if whose not in set(Role) and not is_id("member", whose):
            wrong[f"{line}-whose"] = say("form.choose")
        elif (whose, currency) in found:
            wrong[f"{line}-whose"] = say("rules.limit_twice")
        elif f"{line}-currency" not in wrong:
            role = whose if whose in set(Role) else None
            found[whose, currency] = Limit.model_validate(
                {"role": role, "member_id": None if role else whose, "currency": currency, "up_to": up_to}
            )
    return list(found.values())


def _money(typed: Typed, line: str, name: str, wrong: dict[str, str]) -> tuple[str, int]:
    """Currency and minor units of one line; what is wrong with them is said."""
    currency = typed.fields.get(f"{line}-currency", "").upper()
    text = typed.fields.get(f"{line}-{name}", "")
    if not _CURRENCY.fullmatch(currency):
        wrong[f"{line}-currency"] = say("rules.wrong_currency")
        return currency, 0
    try:
        if not _AMOUNT.fullmatch(text):
            raise ValueError(text)
        return currency, from_major(text.replace(",", ""), currency).amount
    except ValueError:
        wrong[f"{line}-{name}"] = say("rules.wrong_amount") if text else say("form.fill_in")
        return currency, 0


def _written(minor: int, currency: str) -> str:
    return str(as_decimal(Money(amount=minor, currency=currency)))


def _with_spare(typed: Typed) -> Typed:
    typed.tiers = min(typed.tiers + SPARE, MOST_LINES)
    typed.limits = min(typed.limits + SPARE, MOST_LINES)
    return typed
