"""Campaigns, their commands, and the invitations to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth import Caller, own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf, request_name
from api.commands import launch, steer
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.campaigns import (
    CampaignChanges,
    CampaignCommand,
    CampaignDetail,
    CampaignGiven,
    CampaignShown,
    InvitationReport,
    Invitations,
    SkippedShown,
    Standing,
)
from api.schemas.common import CampaignId
from domain.campaign import CampaignStatus
from domain.errors import Refused
from domain.offer import Offer
from infra.authors import remember_author
from infra.campaigns import change_campaign as change_draft
from infra.campaigns import counts_by_stage, variants_of
from infra.campaigns import create_campaign as create_draft
from infra.invitations import Invited, invite, renew_offers
from infra.tables import Campaign
from workflows.messages import CampaignStanding, Steering

router = APIRouter(
    tags=["campaigns"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


@router.get("/campaigns", summary="Campaigns")
def list_campaigns(
    caller: CallerOf, session: SessionOf, paging: Annotated[Paging, Depends()]
) -> Page[CampaignShown]:
    """Every campaign of the brand, oldest first."""
    query = select(Campaign).where(Campaign.brand_id == caller.brand_id)
    return page_of(session, query, Campaign.id, paging, lambda rows: [_shown(row) for row in rows])


@router.post(
    "/campaigns",
    summary="Create a campaign",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def create_campaign(given: CampaignGiven, caller: CallerOf, session: SessionOf) -> CampaignDetail:
    """Create a draft. The body is the campaign file's model."""
    return _detail(session, create_draft(session, caller.brand_id, given, by=caller.actor))


@router.get("/campaigns/{campaign_id}", summary="One campaign", responses=answers(404))
def get_campaign(campaign_id: CampaignId, caller: CallerOf, session: SessionOf) -> CampaignDetail:
    """A campaign with its collaborations counted by stage."""
    return _detail(session, own(session, caller, Campaign, campaign_id))


@router.patch("/campaigns/{campaign_id}", summary="Change a draft", responses=answers(400, 404, 409, 413))
def change_campaign(
    campaign_id: CampaignId, changes: CampaignChanges, caller: CallerOf, session: SessionOf
) -> CampaignDetail:
    """Change a campaign that was not launched. Who is queued already gets a new version of the offer."""
    campaign = own(session, caller, Campaign, campaign_id, lock=True)
    fee_before = Offer.model_validate(campaign.offer).fee
    values = changes.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    change_draft(session, campaign, values, by=caller.actor)
    renew_offers(session, campaign, fee_before)
    return _detail(session, campaign)


@router.post(
    "/campaigns/{campaign_id}/commands/{command}",
    summary="Launch, pause, resume, close or cancel",
    dependencies=REPEATABLE,
    responses=answers(400, 202, 404, 409, 413),
)
async def command_campaign(
    campaign_id: CampaignId, command: CampaignCommand, request: Request, caller: CallerOf, session: SessionOf
) -> Standing:
    """Steer a campaign as a whole.

    `launch` sends the invitations. `pause` takes no acceptances until `resume`. `close` withdraws open
    offers; what was accepted goes on. `cancel` also ends what was not shipped yet; held money returns.
    """
    campaign = await run_in_threadpool(own, session, caller, Campaign, campaign_id)
    status = CampaignStatus(campaign.status)
    await run_in_threadpool(session.commit)  # hold no connection while the workflow answers
    if command is CampaignCommand.LAUNCH:
        return Standing.model_validate(await _launch(request, caller, campaign_id, status))
    if status is CampaignStatus.DRAFT:
        raise Refused("this campaign was not launched yet", code="wrong_status")
    return Standing.model_validate(await _steer(request, caller, campaign_id, command))


async def _launch(
    request: Request, caller: Caller, campaign_id: str, status: CampaignStatus
) -> CampaignStanding:
    if status is CampaignStatus.LIVE:
        return CampaignStanding(status=status, outcome="already_launched")
    if status is not CampaignStatus.DRAFT:
        raise Refused(f"this campaign was launched already; it is {status.value}", code="wrong_status")
    return await launch(request.app.state.temporal, campaign_id, caller.actor)


async def _steer(
    request: Request, caller: Caller, campaign_id: str, command: CampaignCommand
) -> CampaignStanding:
    steering = Steering.model_validate(
        {"id": request_name(request, uuid4().hex), "actor": caller.actor, "command": command.value}
    )
    return await steer(request.app.state.temporal, campaign_id, steering)


@router.post(
    "/campaigns/{campaign_id}/invitations",
    summary="Invite creators",
    dependencies=REPEATABLE,
    responses=answers(400, 202, 404, 409, 413),
)
async def invite_creators(
    campaign_id: CampaignId, given: Invitations, request: Request, caller: CallerOf, session: SessionOf
) -> InvitationReport:
    """Queue up to 20,000 creators. In a draft they wait for the launch, in a live campaign they are mailed.

    Who must not be contacted, has unsubscribed, is in the campaign already or lives where it does not ship to
    is left out, with the reason.
    """
    invited, status = await run_in_threadpool(_queue, session, caller, campaign_id, given)
    if status in (CampaignStatus.LIVE, CampaignStatus.PAUSED):
        steering = Steering(id=request_name(request, uuid4().hex), actor=caller.actor, command="invite")
        await steer(request.app.state.temporal, campaign_id, steering)
    return InvitationReport(
        invited=len(invited.collaboration_ids),
        collaboration_ids=invited.collaboration_ids,
        skipped=[SkippedShown(creator_id=one.creator_id, reason=one.reason) for one in invited.skipped],
    )


def _queue(
    session: Session, caller: Caller, campaign_id: str, given: Invitations
) -> tuple[Invited, CampaignStatus]:
    """Write the invitations; they stay written when the workflow cannot be told at once."""
    campaign = own(session, caller, Campaign, campaign_id, lock=True)
    status = CampaignStatus(campaign.status)
    invited = invite(session, campaign, given.creator_ids, now=datetime.now(UTC), fee=given.fee)
    if given.fee is not None and invited.collaboration_ids:
        remember_author(session, campaign, caller.actor, "amount", invited.collaboration_ids)
    if status is not CampaignStatus.DRAFT:
        session.commit()
    return invited, status


def _shown(row: Campaign) -> CampaignShown:
    return CampaignShown.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "type": row.type,
            "status": row.status,
            "currency": row.currency,
            "budget": row.budget_amount,
            "brief": row.brief,
            "offer": row.offer,
            "policy": row.policy,
            "ships_to": row.ships_to,
            "created_at": row.created_at,
            "launched_at": row.launched_at,
            "closed_at": row.closed_at,
        }
    )


def _detail(session: Session, row: Campaign) -> CampaignDetail:
    session.refresh(row)
    counts = counts_by_stage(session, row.id)
    variants = [variant.sku for variant in variants_of(session, row.id)]
    return CampaignDetail(
        **_shown(row).model_dump(), variants=variants, counts=counts, collaborations=sum(counts.values())
    )
