"""Erasures and evidence bundles as the brand sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from api.schemas.common import Given, Shown, example


class ErasureAsked(Given):
    """Why a creator is to be erased."""

    model_config = example(rule="creator_asked")

    rule: Annotated[
        str,
        Field(
            max_length=40,
            description="creator_asked, no_longer_needed, authority_ordered or brand_leaves",
            examples=["creator_asked"],
        ),
    ]
    force: bool = Field(
        default=False,
        description="Erase although money or a collaboration is open; for authority_ordered only",
    )


class ErasureShown(Shown):
    """One erasure. It is over when there is a certificate."""

    id: str
    creator_id: str
    rule: str
    forced: bool
    asked_at: datetime
    destroyed_at: datetime | None = Field(description="When the key and all that names the person went")
    certificate: dict[str, Any] | None = Field(
        description="What was destroyed, by whom, its SHA-256, and its line of the audit log"
    )


class BundleShown(Shown):
    """One evidence bundle of a payout."""

    id: str
    payout_id: str
    number: int
    collected_at: datetime
    sealed_at: datetime | None = Field(description="Null until a root of the audit log covers it")
    sha256: str
    size: int
    url: str | None = Field(description="Where to get it, for five minutes; null until it is sealed")


class Bundles(Shown):
    """The bundles of a payout, the first one first."""

    items: list[BundleShown]
