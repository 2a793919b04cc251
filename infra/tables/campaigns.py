"""Campaigns, and the products that they give."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Minor, Table


class Product(Table):
    """A thing that is given."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("brand_id", "name"),)
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Variant(Table):
    """One choice of a product (size, shade), with its stock. `reserved` counts pieces promised or sent."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("product_id", "sku"),
        CheckConstraint("reserved >= 0 AND reserved <= stock", name="stock_covers_promises"),
    )
    id: Mapped[Key]
    product_id: Mapped[str] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str]
    sku: Mapped[str]
    stock: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0)
    retail_amount: Mapped[Minor]
    """Fair retail value of one piece, minor units of the brand's currency."""
    cost_amount: Mapped[Minor] = mapped_column(default=0)


class Campaign(Table):
    """A brief, products, an offer, a policy of clocks, a budget."""

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("brand_id", "name"),
        Index("ix_campaigns_brand_id_id", "brand_id", "id"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    name: Mapped[str]
    type: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    """draft, live, paused, closed (no new answers), completed or cancelled."""
    currency: Mapped[str]
    budget_amount: Mapped[Minor] = mapped_column(default=0)
    """What the fees of this campaign may cost together, minor units."""
    brief: Mapped[dict[str, Any]]
    """`domain.campaign.Brief`: summary, hard requirements, talking points, do, don't."""
    offer: Mapped[dict[str, Any]]
    """`domain.offer.Offer` that every creator gets unless the invitation carries another fee."""
    policy: Mapped[dict[str, Any]]
    """`domain.policy.Policy`."""
    ships_to: Mapped[list[str]] = mapped_column(server_default="[]")
    """ISO countries; empty means anywhere."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    launched_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class CampaignVariant(Table):
    """A variant that creators of this campaign may choose."""

    __tablename__ = "campaign_variants"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    variant_id: Mapped[str] = mapped_column(ForeignKey("variants.id"), primary_key=True)
