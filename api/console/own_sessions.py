"""Where the person is signed in, and the log of signing in: one's own, or for owners the whole brand's."""

from __future__ import annotations

from fastapi.responses import Response
from sqlalchemy import select

from api.console.frame import ViewOf
from api.console.route import console_router
from api.console.tables import listed
from domain.errors import NotFound
from domain.roles import Role
from domain.sign_in import Result
from infra.sessions import end_session, live_sessions
from infra.tables import Member, SignIn

router = console_router()


@router.get("/sessions")
def sessions_page(view: ViewOf) -> Response:
    """Every browser in which this person is signed in, in whatever brand of theirs."""
    mine = live_sessions(view.session, view.settings, view.person.email, view.now)
    return view.page("sessions.html", sessions=mine)


@router.post("/sessions/{session_id}/end")
def end_own_session(session_id: str, view: ViewOf) -> Response:
    """End one of one's own sessions; this one too."""
    mine = live_sessions(view.session, view.settings, view.person.email, view.now)
    if session_id not in {one.session.id for one in mine}:
        raise NotFound("no such session")
    here = session_id == view.person.session_id
    end_session(view.session, session_id, view.now, Result.SIGNED_OUT if here else Result.ENDED)
    if here:
        return view.let_out("/console/sign-in", "signed_out")
    return view.go("/console/sessions", "session_ended")


@router.post("/sessions/end-others")
def end_other_sessions(view: ViewOf) -> Response:
    """End all sessions of this person but this one."""
    for one in live_sessions(view.session, view.settings, view.person.email, view.now):
        if one.session.id != view.person.session_id:
            end_session(view.session, one.session.id, view.now)
    return view.go("/console/sessions", "sessions_ended")


@router.get("/sign-ins")
def sign_ins_page(view: ViewOf) -> Response:
    """Who came in, or tried to: owners see the brand's log, everybody else their own lines."""
    person = view.person
    query = (
        select(SignIn.id, SignIn.at, SignIn.how, SignIn.result, SignIn.network, SignIn.browser, Member.name)
        .outerjoin(Member, Member.id == SignIn.member_id)
        .where(SignIn.brand_id == person.brand_id)
    )
    whole = person.role is Role.OWNER
    if not whole:
        query = query.where(SignIn.member_id == person.member_id)
    result = view.asked.get("result", "")
    if result in set(Result):
        query = query.where(SignIn.result == result)
    lines = listed(view.session, query, SignIn.id, "/console/sign-ins", view.asked)
    return view.page("sign_ins.html", lines=lines, whole=whole, result=result, results=list(Result))
