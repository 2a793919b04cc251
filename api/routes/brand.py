"""The caller's own brand and its API keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select

from api.auth import own, own_brand
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.brands import BrandChanges, BrandShown, KeyMade, KeyShown, NewKeyGiven
from api.schemas.common import KeyId
from infra import brands
from infra.api_keys import make_key, revoke_key
from infra.tables import ApiKey

router = APIRouter(
    tags=["brand"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


@router.get("/brand", summary="The brand of this key")
def get_brand(caller: CallerOf, session: SessionOf) -> BrandShown:
    """Name, sender and currency of the brand that the API key belongs to."""
    return BrandShown.model_validate(own_brand(session, caller))


@router.patch("/brand", summary="Change the brand", responses=answers(400, 413))
def change_brand(changes: BrandChanges, caller: CallerOf, session: SessionOf) -> BrandShown:
    """Change names and addresses. Mails that were sent and terms that were accepted stay as they are."""
    brand = own_brand(session, caller)
    given = changes.model_dump(exclude_unset=True, exclude_none=True)
    brands.change_brand(session, brand, given, caller.actor)
    return BrandShown.model_validate(brand)


@router.get("/api-keys", summary="API keys")
def list_api_keys(
    caller: CallerOf, session: SessionOf, paging: Annotated[Paging, Depends()]
) -> Page[KeyShown]:
    """Every key of the brand, revoked ones too; never the keys themselves."""
    query = select(ApiKey).where(ApiKey.brand_id == caller.brand_id)
    return page_of(
        session, query, ApiKey.id, paging, lambda rows: [KeyShown.model_validate(row) for row in rows]
    )


@router.post(
    "/api-keys",
    summary="Make an API key",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def create_api_key(given: NewKeyGiven, request: Request, caller: CallerOf, session: SessionOf) -> KeyMade:
    """Make a key of a role. The answer is the only place where the key itself ever stands."""
    mode = request.app.state.settings.mode
    made = make_key(
        session, mode=mode, brand_id=caller.brand_id, name=given.name, role=given.role, by=caller.actor
    )
    session.refresh(made.row)
    shown = KeyShown.model_validate(made.row)
    return KeyMade(**shown.model_dump(), secret=made.secret)


@router.delete("/api-keys/{key_id}", summary="Revoke an API key", responses=answers(404))
def revoke_api_key(key_id: KeyId, caller: CallerOf, session: SessionOf) -> KeyShown:
    """The key counts no more, from the next call on. Revoking twice is revoking once."""
    key = own(session, caller, ApiKey, key_id)
    revoke_key(session, key, caller.actor)
    return KeyShown.model_validate(key)
