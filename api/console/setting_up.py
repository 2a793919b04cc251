"""The first run: the page that makes the first brand, for who holds the token that the program printed."""

from __future__ import annotations

from fastapi.responses import Response

from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.route import console_router
from api.limits import hold_to
from domain.errors import NotFound, Refused
from domain.sign_in import How
from infra.brands import NewBrand
from infra.sessions import open_session
from infra.setup import is_set_up, is_setup_token, set_up

router = console_router()


@router.get("/setup")
def setup_page(view: ViewOf, token: str = "") -> Response:
    """The form of the first brand. Nothing is here once there is one, or for a wrong token."""
    _admit(view, token)
    if is_set_up(view.session):
        return view.page("setup_done.html", 409)
    return _show(view, token)


@router.post("/setup")
def set_up_brand(view: ViewOf) -> Response:
    """Make brand and owner, and let the owner in."""
    token = view.fields.get("token", "")
    _admit(view, token)
    try:
        new = view.read(NewBrand)
        with view.all_or_nothing() as session:
            _, owner = set_up(session, new)
    except Refused as refused:
        if refused.code == "already_set_up":
            return view.page("setup_done.html", 409)
        return _show(view, token, errors_of(refused), status_of(refused))
    opened = open_session(view.session, view.settings, owner, How.SETUP, view.origin, view.now)
    return view.let_in(opened, "/console", "set_up")


def _admit(view: View, token: str) -> None:
    hold_to(view.console.limits.links_by_address.wait(view.ip))
    if not is_setup_token(token, view.settings.secret_key):
        raise NotFound("there is nothing at this address")


def _show(view: View, token: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    typed = view.fields or {"currency": "USD"}
    return view.page("setup.html", status, token=token, errors=errors or {}, typed=typed)
