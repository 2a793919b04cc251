"""Promises of pieces and fees: guarded by the database, never by a read before a write."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from activities import payout_line
from activities.effects.context import Context
from domain.campaign import CampaignStatus
from domain.errors import Invalid, NotOpen, SoldOut
from domain.ledger import fee_earned, fee_held, fee_unearned, fee_voided
from domain.ledger_recovery import late_fee_owed
from domain.payment_effects import EarnFee, HoldFee, OweLateFee, UnearnFee, VoidFee
from domain.state import ReleaseStock, RequireOpen, ReserveStock
from infra.tables import Campaign, CampaignVariant, Payout, Variant

_STATUS: Final = (
    select(Campaign.status).where(Campaign.id == bindparam("campaign_id")).with_for_update(read=True)
)
_OFFERED: Final = select(CampaignVariant.variant_id).where(
    CampaignVariant.campaign_id == bindparam("of_campaign"),
    CampaignVariant.variant_id == bindparam("of_variant"),
)
_TAKE: Final = (
    update(Variant)
    .where(Variant.id == bindparam("of_variant"), Variant.reserved < Variant.stock, _OFFERED.exists())
    .values(reserved=Variant.reserved + 1)
    .returning(Variant.id)
    .execution_options(synchronize_session=False)
)


def require_open(session: Session, effect: RequireOpen, context: Context) -> None:  # noqa: ARG001 - no fields
    """Refuse unless the campaign is live; holds its row, so that closing it and this cannot cross."""
    status = session.scalar(_STATUS, {"campaign_id": context.before.campaign_id})
    if status == CampaignStatus.PAUSED:
        raise NotOpen("this campaign is paused; please try again later", code="campaign_paused")
    if status != CampaignStatus.LIVE:
        raise NotOpen("this campaign takes no more answers", code="campaign_closed")


def reserve_stock(session: Session, effect: ReserveStock, context: Context) -> None:
    """Take one piece, if the campaign offers it and one is left."""
    choice = {"of_campaign": context.before.campaign_id, "of_variant": effect.variant_id}
    if session.scalar(_TAKE, choice) is not None:
        return
    if session.scalar(_OFFERED, choice) is None:
        raise Invalid("this product is not part of the campaign", field="variant_id")
    raise SoldOut("the last piece of this product is gone")


def release_stock(session: Session, effect: ReleaseStock, context: Context) -> None:  # noqa: ARG001 - its variant says all
    """Put the piece back; the table refuses to fall below zero."""
    session.execute(
        update(Variant)
        .where(Variant.id == effect.variant_id)
        .values(reserved=Variant.reserved - 1)
        .execution_options(synchronize_session=False)
    )


def hold_fee(session: Session, effect: HoldFee, context: Context) -> None:
    """campaign budget -> collaboration held; sold out when the budget is short."""
    context.post(session, fee_held(context.deal(), effect.fee))


def void_fee(session: Session, effect: VoidFee, context: Context) -> None:
    """collaboration held -> campaign budget: the fee, or what was not earned of it."""
    reason = next(event.name for event in context.change.events if event.name != "payment_due")
    context.post(session, fee_voided(context.deal(), effect.fee, reason, whole=effect.whole))


def earn_fee(session: Session, effect: EarnFee, context: Context) -> None:
    """collaboration held -> creator owed; the payout comes into being, or is ready again."""
    context.post(session, fee_earned(context.deal(effect.part), effect.fee, effect.number))
    ready_payout(session, context, effect.part)


def owe_late_fee(session: Session, effect: OweLateFee, context: Context) -> None:
    """world -> creator owed: not from the campaign's budget, which was set for what was agreed."""
    late = context.deal(effect.of).payout_id
    context.post(session, late_fee_owed(context.deal(effect.part), late, effect.fee, effect.days))
    ready_payout(session, context, effect.part)


def ready_payout(session: Session, context: Context, number: int) -> None:
    """The payout of one part, as the part says after the change: ready, for the first time or again."""
    part = next(one for one in context.after.parts if one.number == number)
    session.execute(
        insert(Payout)
        .values(
            id=context.deal(number).payout_id,
            brand_id=context.after.brand_id,
            collaboration_id=context.after.collaboration_id,
            part=number,
            kind=part.kind.value,
            of_part=part.of or None,
            creator_id=context.after.creator_id,
            amount=part.amount,
            currency=context.after.money(part.amount).currency,
            state="ready",
            pay_by=part.pay_by,
            created_at=context.change.at,
        )
        .on_conflict_do_update(index_elements=["id"], set_={"state": "ready", "pay_by": part.pay_by})
    )


def unearn_fee(session: Session, effect: UnearnFee, context: Context) -> None:
    """creator owed -> collaboration held; the payout waits until the fee is earned again."""
    reason = context.change.events[-1].name
    deal = context.deal(effect.part)
    context.post(session, fee_unearned(deal, effect.fee, effect.number, reason))
    session.execute(
        update(Payout)
        .where(Payout.id == deal.payout_id)
        .values(state="waiting")
        .execution_options(synchronize_session=False)
    )
    payout_line.leave(session, deal.payout_id, context.change.at)
