"""Collaborations as they stand: lists, one, and who has the ball. Reads only: `commands` acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import CTE, select
from sqlalchemy.orm import Session

from api.auth import Caller, own
from api.calls import KEYED, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.collaborations import CollaborationDetail, CollaborationShown, OfferShown
from api.schemas.common import CampaignId, CollaborationId
from domain.alarms import ball
from domain.stages import STAGES, Attention, Stage
from domain.state import State
from infra.tables import Campaign, Collaboration, OfferRow

router = APIRouter(
    tags=["collaborations"],
    route_class=CallRoute,
    dependencies=KEYED,
    responses=answers(401, 403, 422, 503),
)


@router.get("/collaborations", summary="Collaborations of all campaigns")
def list_collaborations(
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    attention: Annotated[bool, Query(description="Only those that a person must look at")] = False,
) -> Page[CollaborationShown]:
    """Every collaboration of the brand; with `attention`, the exceptions only."""
    query = select(Collaboration).where(Collaboration.brand_id == caller.brand_id)
    if attention:
        query = query.where(Collaboration.id.in_(select(_flagged(caller).c.id)))
    return page_of(session, query, Collaboration.id, paging, _shown)


def _flagged(caller: Caller) -> CTE:
    """The exceptions of the brand, found by their own index: few, however many collaborations there are."""
    return (
        select(Collaboration.id, Collaboration.attention)
        .where(Collaboration.brand_id == caller.brand_id, Collaboration.attention.is_not(None))
        .cte("flagged")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )


@router.get(
    "/campaigns/{campaign_id}/collaborations",
    summary="Collaborations of one campaign",
    responses=answers(404),
)
def list_campaign_collaborations(
    campaign_id: CampaignId,
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    stage: Annotated[Stage | None, Query(description="Only those at this stage")] = None,
    attention: Annotated[Attention | None, Query(description="Only those flagged with this reason")] = None,
) -> Page[CollaborationShown]:
    """The collaborations of a campaign, by stage or by what they wait for."""
    own(session, caller, Campaign, campaign_id)
    query = select(Collaboration).where(Collaboration.campaign_id == campaign_id)
    if stage is not None:
        query = query.where(Collaboration.stage == stage.value)
    if attention is not None:
        flagged = _flagged(caller)
        query = query.where(
            Collaboration.id.in_(select(flagged.c.id).where(flagged.c.attention == attention.value))
        )
    return page_of(session, query, Collaboration.id, paging, _shown)


@router.get("/collaborations/{collaboration_id}", summary="One collaboration", responses=answers(404))
def get_collaboration(
    collaboration_id: CollaborationId, caller: CallerOf, session: SessionOf
) -> CollaborationDetail:
    """A collaboration with the terms that count and its clocks."""
    row = own(session, caller, Collaboration, collaboration_id)
    state = State.model_validate(row.state)
    return CollaborationDetail(
        **_one(row, state).model_dump(),
        offer=_offer(session, row.offer_id),
        variant_id=state.variant_id,
        submission_id=state.submission_id,
        invited_at=state.invited_at,
        accepted_at=state.accepted_at,
        delivered_at=state.delivered_at,
        review_by=state.review_by,
        verified_at=state.verified_at,
        pay_by=state.pay_by,
        extension_asked=state.extension,
    )


def _offer(session: Session, offer_id: str) -> OfferShown:
    return OfferShown.model_validate(session.get_one(OfferRow, offer_id))


def _shown(rows: Sequence[Collaboration]) -> list[CollaborationShown]:
    return [_one(row, State.model_validate(row.state)) for row in rows]


def _one(row: Collaboration, state: State) -> CollaborationShown:
    return CollaborationShown(
        id=row.id,
        campaign_id=row.campaign_id,
        creator_id=row.creator_id,
        stage=state.stage,
        meaning=STAGES[state.stage].meaning,
        since=row.since,
        ball=ball(state),
        attention=state.attention,
        attention_owner=row.attention_owner,
        attention_since=row.attention_since,
        fee=state.fee,
        due_at=state.due_at,
        sequence=row.sequence,
        end_reason=state.end_reason,
    )
