"""Campaigns and invitations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from api.schemas.common import Amount, Given, Shown, example
from domain.campaign import Brief, CampaignStatus, NewCampaign
from domain.commands import Id
from domain.money import Currency, Money
from domain.offer import Offer
from domain.policy import Policy
from infra.contact import Title


class CampaignShown(Shown):
    """A campaign."""

    id: str
    name: str
    type: str = Field(examples=["gifting_paid"])
    status: CampaignStatus
    currency: str
    budget: int = Field(description="What the fees may cost together, minor units")
    brief: Brief
    offer: Offer
    policy: Policy
    ships_to: list[str]
    created_at: datetime
    launched_at: datetime | None
    closed_at: datetime | None


class CampaignDetail(CampaignShown):
    """A campaign with its variants and where its collaborations stand."""

    variants: list[str] = Field(description="SKUs that creators may choose")
    counts: dict[str, int] = Field(description="Collaborations by stage", examples=[{"invited": 12}])
    collaborations: int


class CampaignGiven(NewCampaign):
    """A campaign to create: the same model as the campaign file."""

    model_config = example(
        name="Light for dark evenings",
        currency="USD",
        budget=600_000,
        brief={
            "summary": "Show how the lamp changes a corner of your home.",
            "hard_requirements": ["The lamp is on and can be seen."],
        },
        offer={
            "type": "gifting_paid",
            "fee": {"amount": 22_000, "currency": "USD"},
            "deliverables": [{"platform": "instagram", "format": "reel"}],
        },
        policy={"respond_within": "7d", "content_within": "21d"},
        variants=["DUSK-OAK"],
    )

    name: Title


class CampaignChanges(Given):
    """Fields of a draft to change; the whole must still fit together."""

    name: Title | None = None
    currency: Currency | None = None
    budget: Amount | None = None
    brief: Brief | None = None
    offer: Offer | None = None
    policy: Policy | None = None
    variants: Annotated[list[str], Field(max_length=200)] | None = None
    ships_to: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] | None = Field(default=None, max_length=250)


class CampaignCommand(StrEnum):
    """What can be done with a campaign as a whole."""

    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    CANCEL = "cancel"


class Standing(Shown):
    """Where the campaign stands after the command."""

    status: CampaignStatus
    outcome: str = Field(examples=["launch_started"])


class Invitations(Given):
    """Creators to invite, in this order."""

    model_config = example(creator_ids=["creator_01k9z3v5e8fw0a2t4s6q8r0b1c"])

    creator_ids: list[Id] = Field(min_length=1, max_length=20_000)
    fee: Money | None = Field(default=None, description="Another fee than the campaign's, for these creators")


class SkippedShown(Shown):
    """A creator who was left out."""

    creator_id: str
    reason: str = Field(examples=["do_not_contact"])


class InvitationReport(Shown):
    """What came of inviting."""

    invited: int
    collaboration_ids: list[str]
    skipped: list[SkippedShown]
