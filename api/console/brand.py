"""The brand's own settings: its name, who its e-mails are from, the address at their foot."""

from __future__ import annotations

from fastapi.responses import Response

from api.auth import own_brand
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.route import console_router
from api.schemas.brands import BrandChanges
from domain.errors import Refused
from infra.brands import change_brand

router = console_router()
PATH = "/console/brand"


@router.get("/brand")
def brand_page(view: ViewOf) -> Response:
    """The settings; a form for owners, words for everybody else."""
    return _show(view)


@router.post("/brand")
def change_brand_here(view: ViewOf) -> Response:
    """Change names and addresses. What was sent and accepted stays as it is."""
    try:
        changes = view.read(BrandChanges)
    except Refused as refused:
        return _show(view, errors_of(refused), status_of(refused))
    brand = own_brand(view.session, view.person)
    change_brand(view.session, brand, changes.model_dump(exclude_none=True), view.person.actor)
    return view.go(PATH, "brand_changed")


def _show(view: View, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    brand = own_brand(view.session, view.person)
    names = ("name", "sender_name", "sender_email", "postal_address")
    typed = view.fields if errors else {name: getattr(brand, name) for name in names}
    return view.page("brand.html", status, brand=brand, typed=typed, errors=errors or {})
