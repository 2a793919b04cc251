"""What one creator is offered: type, fee, deliverables, rights. Frozen once it is shown.

`Offer` is the machine's side of the terms; the text that a person reads is rendered from it once,
stored beside it with its SHA-256, and never rendered again.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.clocks import Span, length
from domain.money import Money, shares


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


class FeeTail(BaseModel):
    """A part of the fee that is paid later: when the post has stayed live and rightly marked for so long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: Annotated[int, Field(ge=1, le=90)]
    """Share of the whole fee."""
    live_for: Span
    """Counted from the verification of the post."""


class Offer(BaseModel):
    """The terms that a creator accepts, as data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: CampaignType
    fee: Money | None = None
    deliverables: list[Deliverable] = Field(min_length=1, max_length=10)
    rights: UsageRights = UsageRights()
    tails: list[FeeTail] = Field(default=[], max_length=4)
    """Parts of the fee that are paid later; the rest is paid for the verified post."""

    @property
    def fee_parts(self) -> list[Money]:
        """What is paid for the verified post, then each tail; together exactly the fee."""
        return [] if self.fee is None else split_fee(self.fee, self.tails)

    @model_validator(mode="after")
    def _fee_fits_type(self) -> Offer:
        if self.type.pays and (self.fee is None or self.fee.amount == 0):
            raise ValueError(f"a {self.type} offer needs a fee above zero")
        if not self.type.pays and self.fee is not None:
            raise ValueError(f"a {self.type} offer has no fee")
        return self

    @model_validator(mode="after")
    def _tails_fit_fee(self) -> Offer:
        if not self.tails:
            return self
        if self.fee is None:
            raise ValueError("tails: an offer without a fee has no part to pay later")
        if sum(tail.percent for tail in self.tails) > MOST_IN_TAILS:
            raise ValueError(f"tails: at most {MOST_IN_TAILS} percent of the fee can be paid later")
        spans = [length(tail.live_for) for tail in self.tails]
        if spans != sorted(set(spans)):
            raise ValueError("tails: each one has to stay live for longer than the one before")
        if not all(part.amount for part in self.fee_parts):
            raise ValueError("tails: the fee is too small to be split like this")
        return self


MOST_IN_TAILS: Final = 90
"""Percent of the fee: something is always paid for the verified post itself."""


def split_fee(fee: Money, tails: Sequence[FeeTail]) -> list[Money]:
    """The fee in its parts: for the verified post, then each tail; together exactly the fee."""
    weights = [100 - sum(tail.percent for tail in tails), *(tail.percent for tail in tails)]
    return [Money(amount=amount, currency=fee.currency) for amount in shares(fee, weights)]
