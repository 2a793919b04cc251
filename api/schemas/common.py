"""Types that every schema shares."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field


class Given(BaseModel):
    """What a caller sends: unknown fields are refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def example(**fields: Any) -> ConfigDict:
    """The settings of a given model, with an example for the document."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [fields]})


class Shown(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(from_attributes=True)


def _id(prefix: str) -> object:
    return Path(pattern=rf"^{prefix}_[0-9a-z]{{26}}$", examples=[f"{prefix}_01k9z3v5e8fw0a2t4s6q8r0b1c"])


BrandId = Annotated[str, _id("brand")]
MemberId = Annotated[str, _id("member")]
MemberInvitationId = Annotated[str, _id("minv")]
KeyId = Annotated[str, _id("key")]
ProductId = Annotated[str, _id("product")]
VariantId = Annotated[str, _id("variant")]
CreatorId = Annotated[str, _id("creator")]
CampaignId = Annotated[str, _id("campaign")]
PayoutId = Annotated[str, _id("payout")]
PayoutRunId = Annotated[str, _id("run")]
CollaborationId = Annotated[str, _id("collab")]

Amount = Annotated[int, Field(ge=0, le=10**13, description="Minor units", examples=[4800])]
Pieces = Annotated[int, Field(ge=0, le=10**9, description="Pieces", examples=[40])]
