"""From a dossier to its page: which template, which forms, and everything that they say.

GET and a refused POST come here alike, so a page after an error is the same page with the errors in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi.responses import Response

from api.pages import addresses, findings, payment, proof, story, trial
from api.pages.desk import Desk, moment
from api.pages.door import Standing, Visit
from api.pages.dossier import Dossier
from api.pages.forms import possible, spans
from api.pages.offer import offer_facts
from api.pages.payment_parts import payment_lines
from api.pages.uploads import KINDS, LARGEST, LARGEST_PLAIN
from api.pages.wording import knows, say
from domain.commands import DeclineReason, ParcelProblem
from domain.stages import Stage
from infra.vault import PostalAddress

_PRIMARY: Final = {
    Stage.ACCEPTED: ("address",),
    Stage.SHIPPED: ("arrived",),
    Stage.DELIVERED: ("post",),
    Stage.IN_PRODUCTION: ("draft", "post"),
    Stage.CHANGES_REQUESTED: ("draft",),
    Stage.APPROVED: ("post",),
    Stage.DISCLOSURE_CHECK: ("recheck",),
}
"""What is open on the page; the other forms are folded."""
_WATCHED: Final = (Stage.POSTED, Stage.PAYING)
"""Stages that usually last seconds: the page looks by itself whether they are over."""


def show(
    desk: Desk,
    who: Visit,
    dossier: Dossier,
    *,
    status: int = 200,
    done: str = "",
    form: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    tried: trial.Told | None = None,
) -> Response:
    """The page of a collaboration. `form`, `typed` and `errors` belong to the form that was refused."""
    now = moment()
    acts = who.standing is Standing.ACTS
    state = dossier.state
    forms = possible(dossier, now) if acts else []
    facts: dict[str, Any] = {
        "d": dossier,
        "state": state,
        "brand": dossier.brand.name,
        "path": who.path,
        "token": who.token,
        "now": story.now(dossier, now),
        "reader": story.reader_of(dossier),
        "forms": forms,
        "primary": [name for name in _PRIMARY.get(dossier.stage, ()) if name in forms],
        "flash": say(f"done.{done}") if done and knows(f"done.{done}") else "",
        "form": form,
        "typed": typed or {},
        "errors": errors or {},
        "nonce": lambda: desk.nonces.make(state.collaboration_id, state.stage, state.sequence),
        "watch": acts and dossier.stage in _WATCHED,
        "reasons": list(DeclineReason),
        "problems": _problems(dossier),
        "spans": spans(dossier),
        "address": _address_form(dossier, form, typed or {}),
        "story": story.told(dossier),
        "masked": masked_address(dossier.told.address) if dossier.told and dossier.told.address else "",
        "findings": findings.of(dossier),
        "payments": payment_lines(dossier) if state.type.pays else [],
        "steps": story.payment_steps(dossier) if state.type.pays else [],
        "set_up_payment": acts and payment.may_set_up(dossier),
        "largest": LARGEST,
        "largest_plain": LARGEST_PLAIN,
        "media_types": ",".join([*KINDS, ".heic", ".mov"]),
        "offer": offer_facts(dossier),
        "advice": trial.advice(dossier, dossier.draft_check),
        "trial": tried,
        "wants_proof": acts and proof.wanted(dossier),
        "proofs": proof.given(dossier),
        "try_pieces": _try_pieces(dossier) if acts and dossier.stage in trial.STAGES else [],
    }
    template = "offer.html" if dossier.stage is Stage.INVITED else "status.html"
    return desk.render.page(template, status, **facts)


def _try_pieces(dossier: Dossier) -> list[tuple[str, str]]:
    return [
        (
            str(one.position),
            say(
                "piece.one",
                platform=say(f"platform.{one.deliverable.platform.value}"),
                format=say(f"format.{one.deliverable.format.value}"),
            ),
        )
        for one in trial.pieces_of(dossier)
    ]


def _problems(dossier: Dossier) -> list[ParcelProblem]:
    if dossier.state.delivered_at is None:
        return [ParcelProblem.NOT_ARRIVED]
    return list(ParcelProblem)


def _address_form(dossier: Dossier, form: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """Countries, the one that is chosen, and its fields."""
    if not dossier.state.type.ships:
        return {}
    countries = addresses.countries_for(dossier.campaign.ships_to)
    mine = form in ("accept", "address")
    country = typed.get("country", "").upper() if mine else dossier.creator.country
    if country not in countries:
        country = ""
    shown = country or dossier.creator.country
    return {
        "countries": countries,
        "country": country,
        "fields": addresses.fields_of(
            shown if shown in addresses.all_countries() else "US", typed if mine else {}
        ),
        "limited": bool(dossier.campaign.ships_to),
    }


def masked_address(address: PostalAddress) -> str:
    """Enough to know one's own address by, and no more: A••• B•••, 1••• Jena, Germany."""
    name = " ".join(f"{word[:1]}•••" for word in address.name.split()[:3])
    place = f"{address.postcode[:2]}••• {address.city}".strip()
    country = addresses.all_countries().get(address.country, address.country)
    return ", ".join(part for part in (name, place, country) if part)
