"""Erasure of a creator: asked for by an owner, done by the pump, certified. Evidence bundles of a payout."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from sqlalchemy import select

from api.auth import own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.common import CreatorId, PayoutId
from api.schemas.erasures import Bundles, BundleShown, ErasureAsked, ErasureShown
from domain.errors import NotFound
from infra.erasure.begin import ask_erasure
from infra.tables import Creator, Erasure, EvidenceBundle, Payout

router = APIRouter(
    tags=["proof"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 404, 422, 503)
)


@router.post(
    "/creators/{creator_id}/erasure",
    summary="Erase a creator",
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def erase_creator(
    creator_id: CreatorId, given: ErasureAsked, caller: CallerOf, session: SessionOf
) -> ErasureShown:
    """Destroy everything that names a creator; amounts, dates and proofs stay. It cannot be taken back.

    Refused while a payout is not confirmed or a collaboration has not ended. The work is done within a
    minute; read the erasure again for its certificate.
    """
    asked = ask_erasure(
        session,
        caller.brand_id,
        creator_id,
        given.rule,
        caller.actor,
        datetime.now(UTC),
        force=given.force,
    )
    return ErasureShown.model_validate(asked)


@router.get("/creators/{creator_id}/erasure", summary="The erasure of a creator")
def get_erasure(creator_id: CreatorId, caller: CallerOf, session: SessionOf) -> ErasureShown:
    """How far it is, and its certificate."""
    own(session, caller, Creator, creator_id)
    found = session.scalar(select(Erasure).where(Erasure.creator_id == creator_id))
    if found is None:
        raise NotFound("nobody asked for this creator's erasure")
    return ErasureShown.model_validate(found)


@router.get("/payouts/{payout_id}/evidence", summary="Evidence of a payout")
def list_evidence(payout_id: PayoutId, request: Request, caller: CallerOf, session: SessionOf) -> Bundles:
    """The bundles that explain this payout to somebody who has nothing else."""
    own(session, caller, Payout, payout_id)
    query = (
        select(EvidenceBundle).where(EvidenceBundle.payout_id == payout_id).order_by(EvidenceBundle.number)
    )
    store = request.app.state.objects
    items = []
    for row in session.scalars(query):
        shown = {name: getattr(row, name) for name in BundleShown.model_fields if name != "url"}
        there = store is not None and row.sealed_at is not None
        name = f"{row.payout_id}-{row.number}.zip"
        url = store.presign_get(row.object_key, name, media_type="application/zip") if there else None
        items.append(BundleShown(**shown, url=url))
    return Bundles(items=items)
