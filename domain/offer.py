"""What one creator is offered: type, fee, deliverables, rights. Frozen once it is shown.

`Offer` is the machine's side of the terms; the text that a person reads is rendered from it once,
stored beside it with its SHA-256, and never rendered again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.clocks import Span
from domain.money import Money


class CampaignType(StrEnum):
    """The four deals. See docs/product.md for who owes what."""

    GIFTING = "gifting"
    GIFTING_AGREED = "gifting_agreed"
    GIFTING_PAID = "gifting_paid"
    PAID = "paid"

    @property
    def ships(self) -> bool:
        """Whether a parcel belongs to it."""
        return self is not CampaignType.PAID

    @property
    def pays(self) -> bool:
        """Whether a fee belongs to it."""
        return self in (CampaignType.GIFTING_PAID, CampaignType.PAID)

    @property
    def owes_content(self) -> bool:
        """Whether content is agreed; in plain gifting it is only invited."""
        return self is not CampaignType.GIFTING

    @property
    def relationship(self) -> Literal["gift", "gift_and_paid", "paid"]:
        """What the post must disclose."""
        if self is CampaignType.PAID:
            return "paid"
        return "gift_and_paid" if self.pays else "gift"


class Platform(StrEnum):
    """Where a post can live."""

    INSTAGRAM = "instagram"
    TIKTOK = "tiktok"
    YOUTUBE = "youtube"


class Format(StrEnum):
    """What kind of post."""

    POST = "post"
    REEL = "reel"
    STORY = "story"
    VIDEO = "video"
    SHORT = "short"
    LIVE = "live"


PLATFORM_FORMATS = {
    Platform.INSTAGRAM: (Format.POST, Format.REEL, Format.STORY, Format.LIVE),
    Platform.TIKTOK: (Format.VIDEO, Format.LIVE),
    Platform.YOUTUBE: (Format.VIDEO, Format.SHORT, Format.LIVE),
}


class Deliverable(BaseModel):
    """One piece of content owed (or, in plain gifting, invited)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform
    format: Format
    quantity: Annotated[int, Field(ge=1, le=10)] = 1

    @model_validator(mode="after")
    def _format_exists_there(self) -> Deliverable:
        if self.format not in PLATFORM_FORMATS[self.platform]:
            allowed = ", ".join(PLATFORM_FORMATS[self.platform])
            raise ValueError(f"{self.platform} has no {self.format}; use one of {allowed}")
        return self


class UsageRights(BaseModel):
    """What the brand may do with the content. Limited by default: 90 days, organic, own channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: Span = "90d"
    channels: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default=["brand social channels"], min_length=1, max_length=12
    )
    paid_media: bool = False
    territory: Annotated[str, Field(max_length=60)] = "worldwide"


class Offer(BaseModel):
    """The terms that a creator accepts, as data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: CampaignType
    fee: Money | None = None
    deliverables: list[Deliverable] = Field(min_length=1, max_length=10)
    rights: UsageRights = UsageRights()

    @model_validator(mode="after")
    def _fee_fits_type(self) -> Offer:
        if self.type.pays and (self.fee is None or self.fee.amount == 0):
            raise ValueError(f"a {self.type} offer needs a fee above zero")
        if not self.type.pays and self.fee is not None:
            raise ValueError(f"a {self.type} offer has no fee")
        return self
