"""Who must approve a payment: a brand's rules as data, and what they ask for one amount.

A brand without rules pays without approval. An approval is given by a person, never by an API key; whoever
set the terms or the amount, changed the payee, or asked for this very attempt is not one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.commands.base import Id
from domain.ids import is_id
from domain.money import Currency, Money
from domain.roles import Actor, ActorKind, Role
from domain.runs import PayoutRun

APPROVERS: Final = frozenset({Role.OWNER, Role.FINANCE})
"""Roles that may approve, hold, release and override at all."""

Minor = Annotated[int, Field(ge=0, le=10**15, description="Minor units")]


class Tier(BaseModel):
    """Amounts above `above` need so many approvals, one of them by an owner where `owner` says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    above: Minor = 0
    approvals: Annotated[int, Field(ge=0, le=5)]
    owner: bool = False


class Limit(BaseModel):
    """The largest single payment that a person, or everybody of a role, may approve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    member_id: Id | None = None
    role: Role | None = None
    currency: Currency
    up_to: Minor

    @model_validator(mode="after")
    def _whose(self) -> Limit:
        if (self.member_id is None) == (self.role is None):
            raise ValueError("a limit is for a member_id or for a role, one of the two")
        return self


class ApprovalRules(BaseModel):
    """A brand's rules. Without any tier nothing needs an approval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiers: dict[Currency, list[Tier]] = Field(default={}, max_length=40)
    """By currency, each list from the lowest amount up."""
    other_currencies: Annotated[int, Field(ge=0, le=5)] = 0
    """Approvals for every amount in a currency that has no tiers."""
    limits: list[Limit] = Field(default=[], max_length=200)
    run: PayoutRun = PayoutRun()
    """When approved payments go out."""

    @model_validator(mode="after")
    def _tiers_rise(self) -> ApprovalRules:
        for currency, tiers in self.tiers.items():
            bounds = [tier.above for tier in tiers]
            if bounds != sorted(set(bounds)):
                raise ValueError(f"the tiers of {currency} must rise from one `above` to the next")
            if any(tier.owner and tier.approvals == 0 for tier in tiers):
                raise ValueError(f"a tier of {currency} asks for an owner and for no approval")
        return self


class Need(NamedTuple):
    """What one payment needs."""

    approvals: int
    owner: bool


class Given(NamedTuple):
    """One approval that counts."""

    member_id: str
    role: Role
    event: int


def need(rules: ApprovalRules, amount: Money, *, again: bool = False) -> Need:
    """How many approvals this amount needs. `again`: a person sent it back, so at least one more looks."""
    least = 1 if again else 0
    tiers = rules.tiers.get(amount.currency)
    if tiers is None:
        return Need(max(rules.other_currencies, least), owner=False)
    reached = [tier for tier in tiers if amount.amount > tier.above]
    if not reached:
        return Need(least, owner=False)
    return Need(max(reached[-1].approvals, least), reached[-1].owner)


def enough(wanted: Need, given: Iterable[Given]) -> bool:
    """Whether these approvals, each by another person, are what was wanted."""
    by = {one.member_id: one.role for one in given}
    return len(by) >= wanted.approvals and (not wanted.owner or Role.OWNER in by.values())


def limit_of(rules: ApprovalRules, member_id: str, role: Role, currency: str) -> int | None:
    """The most that this person may approve in this currency; a limit of one's own goes before the role's."""
    fitting = [one for one in rules.limits if one.currency == currency]
    own = [one.up_to for one in fitting if one.member_id == member_id]
    of_role = [one.up_to for one in fitting if one.role is role]
    return min(own or of_role, default=None)


def is_person(actor: Actor) -> bool:
    """Whether a member of the brand acts: not a key, a clock or a machine."""
    return actor.kind is ActorKind.BRAND and is_id("member", actor.id)
