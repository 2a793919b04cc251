"""The people of the brand. There is always an owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.auth import own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.brands import MemberChanges, MemberShown, NewMember
from api.schemas.common import MemberId
from domain.errors import NotFound, Refused
from domain.roles import Role
from infra.ids import new_id
from infra.tables import Brand, Member

router = APIRouter(
    tags=["members"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


@router.get("/members", summary="Members")
def list_members(
    caller: CallerOf, session: SessionOf, paging: Annotated[Paging, Depends()]
) -> Page[MemberShown]:
    """Who belongs to the brand now."""
    query = select(Member).where(Member.brand_id == caller.brand_id, Member.removed_at.is_(None))
    return page_of(
        session, query, Member.id, paging, lambda rows: [MemberShown.model_validate(row) for row in rows]
    )


@router.post(
    "/members",
    summary="Add a member",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def add_member(given: NewMember, caller: CallerOf, session: SessionOf) -> MemberShown:
    """Add a person; somebody who was removed comes back under their old id."""
    query = select(Member).where(
        Member.brand_id == caller.brand_id, func.lower(Member.email) == given.email.lower()
    )
    member = session.scalar(query.with_for_update())
    if member is not None and member.removed_at is None:
        raise Refused("a member with this e-mail address exists already", code="email_known", field="email")
    if member is None:
        member = Member(id=new_id("member"), brand_id=caller.brand_id, email=given.email)
        session.add(member)
    member.name, member.role, member.removed_at = given.name, given.role.value, None
    session.flush()
    return MemberShown.model_validate(member)


@router.patch("/members/{member_id}", summary="Change a member's role", responses=answers(400, 404, 409, 413))
def change_member(
    member_id: MemberId, changes: MemberChanges, caller: CallerOf, session: SessionOf
) -> MemberShown:
    """Give another role. The last owner stays one."""
    member = _present(session, caller, member_id)
    if changes.role is not Role.OWNER:
        _keep_an_owner(session, member)
    member.role = changes.role.value
    session.flush()
    return MemberShown.model_validate(member)


@router.delete("/members/{member_id}", summary="Remove a member", responses=answers(404, 409))
def remove_member(member_id: MemberId, caller: CallerOf, session: SessionOf) -> MemberShown:
    """The person may do nothing any more; what they did stays in the history. The last owner stays."""
    member = _present(session, caller, member_id)
    _keep_an_owner(session, member)
    member.removed_at = datetime.now(UTC)
    session.flush()
    return MemberShown.model_validate(member)


def _present(session: Session, caller: CallerOf, member_id: str) -> Member:
    session.get_one(Brand, caller.brand_id, with_for_update=True)  # one change of owners at a time
    member = own(session, caller, Member, member_id)
    if member.removed_at is not None:
        raise NotFound("no such member")
    return member


def _keep_an_owner(session: Session, member: Member) -> None:
    if member.role != Role.OWNER:
        return
    others = select(Member.id).where(
        Member.brand_id == member.brand_id,
        Member.role == Role.OWNER.value,
        Member.removed_at.is_(None),
        Member.id != member.id,
    )
    if session.scalar(others.limit(1)) is None:
        raise Refused("the brand needs an owner; make another one first", code="last_owner")
