"""A campaign as its file says it: brief, offer, policy, products, budget.

The same model reads `handsel campaign create FILE.yaml` and `POST /api/v1/campaigns`, so that both refuse the
same things with the same words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.money import Currency, smallest_step
from domain.offer import CampaignType, Offer
from domain.policy import Policy

Line = Annotated[str, Field(min_length=1, max_length=500)]


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    LIVE = "live"
    PAUSED = "paused"
    CLOSED = "closed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Brief(BaseModel):
    """What the brand asks for; hard requirements are kept apart from talking points."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    summary: Annotated[str, Field(min_length=1, max_length=2000)]
    hard_requirements: list[Line] = Field(default=[], max_length=20)
    talking_points: list[Line] = Field(default=[], max_length=20)
    please_avoid: list[Line] = Field(default=[], max_length=20)


class NewCampaign(BaseModel):
    """A campaign to be created. Amounts are minor units of `currency`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=120)]
    currency: Currency
    budget: Annotated[int, Field(ge=0, le=10**13, description="Fees together, minor units")] = 0
    brief: Brief
    offer: Offer
    policy: Policy = Policy()
    variants: list[Annotated[str, Field(min_length=1, max_length=80)]] = Field(default=[], max_length=200)
    """SKUs that creators may choose from."""
    ships_to: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(default=[], max_length=250)

    @model_validator(mode="after")
    def _parts_fit(self) -> NewCampaign:
        if self.offer.type.ships and not self.variants:
            raise ValueError(f"a {self.offer.type} campaign needs at least one product variant")
        if self.offer.type is CampaignType.PAID and self.variants:
            raise ValueError("a paid campaign ships nothing; leave variants out")
        fee = self.offer.fee
        if fee is not None and fee.currency != self.currency:
            raise ValueError(f"the fee is in {fee.currency}, the campaign in {self.currency}")
        if fee is not None and fee.amount % smallest_step(fee.currency):
            raise ValueError(
                f"a fee in {fee.currency} is a multiple of {smallest_step(fee.currency)} minor units"
            )
        if fee is not None and self.budget < fee.amount:
            raise ValueError("the budget does not cover a single fee")
        return self
