"""The people of the brand. There is always an owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select

from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.brands import InvitationShown, MemberChanges, MemberShown, NewMember
from api.schemas.common import MemberId, MemberInvitationId
from domain.roles import Role
from infra import members
from infra.tables import Member, MemberInvitation

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
    """Add a person at once, without a mail; somebody who was removed comes back under their old id."""
    member = members.add_member(
        session, caller.brand_id, given.name, given.email, given.role, by=caller.actor
    )
    return MemberShown.model_validate(member)


@router.patch("/members/{member_id}", summary="Change a member's role", responses=answers(400, 404, 409, 413))
def change_member(
    member_id: MemberId, changes: MemberChanges, caller: CallerOf, session: SessionOf
) -> MemberShown:
    """Give another role, from the next click on. The last owner stays one."""
    member = members.change_role(
        session, caller.brand_id, member_id, changes.role, caller.actor, datetime.now(UTC)
    )
    return MemberShown.model_validate(member)


@router.delete("/members/{member_id}", summary="Remove a member", responses=answers(404, 409))
def remove_member(member_id: MemberId, caller: CallerOf, session: SessionOf) -> MemberShown:
    """The person may do nothing any more, and is signed out; what they did stays. The last owner stays."""
    member = members.remove_member(session, caller.brand_id, member_id, caller.actor, datetime.now(UTC))
    return MemberShown.model_validate(member)


@router.get("/member-invitations", summary="Invitations of members")
def list_member_invitations(
    caller: CallerOf, session: SessionOf, paging: Annotated[Paging, Depends()]
) -> Page[InvitationShown]:
    """Who was asked to join, and what came of it."""
    query = select(MemberInvitation).where(MemberInvitation.brand_id == caller.brand_id)
    return page_of(
        session,
        query,
        MemberInvitation.id,
        paging,
        lambda rows: [_shown(row, datetime.now(UTC)) for row in rows],
    )


@router.post(
    "/member-invitations",
    summary="Invite a member",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def invite_member(
    given: NewMember, request: Request, caller: CallerOf, session: SessionOf
) -> InvitationShown:
    """Mail a person a link to join with, good for a week and once. An open one of the address is replaced."""
    now = datetime.now(UTC)
    invitation = members.invite_member(
        session,
        request.app.state.settings,
        caller.brand_id,
        name=given.name,
        email=given.email,
        role=given.role,
        by=caller.actor,
        now=now,
    )
    return _shown(invitation, now)


@router.delete(
    "/member-invitations/{invitation_id}", summary="Revoke an invitation", responses=answers(404, 409)
)
def revoke_member_invitation(
    invitation_id: MemberInvitationId, caller: CallerOf, session: SessionOf
) -> InvitationShown:
    """The link counts no more. Revoking twice is revoking once."""
    now = datetime.now(UTC)
    return _shown(members.revoke_invitation(session, caller.brand_id, invitation_id, caller.actor, now), now)


def _shown(row: MemberInvitation, now: datetime) -> InvitationShown:
    return InvitationShown(
        id=row.id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        standing=members.standing_of(row, now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        member_id=row.member_id,
    )
