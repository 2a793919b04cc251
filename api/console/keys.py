"""API keys of the brand, for programs. A key is shown by the page that answers its making, never again."""

from __future__ import annotations

from fastapi.responses import Response
from sqlalchemy import select

from api.auth import own
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.naming import Actors
from api.console.people import role_choices
from api.console.route import console_router
from api.console.tables import listed
from api.schemas.brands import NewKeyGiven
from domain.errors import Refused
from infra.api_keys import make_key, revoke_key
from infra.tables import ApiKey

router = console_router()
PATH = "/console/keys"


@router.get("/keys")
def keys_page(view: ViewOf) -> Response:
    """Every key, revoked ones too, and the form for another."""
    return _show(view)


@router.post("/keys")
def make_api_key(view: ViewOf) -> Response:
    """Make a key and show it this once. The same form makes one key."""
    key_id = view.id_of("api_key")
    if view.session.get(ApiKey, key_id) is not None:
        return view.go(PATH, "key_made_already")
    try:
        new = view.read(NewKeyGiven)
        with view.all_or_nothing() as session:
            made = make_key(
                session,
                mode=view.settings.mode,
                brand_id=view.person.brand_id,
                name=new.name,
                role=new.role,
                by=view.person.actor,
                key_id=key_id,
            )
    except Refused as refused:
        return _show(view, errors_of(refused), status_of(refused))
    return view.page("key_made.html", 201, name=new.name, role=new.role.value, secret=made.secret)


@router.post("/keys/{key_id}/revoke")
def revoke_api_key_here(key_id: str, view: ViewOf) -> Response:
    """The key counts no more, from the next call on."""
    revoke_key(view.session, own(view.session, view.person, ApiKey, key_id), view.person.actor)
    return view.go(PATH, "key_revoked")


def _show(view: View, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    query = select(ApiKey).where(ApiKey.brand_id == view.person.brand_id)
    state = view.asked.get("state", "")
    if state == "live":
        query = query.where(ApiKey.revoked_at.is_(None))
    elif state == "revoked":
        query = query.where(ApiKey.revoked_at.is_not(None))
    return view.page(
        "keys.html",
        status,
        keys=listed(view.session, query, ApiKey.id, PATH, view.asked),
        state=state,
        makers=Actors(view.session, view.person.brand_id),
        roles=role_choices(),
        errors=errors or {},
        typed=view.fields if errors else {},
    )
