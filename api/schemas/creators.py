"""Creators as the brand sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.common import Given, Shown
from domain.tiers import Tier


class AccountShown(Shown):
    """A handle on a platform."""

    platform: str = Field(examples=["instagram"])
    handle: str = Field(examples=["ana.makes.light"])
    followers: int
    engagement_rate: float | None = Field(description="Percent of followers")


class ProfileShown(Shown):
    """Who the creator is."""

    name: str
    email: str
    phone: str


class CreatorShown(Shown):
    """A creator. `profile` is null for the role viewer, and once it was erased."""

    id: str
    country: str
    language: str
    time_zone: str
    tier: Tier
    niches: list[str]
    do_not_contact: str = Field(description="Why they must not be contacted; empty when they may")
    created_at: datetime
    accounts: list[AccountShown]
    profile: ProfileShown | None


class CreatorAdded(Shown):
    """A creator that was just added."""

    id: str
    tier: Tier


class CreatorChanges(Given):
    """What the brand may change of a creator."""

    do_not_contact: Annotated[
        str, Field(max_length=200, description="A reason, or empty: may be contacted again")
    ]
