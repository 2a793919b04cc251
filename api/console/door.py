"""Signing in and out: an address, a code or a link by mail, and the choice among one's brands.

Every page here says the same whether an address is known or not. GET shows, POST acts: mail scanners open
links, and must not use one up.
"""

from __future__ import annotations

from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel

from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.route import console_router
from api.console.wording import say
from api.limits import hold_to
from domain.errors import NotFound, Refused
from domain.sign_in import How, Result, safe_next
from infra import sign_in
from infra.contact import Email
from infra.sessions import end_session, open_session
from infra.setup import is_set_up
from infra.tables import Brand

router = console_router()


class Wish(BaseModel):
    """What is typed on the first page."""

    email: Email


@router.get("/sign-in")
def sign_in_page(view: ViewOf, wanted: str = Query("", alias="next")) -> Response:
    """Ask for the address."""
    if view.visitor is not None:
        return view.go(safe_next(wanted))
    return _show(view, wanted)


@router.post("/sign-in")
def ask_for_code(view: ViewOf) -> Response:
    """Mail a code and a link, if there is somebody to mail them to."""
    limits, wanted = view.console.limits, view.fields.get("next", "")
    try:
        email = view.read(Wish).email
    except Refused as refused:
        return _show(view, wanted, errors_of(refused), status_of(refused))
    hold_to(limits.asks_by_address.wait(view.ip), limits.asks_by_email.wait(email.lower()))
    sign_in.ask(view.session, view.settings, email, view.browser_digest, wanted, view.now)
    return view.go("/console/sign-in/code")


def _show(view: View, wanted: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    return view.page(
        "sign_in.html",
        status,
        wanted=safe_next(wanted),
        errors=errors or {},
        typed=view.fields,
        is_set_up=is_set_up(view.session),
    )


@router.get("/sign-in/code")
def code_page(view: ViewOf) -> Response:
    """Ask for the code that was mailed."""
    return view.page("sign_in_code.html", errors={}, typed={})


@router.post("/sign-in/code")
def enter_code(view: ViewOf) -> Response:
    """Let this browser in, if the code is right, fresh, and was asked for from here."""
    limits = view.console.limits
    hold_to(limits.codes_by_address.wait(view.ip), limits.codes_by_browser.wait(view.browser_digest))
    typed = "".join(letter for letter in view.fields.get("code", "") if letter.isalnum())[:20]
    if not typed:
        return _wrong(view, "form.fill_in")
    outcome = sign_in.enter_by_code(
        view.session, view.settings, view.browser_digest, typed, view.origin, view.now
    )
    if outcome.opened is None:
        return _wrong(view, f"sign_in.refused.{outcome.result}")
    return _welcome(view, outcome)


def _wrong(view: View, text: str) -> Response:
    return view.page("sign_in_code.html", 422, errors={"code": say(text)}, typed={})


@router.get("/sign-in/link/{token}")
def link_page(token: str, view: ViewOf) -> Response:
    """Whom the link lets in, and a button."""
    hold_to(view.console.limits.links_by_address.wait(view.ip))
    seen = sign_in.look_at_link(view.session, view.settings, token, view.browser_digest, view.now)
    return view.page(
        "sign_in_link.html",
        200 if seen.refused is None else 410,
        token=token,
        seen=seen,
        refused=seen.refused,
    )


@router.post("/sign-in/link/{token}")
def enter_by_link(token: str, view: ViewOf) -> Response:
    """Let this browser in, once."""
    hold_to(view.console.limits.links_by_address.wait(view.ip))
    outcome = sign_in.enter_by_link(view.session, view.settings, token, view.origin, view.now)
    if outcome.opened is None:
        return view.page("sign_in_link.html", 410, token=token, seen=None, refused=outcome.result)
    return _welcome(view, outcome)


def _welcome(view: View, outcome: sign_in.Outcome) -> Response:
    """On to the wanted page; somebody of several brands chooses first."""
    assert outcome.opened is not None  # noqa: S101 - tells the type to mypy
    if view.visitor is not None:
        end_session(view.session, view.visitor.session_id, view.now)
    return view.let_in(outcome.opened, "/console/brands" if outcome.brands > 1 else outcome.next_path)


# --- signed in ---------------------------------------------------------------------------------------


@router.post("/sign-out")
def sign_out(view: ViewOf) -> Response:
    """End this session."""
    end_session(view.session, view.person.session_id, view.now, Result.SIGNED_OUT)
    return view.let_out("/console/sign-in", "signed_out")


@router.get("/brands")
def brands_page(view: ViewOf) -> Response:
    """The brands that the person is in."""
    mine = sign_in.memberships(view.session, view.person.email)
    brands = [(member, view.session.get_one(Brand, member.brand_id).name) for member in mine]
    return view.page("brands.html", brands=brands)


@router.post("/brands")
def switch_brand(view: ViewOf) -> Response:
    """Go on for another brand of one's own, under a new session."""
    wanted = view.fields.get("member_id", "")
    mine = {member.id: member for member in sign_in.memberships(view.session, view.person.email)}
    if wanted not in mine:
        raise NotFound("no such brand")
    if wanted == view.person.member_id:
        return view.go("/console")
    opened = open_session(view.session, view.settings, mine[wanted], How.SWITCH, view.origin, view.now)
    end_session(view.session, view.person.session_id, view.now)
    return view.let_in(opened, "/console", "switched")
