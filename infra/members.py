"""The people of a brand: invited, joined, given another role, removed. There is always an owner.

One set of functions for the API, the console and the shell. Changes of owners are made one at a time, under
the lock of the brand's row. A removed member's sessions end in the same transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain.errors import LinkRefused, NotFound, Refused
from domain.roles import Actor, ActorKind, Role
from domain.sign_in import INVITATION_LIFE, Standing, standing_of_invitation
from infra.audit.append import append_audit
from infra.ids import new_id
from infra.links import read_token, token_of
from infra.sessions import end_sessions_of
from infra.settings import Settings
from infra.sign_in import email_digest
from infra.staff_mails import StaffMailKind, queue_mail
from infra.tables import Brand, Member, MemberInvitation

_PURPOSE: Final = "member invitation"


def add_member(
    session: Session,
    brand_id: str,
    name: str,
    email: str,
    role: Role,
    *,
    by: Actor | None = None,
    now: datetime | None = None,
) -> Member:
    """Add a person; somebody who was removed comes back under their old id.

    `by` is empty for somebody who joins by themselves. Raises `Refused` (email_known) when the address is a
    member's already.
    """
    lock_brand(session, brand_id)
    member = _known(session, brand_id, email)
    if member is not None and member.removed_at is None:
        raise Refused("a member with this e-mail address exists already", code="email_known", field="email")
    if member is None:
        member = Member(id=new_id("member"), brand_id=brand_id, email=email)
        session.add(member)
    member.name, member.role, member.removed_at = name, role.value, None
    session.flush()
    actor = by or Actor(kind=ActorKind.BRAND, id=member.id)
    _tell(session, member, "member_joined", actor, now or datetime.now(UTC), role=role.value)
    return member


def change_role(
    session: Session, brand_id: str, member_id: str, role: Role, by: Actor, now: datetime
) -> Member:
    """Give another role. Raises `NotFound`, and `Refused` (last_owner) when nobody else is owner."""
    member = _present(session, brand_id, member_id)
    if role is not Role.OWNER:
        _keep_an_owner(session, member)
    before, member.role = member.role, role.value
    session.flush()
    if before != member.role:
        _tell(session, member, "role_changed", by, now, before=before, after=member.role)
    return member


def remove_member(session: Session, brand_id: str, member_id: str, by: Actor, now: datetime) -> Member:
    """The person may do nothing any more, from this moment on. Raises as `change_role`."""
    member = _present(session, brand_id, member_id)
    _keep_an_owner(session, member)
    member.removed_at = now
    ended = end_sessions_of(session, member.id, now)
    session.flush()
    _tell(session, member, "member_removed", by, now, sessions_ended=ended)
    return member


def sign_out_member(session: Session, member: Member, by: Actor, now: datetime) -> None:
    """End every session of this member; they may sign in again."""
    ended = end_sessions_of(session, member.id, now)
    _tell(session, member, "sessions_ended", by, now, sessions_ended=ended)


def _tell(session: Session, member: Member, event: str, by: Actor, now: datetime, **data: str | int) -> None:
    append_audit(session, member.brand_id, "member", member.id, event, by, now, data)


def lock_brand(session: Session, brand_id: str) -> Brand:
    """The brand, and no other change of its people until this transaction ends."""
    return session.get_one(Brand, brand_id, with_for_update=True, populate_existing=True)


def _present(session: Session, brand_id: str, member_id: str) -> Member:
    lock_brand(session, brand_id)
    query = select(Member).where(
        Member.id == member_id, Member.brand_id == brand_id, Member.removed_at.is_(None)
    )
    member = session.scalar(query.execution_options(populate_existing=True))
    if member is None:
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


def _known(session: Session, brand_id: str, email: str) -> Member | None:
    query = select(Member).where(Member.brand_id == brand_id, func.lower(Member.email) == email.lower())
    return session.scalar(query.execution_options(populate_existing=True))


# --- invitations -------------------------------------------------------------------------------------


def invite_member(
    session: Session,
    settings: Settings,
    brand_id: str,
    *,
    name: str,
    email: str,
    role: Role,
    by: Actor,
    now: datetime,
    invitation_id: str | None = None,
) -> MemberInvitation:
    """Invite a person by mail; an earlier open invitation of the address is replaced.

    With an `invitation_id` that is there already nothing happens a second time. Raises `Refused`
    (email_known) for an address that is a member's.
    """
    lock_brand(session, brand_id)
    if invitation_id and (known := session.get(MemberInvitation, invitation_id)) is not None:
        return known
    member = _known(session, brand_id, email)
    if member is not None and member.removed_at is None:
        raise Refused("a member with this e-mail address exists already", code="email_known", field="email")
    session.execute(
        update(MemberInvitation)
        .where(
            MemberInvitation.brand_id == brand_id,
            func.lower(MemberInvitation.email) == email.lower(),
            MemberInvitation.accepted_at.is_(None),
            MemberInvitation.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    invitation = MemberInvitation(
        id=invitation_id or new_id("member_invitation"),
        brand_id=brand_id,
        email=email,
        name=name,
        role=role.value,
        invited_by=by.id,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    session.add(invitation)
    session.flush()
    queue_mail(session, settings, StaffMailKind.INVITATION, invitation.id, now)
    told = {"role": role.value, "email_digest": email_digest(email, settings.secret_key)}
    append_audit(session, brand_id, "member_invitation", invitation.id, "member_invited", by, now, told)
    return invitation


def revoke_invitation(
    session: Session, brand_id: str, invitation_id: str, by: Actor, now: datetime
) -> MemberInvitation:
    """The invitation counts no more. Revoking twice is revoking once. Raises `NotFound`, `Refused`."""
    query = select(MemberInvitation).where(
        MemberInvitation.id == invitation_id, MemberInvitation.brand_id == brand_id
    )
    invitation = session.scalar(query.with_for_update())
    if invitation is None:
        raise NotFound("no such invitation")
    if invitation.accepted_at is not None:
        raise Refused("the person has joined already; remove the member", code="already_joined")
    if invitation.revoked_at is None:
        invitation.revoked_at = now
        session.flush()
        append_audit(session, brand_id, "member_invitation", invitation.id, "invitation_revoked", by, now)
    return invitation


def join_link(invitation_id: str, settings: Settings) -> str:
    """The address that lets the invited person join."""
    token = token_of(invitation_id, settings.secret_key, _PURPOSE, "member_invitation")
    return f"{settings.public_url.rstrip('/')}/console/join/{token}"


def read_join_link(
    session: Session, settings: Settings, token: str, *, lock: bool = False
) -> MemberInvitation:
    """The invitation of a link. Raises `LinkRefused` for a text that is none of ours."""
    invitation_id = read_token(token, settings.secret_key, _PURPOSE, "member_invitation")
    invitation = session.get(MemberInvitation, invitation_id, with_for_update=lock)
    if invitation is None:
        raise LinkRefused("this link is not one of ours", code="link_forged")
    return invitation


def standing_of(invitation: MemberInvitation, now: datetime) -> Standing:
    """What the invitation is good for now."""
    return standing_of_invitation(
        accepted_at=invitation.accepted_at,
        revoked_at=invitation.revoked_at,
        expires_at=invitation.expires_at,
        now=now,
    )


def join(session: Session, settings: Settings, token: str, now: datetime) -> Member | Standing:
    """Make the invited person a member, once; else say why not. Raises `LinkRefused`."""
    invitation = read_join_link(session, settings, token)
    lock_brand(session, invitation.brand_id)
    session.refresh(invitation, with_for_update=True)
    standing = standing_of(invitation, now)
    if standing is not Standing.OPEN:
        return standing
    member = _known(session, invitation.brand_id, invitation.email)
    if member is None or member.removed_at is not None:
        role = Role(invitation.role)
        member = add_member(session, invitation.brand_id, invitation.name, invitation.email, role, now=now)
    invitation.accepted_at = now
    invitation.member_id = member.id
    session.flush()
    actor, told = Actor(kind=ActorKind.BRAND, id=member.id), {"member_id": member.id}
    append_audit(
        session, member.brand_id, "member_invitation", invitation.id, "invitation_accepted", actor, now, told
    )
    return member
