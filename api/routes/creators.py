"""Creators: one, many, and many more from a file. An answer that is kept never names a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from api.auth import Caller, own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.common import CreatorId
from api.schemas.creators import AccountShown, CreatorAdded, CreatorChanges, CreatorShown, ProfileShown
from domain.errors import Invalid
from domain.roles import Role
from infra.audit.append import append_audit
from infra.creators import ImportReport, NewCreator, add_creator, import_creators
from infra.tables import Creator, CreatorKey, SocialAccount
from infra.vault import Profile, Vault

router = APIRouter(
    tags=["creators"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)

_TEXT: Final = {"schema": {"type": "string"}, "example": "email,name,country,platform,handle,followers\r\n"}
_FILE: Final = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}


def vault_of(request: Request) -> Vault:
    """The vault of this process."""
    vault: Vault = request.app.state.vault
    return vault


VaultOf = Annotated[Vault, Depends(vault_of)]


@router.get("/creators", summary="Creators")
def list_creators(
    caller: CallerOf, session: SessionOf, vault: VaultOf, paging: Annotated[Paging, Depends()]
) -> Page[CreatorShown]:
    """Every creator of the brand. Names and addresses are shown to all roles but viewer."""
    query = select(Creator).where(Creator.brand_id == caller.brand_id)
    return page_of(session, query, Creator.id, paging, lambda rows: _shown(session, vault, caller, rows))


@router.get("/creators/{creator_id}", summary="One creator", responses=answers(404))
def get_creator(creator_id: CreatorId, caller: CallerOf, session: SessionOf, vault: VaultOf) -> CreatorShown:
    """A creator with their accounts."""
    return _shown(session, vault, caller, [own(session, caller, Creator, creator_id)])[0]


@router.post(
    "/creators",
    summary="Add a creator",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def create_creator(given: NewCreator, caller: CallerOf, session: SessionOf, vault: VaultOf) -> CreatorAdded:
    """Add one creator; the answer carries the id and no personal data."""
    return CreatorAdded.model_validate(add_creator(session, vault, caller.brand_id, given))


@router.patch("/creators/{creator_id}", summary="Do not contact", responses=answers(400, 404, 413))
def change_creator(
    creator_id: CreatorId, changes: CreatorChanges, caller: CallerOf, session: SessionOf, vault: VaultOf
) -> CreatorShown:
    """Say that a creator must not be contacted, and why; or, with an empty reason, that they may be again."""
    creator = own(session, caller, Creator, creator_id)
    creator.do_not_contact = changes.do_not_contact
    session.flush()
    event = "contact_stopped" if changes.do_not_contact else "contact_allowed"
    now = datetime.now(UTC)
    append_audit(session, caller.brand_id, "creator", creator.id, event, caller.actor, now)
    return _shown(session, vault, caller, [creator])[0]


@router.post(
    "/creators/import",
    summary="Import creators from CSV",
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": _TEXT, "multipart/form-data": _FILE},
        }
    },
)
async def import_creators_file(
    request: Request,
    caller: CallerOf,
    session: SessionOf,
    vault: VaultOf,
    dry_run: Annotated[bool, Query(description="Only look: report what would happen")] = False,
) -> ImportReport:
    """Take the good rows of a CSV file and report the others with line, field and reason.

    UTF-8, UTF-16 or Windows-1252; comma, semicolon or tab; up to 100,000 rows. Columns: email, name, country,
    platform, handle, followers; optional: language, time_zone, engagement_rate (percent), niches, phone.
    """
    raw = await _file_of(request)
    return await run_in_threadpool(import_creators, session, vault, caller.brand_id, raw, dry_run=dry_run)


async def _file_of(request: Request) -> bytes:
    """The bytes of the CSV file, sent as the body or as the field `file` of a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/csv", "application/csv", "text/plain"):
        return await request.body()
    if kind != "multipart/form-data":
        raise Invalid("send the file as text/csv, or as the field `file` of a form", field="Content-Type")
    async with request.form(max_files=1, max_fields=5) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("the form has no file in the field `file`", field="file")
        return await file.read()


def _shown(session: Session, vault: Vault, caller: Caller, creators: Iterable[Creator]) -> list[CreatorShown]:
    rows = list(creators)
    ids = [row.id for row in rows]
    accounts: dict[str, list[AccountShown]] = {creator_id: [] for creator_id in ids}
    query = select(SocialAccount).where(SocialAccount.creator_id.in_(ids)).order_by(SocialAccount.id)
    for account in session.scalars(query):
        accounts[account.creator_id].append(_account(account))
    keys = _keys(session, ids) if caller.role is not Role.VIEWER else {}
    return [_creator(row, accounts[row.id], _profile(vault, row, keys.get(row.id))) for row in rows]


def _creator(row: Creator, accounts: list[AccountShown], profile: ProfileShown | None) -> CreatorShown:
    return CreatorShown(
        id=row.id,
        country=row.country,
        language=row.language,
        time_zone=row.zone,
        tier=row.tier,
        niches=row.niches,
        do_not_contact=row.do_not_contact,
        created_at=row.created_at,
        accounts=accounts,
        profile=profile,
    )


def _account(account: SocialAccount) -> AccountShown:
    points = account.engagement_basis_points
    return AccountShown(
        platform=account.platform,
        handle=account.handle,
        followers=account.followers,
        engagement_rate=None if points is None else points / 100,
    )


def _keys(session: Session, ids: list[str]) -> dict[str, bytes]:
    query = select(CreatorKey.creator_id, CreatorKey.wrapped).where(CreatorKey.creator_id.in_(ids))
    return {row.creator_id: row.wrapped for row in session.execute(query)}


def _profile(vault: Vault, row: Creator, wrapped: bytes | None) -> ProfileShown | None:
    if wrapped is None:
        return None
    found: Any = vault.open(wrapped, row.sealed, Profile)
    return ProfileShown.model_validate(found)
