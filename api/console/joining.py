"""Joining a brand by an invitation: the link shows who invites and as what; its button counts once."""

from __future__ import annotations

from fastapi.responses import Response

from api.console.frame import View, ViewOf
from api.console.route import console_router
from api.limits import hold_to
from domain.roles import MEANING, Role
from domain.sign_in import How, Standing
from infra import members
from infra.sessions import end_session, open_session
from infra.tables import Brand, Member, MemberInvitation

router = console_router()


@router.get("/join/{token}")
def join_page(token: str, view: ViewOf) -> Response:
    """Who invites, to what."""
    hold_to(view.console.limits.links_by_address.wait(view.ip))
    invitation = members.read_join_link(view.session, view.settings, token)
    return _show(view, token, invitation, members.standing_of(invitation, view.now))


@router.post("/join/{token}")
def join_brand(token: str, view: ViewOf) -> Response:
    """Make the person a member and let this browser in: the link proves that they read their mail."""
    hold_to(view.console.limits.links_by_address.wait(view.ip))
    joined = members.join(view.session, view.settings, token, view.now)
    if isinstance(joined, Standing):
        invitation = members.read_join_link(view.session, view.settings, token)
        return _show(view, token, invitation, joined)
    opened = open_session(view.session, view.settings, joined, How.INVITATION, view.origin, view.now)
    if view.visitor is not None:
        end_session(view.session, view.visitor.session_id, view.now)
    return view.let_in(opened, "/console", "joined")


def _show(view: View, token: str, invitation: MemberInvitation, standing: Standing) -> Response:
    inviter = view.session.get(Member, invitation.invited_by)
    return view.page(
        "join.html",
        200 if standing is Standing.OPEN else 410,
        token=token,
        standing=standing,
        brand_name=view.session.get_one(Brand, invitation.brand_id).name,
        invited_by="" if inviter is None else inviter.name,
        role=invitation.role,
        may_do=MEANING[Role(invitation.role)],
        email=invitation.email,
        until=invitation.expires_at,
    )
