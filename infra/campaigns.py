"""Campaigns from their file or their API call: created as a draft, changed only while one.

The API and the shell share this. Launching is the workflow's; nothing here starts anything.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.campaign import Brief, CampaignStatus, NewCampaign
from domain.errors import IllegalCommand, Invalid, Refused
from domain.money import Money
from domain.offer import Offer
from domain.policy import Policy
from domain.roles import HANDSEL, Actor
from domain.terms import Gift, terms_text
from infra.audit.append import append_audit
from infra.authors import remember_author
from infra.ids import new_id
from infra.tables import Brand, Campaign, CampaignVariant, Collaboration, Product, Variant

_CHANGEABLE: Final = frozenset(NewCampaign.model_fields)


def create_campaign(
    session: Session, brand_id: str, new: NewCampaign, *, by: Actor | None = None
) -> Campaign:
    """Write a draft campaign. Raises `Invalid` for unknown SKUs, `Refused` when the name is taken."""
    _refuse_taken_name(session, brand_id, new.name)
    variants = _variant_ids(session, brand_id, new.variants)
    campaign = Campaign(id=new_id("campaign"), brand_id=brand_id, status=CampaignStatus.DRAFT.value)
    _fill(campaign, new)
    session.add(campaign)
    session.flush()
    _set_variants(session, campaign.id, variants)
    remember_author(session, campaign, by, "terms")
    _tell(session, campaign, "campaign_created", new, by)
    return campaign


def change_campaign(
    session: Session, campaign: Campaign, changes: dict[str, Any], *, by: Actor | None = None
) -> Campaign:
    """Change fields of a draft; the whole must still fit together. The caller holds the row's lock.

    Raises `IllegalCommand` once it was launched, `Invalid` when the result would not be a campaign.
    """
    if campaign.status != CampaignStatus.DRAFT:
        raise IllegalCommand("only a draft can be changed; this campaign was launched", code="wrong_status")
    before = as_new_campaign(session, campaign).model_dump(mode="json")
    try:
        after = NewCampaign.model_validate(before | {k: v for k, v in changes.items() if k in _CHANGEABLE})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise Invalid(message, field=field) from error
    if after.name != campaign.name:
        _refuse_taken_name(session, campaign.brand_id, after.name)
    variants = _variant_ids(session, campaign.brand_id, after.variants)
    _fill(campaign, after)
    session.flush()
    _set_variants(session, campaign.id, variants)
    remember_author(session, campaign, by, "terms")
    _tell(session, campaign, "campaign_changed", after, by)
    return campaign


def _tell(session: Session, campaign: Campaign, event: str, stands: NewCampaign, by: Actor | None) -> None:
    """What was set, in the audit log: the terms, clocks and gates by their hash, which the row must fit."""
    digest = hashlib.sha256(stands.model_dump_json().encode()).hexdigest()
    said = {"budget": campaign.budget_amount, "currency": campaign.currency, "sha256": digest}
    append_audit(
        session, campaign.brand_id, "campaign", campaign.id, event, by or HANDSEL, datetime.now(UTC), said
    )


def as_new_campaign(session: Session, campaign: Campaign) -> NewCampaign:
    """The campaign as its file would say it."""
    return NewCampaign(
        name=campaign.name,
        currency=campaign.currency,
        budget=campaign.budget_amount,
        brief=Brief.model_validate(campaign.brief),
        offer=Offer.model_validate(campaign.offer),
        policy=Policy.model_validate(campaign.policy),
        variants=[variant.sku for variant in variants_of(session, campaign.id)],
        ships_to=campaign.ships_to,
    )


def variants_of(session: Session, campaign_id: str) -> Sequence[Variant]:
    """The variants that creators of this campaign may choose, by SKU."""
    query = (
        select(Variant)
        .join(CampaignVariant, CampaignVariant.variant_id == Variant.id)
        .where(CampaignVariant.campaign_id == campaign_id)
        .order_by(Variant.sku)
    )
    return session.scalars(query).all()


def terms_of(session: Session, campaign: Campaign, fee: Money | None = None) -> tuple[Offer, str]:
    """The offer of this campaign, with another fee if one is given, and its terms as text."""
    offer = Offer.model_validate(campaign.offer)
    if fee is not None:
        offer = Offer.model_validate(offer.model_dump() | {"fee": fee})
    brand = session.get_one(Brand, campaign.brand_id)
    text = terms_text(
        brand=brand.name,
        campaign=campaign.name,
        offer=offer,
        policy=Policy.model_validate(campaign.policy),
        brief=Brief.model_validate(campaign.brief),
        gifts=_gifts(session, campaign.id, brand.currency),
    )
    return offer, text


def counts_by_stage(session: Session, campaign_id: str) -> dict[str, int]:
    """How many collaborations stand at each stage (one index-only scan of the campaign)."""
    query = (
        select(Collaboration.stage, func.count().label("count_"))
        .where(Collaboration.campaign_id == campaign_id)
        .group_by(Collaboration.stage)
    )
    return {row.stage: row.count_ for row in session.execute(query)}


def _gifts(session: Session, campaign_id: str, currency: str) -> list[Gift]:
    query = (
        select(Product.name, Variant.name, Variant.retail_amount)
        .join(Variant, Variant.product_id == Product.id)
        .join(CampaignVariant, CampaignVariant.variant_id == Variant.id)
        .where(CampaignVariant.campaign_id == campaign_id)
        .order_by(Product.name, Variant.sku)
    )
    return [
        Gift(
            product if product == variant else f"{product}, {variant}", Money(amount=value, currency=currency)
        )
        for product, variant, value in session.execute(query)
    ]


def _fill(campaign: Campaign, new: NewCampaign) -> None:
    campaign.name = new.name
    campaign.type = new.offer.type.value
    campaign.currency = new.currency
    campaign.budget_amount = new.budget
    campaign.brief = new.brief.model_dump(mode="json")
    campaign.offer = new.offer.model_dump(mode="json")
    campaign.policy = new.policy.model_dump(mode="json")
    campaign.ships_to = list(new.ships_to)


def _refuse_taken_name(session: Session, brand_id: str, name: str) -> None:
    taken = select(Campaign.id).where(Campaign.brand_id == brand_id, Campaign.name == name)
    if session.scalar(taken) is not None:
        raise Refused("a campaign of this name exists already", code="name_taken", field="name")


def _variant_ids(session: Session, brand_id: str, skus: Sequence[str]) -> list[str]:
    """The variants of these SKUs. Raises `Invalid` for one that is unknown, repeated or ambiguous."""
    query = (
        select(Variant.sku, Variant.id)
        .join(Product, Product.id == Variant.product_id)
        .where(Product.brand_id == brand_id, Variant.sku.in_(skus))
    )
    found = session.execute(query).all()
    times = Counter(row.sku for row in found)
    for position, sku in enumerate(skus):
        field = f"variants.{position}"
        if sku in skus[:position]:
            raise Invalid("this SKU is named twice", field=field)
        if times[sku] == 0:
            raise Invalid("no product of yours has this SKU", code="unknown_sku", field=field)
        if times[sku] > 1:
            raise Invalid("several products have this SKU; rename one", code="ambiguous_sku", field=field)
    return [row.id for row in found]


def _set_variants(session: Session, campaign_id: str, variant_ids: list[str]) -> None:
    session.execute(
        delete(CampaignVariant).where(
            CampaignVariant.campaign_id == campaign_id, CampaignVariant.variant_id.not_in(variant_ids)
        )
    )
    rows = [{"campaign_id": campaign_id, "variant_id": variant_id} for variant_id in variant_ids]
    if rows:
        session.execute(insert(CampaignVariant).on_conflict_do_nothing(), rows)
