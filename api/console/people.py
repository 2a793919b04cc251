"""The people of the brand: who is in it, who was invited, what each may do. Owners change it, all see it."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import func, select

from api.auth import own
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.route import console_router
from api.console.tables import listed
from api.schemas.brands import NewMember
from domain.errors import NotFound, Refused
from domain.roles import MEANING, Role
from infra import members
from infra.sessions import live_sessions
from infra.tables import Member, MemberInvitation, StaffSession

router = console_router()
PATH = "/console/people"


class NewRole(BaseModel):
    """What the form of a role says."""

    role: Role


@router.get("/people")
def people_page(view: ViewOf) -> Response:
    """Members and invitations that are open."""
    return _show(view)


@router.post("/people/invitations")
def invite_person(view: ViewOf) -> Response:
    """Mail an invitation. The same form counts once."""
    try:
        new = view.read(NewMember)
        with view.all_or_nothing() as session:
            members.invite_member(
                session,
                view.settings,
                view.person.brand_id,
                name=new.name,
                email=new.email,
                role=new.role,
                by=view.person.actor,
                now=view.now,
                invitation_id=view.id_of("member_invitation"),
            )
    except Refused as refused:
        return _show(view, errors_of(refused), status_of(refused))
    return view.go(PATH, "invited")


@router.post("/people/invitations/{invitation_id}/revoke")
def revoke_invitation(invitation_id: str, view: ViewOf) -> Response:
    """The link in the mail counts no more."""
    members.revoke_invitation(view.session, view.person.brand_id, invitation_id, view.person.actor, view.now)
    return view.go(PATH, "invitation_revoked")


@router.get("/people/{member_id}")
def person_page(member_id: str, view: ViewOf) -> Response:
    """One member: what they may do, since when, and what an owner can change."""
    return _show_person(view, member_id)


@router.post("/people/{member_id}/role")
def change_role(member_id: str, view: ViewOf) -> Response:
    """Give another role, from the next click on."""
    try:
        role = view.read(NewRole).role
        with view.all_or_nothing() as session:
            members.change_role(session, view.person.brand_id, member_id, role, view.person.actor, view.now)
    except NotFound:
        raise
    except Refused as refused:
        return _show_person(view, member_id, "role", errors_of(refused), status_of(refused))
    return view.go(f"{PATH}/{member_id}", "role_changed")


@router.post("/people/{member_id}/remove")
def remove_person(member_id: str, view: ViewOf) -> Response:
    """The person may do nothing any more, and is signed out at once."""
    try:
        with view.all_or_nothing() as session:
            members.remove_member(session, view.person.brand_id, member_id, view.person.actor, view.now)
    except NotFound:
        raise
    except Refused as refused:
        return _show_person(view, member_id, "remove", errors_of(refused), status_of(refused))
    return view.go(PATH, "removed")


@router.post("/people/{member_id}/sign-out")
def end_sessions_of_person(member_id: str, view: ViewOf) -> Response:
    """Sign the person out everywhere; they may sign in again."""
    member = own(view.session, view.person, Member, member_id)
    members.sign_out_member(view.session, member, view.person.actor, view.now)
    return view.go(f"{PATH}/{member_id}", "sessions_ended")


def _show(view: View, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    brand_id = view.person.brand_id
    seen = select(func.max(StaffSession.seen_at)).where(StaffSession.member_id == Member.id).scalar_subquery()
    query = select(Member.id, Member.name, Member.email, Member.role, seen.label("seen_at")).where(
        Member.brand_id == brand_id, Member.removed_at.is_(None)
    )
    role = view.asked.get("role", "")
    if role in set(Role):
        query = query.where(Member.role == role)
    invitations = view.session.scalars(
        select(MemberInvitation)
        .where(
            MemberInvitation.brand_id == brand_id,
            MemberInvitation.accepted_at.is_(None),
            MemberInvitation.revoked_at.is_(None),
        )
        .order_by(MemberInvitation.id.desc())
        .limit(100)
    ).all()
    return view.page(
        "people.html",
        status,
        members=listed(view.session, query, Member.id, PATH, view.asked, newest_first=False),
        invitations=[(row, members.standing_of(row, view.now)) for row in invitations],
        roles=role_choices(),
        role=role,
        errors=errors or {},
        typed=view.fields if errors else {},
    )


def role_choices() -> list[tuple[str, str]]:
    """Every role with what it may do, for a choice in a form."""
    return [(role.value, f"{role.value}: {MEANING[role]}") for role in Role]


def _show_person(
    view: View, member_id: str, form: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    member = own(view.session, view.person, Member, member_id)
    if member.removed_at is not None:
        raise NotFound("no such member")
    sessions = live_sessions(view.session, view.settings, member.email, view.now)
    facts: dict[str, Any] = {
        "member": member,
        "may_do": MEANING[Role(member.role)],
        "sessions": [one.session for one in sessions if one.member.id == member.id],
        "roles": role_choices(),
    }
    return view.page("person.html", status, form=form, errors=errors or {}, **facts)
