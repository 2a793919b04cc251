"""Differences between Stripe's rows and ours: the lists, and what a person does about one.

Settling says that somebody has looked and knows why. It moves no money (`activities/settlement.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from activities import settlement
from api.auth import PAYS, own
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.home import NEEDS, Need
from api.console.naming import Actors
from api.console.payout import owners_of
from api.console.route import console_router
from api.console.session import Person
from api.console.tables import listed
from api.console.wording import say
from api.differences import ask_for_round, differences_query, differences_shown, overview
from api.schemas.reconciliation import DifferenceChanges, Settlement
from domain.errors import NotFound, Refused
from domain.reconciliation import KEEPS_OPEN, MEANINGS, Which
from infra.tables import PayoutAttempt, ReconciliationItem

router = console_router()
PATH: Final = "/console/reconciliation"
STATES: Final = ("open", "settled", "cleared")


@router.get("/reconciliation")
def reconciliation_page(view: ViewOf) -> Response:
    """How far everything is compared, the lists with their counts, and the differences of one."""
    asked = view.asked
    state = asked.get("state", "open")
    state = state if state in STATES else "open"
    which = asked.get("list", "")
    one = Which(which) if which in set(Which) else None
    query = differences_query(view.person.brand_id, state, one)
    page = listed(view.session, query, ReconciliationItem.id, PATH, asked)
    return view.page(
        "reconciliation.html",
        seen=overview(view.session, view.person.brand_id),
        lists=[(each, MEANINGS[each], each in KEEPS_OPEN) for each in Which],
        page=page,
        differences=differences_shown(page.rows),
        actors=Actors(view.session, view.person.brand_id),
        state=state,
        states=[(each, say(f"reconciliation.state.{each}")) for each in STATES],
        which=which,
        choices=[(each.value, say(f"reconciliation.list.{each.value}")) for each in Which],
        payers=PAYS,
    )


@router.post("/reconciliation/compare")
async def compare_now_here(request: Request, view: ViewOf) -> Response:
    """Ask for a comparison now; without that, there is one every quarter of an hour."""
    await ask_for_round(request.app.state.temporal)
    return view.go(PATH, "compare_asked")


@router.get("/reconciliation/{difference_id}")
def difference_page(difference_id: str, view: ViewOf) -> Response:
    """One difference: both sides, who looks after it, and how it ended."""
    return _show(view, difference_id)


@router.post("/reconciliation/{difference_id}/take")
def take_difference_here(difference_id: str, view: ViewOf) -> Response:
    """Say who looks after it, and note something."""
    person = view.person
    try:
        changes = view.read(DifferenceChanges)
        with view.all_or_nothing() as session:
            settlement.take(
                session,
                person.brand_id,
                difference_id,
                person.actor,
                view.now,
                owner=changes.owner,
                note=changes.note,
            )
    except NotFound:
        raise
    except Refused as refused:
        return _show(view, difference_id, "take", errors_of(refused), status_of(refused))
    return view.go(f"{PATH}/{difference_id}", "difference_taken")


@router.post("/reconciliation/{difference_id}/settle")
def settle_difference_here(difference_id: str, view: ViewOf) -> Response:
    """Say why it is no problem any more. The first reason stays."""
    person = view.person
    try:
        given = view.read(Settlement)
        with view.all_or_nothing() as session:
            settlement.settle(session, person.brand_id, difference_id, person.actor, given.reason, view.now)
    except NotFound:
        raise
    except Refused as refused:
        return _show(view, difference_id, "settle", errors_of(refused), status_of(refused))
    return view.go(f"{PATH}/{difference_id}", "difference_settled")


def _show(
    view: View, difference_id: str, form: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    row = own(view.session, view.person, ReconciliationItem, difference_id)
    payout_id = row.subject.partition("/")[0]
    known = view.session.scalar(
        select(PayoutAttempt.payout_id).where(
            (PayoutAttempt.payout_id == payout_id) | (PayoutAttempt.stripe_transfer_id == row.subject)
        )
    )
    return view.page(
        "difference.html",
        status,
        difference=differences_shown([row])[0],
        payout_id=known or "",
        actors=Actors(view.session, view.person.brand_id),
        owners=owners_of(view),
        payers=PAYS,
        form=form,
        errors=errors or {},
        typed=view.fields if errors else {"owner": row.owner, "note": row.note},
    )


def _open_differences(session: Session, person: Person) -> Iterable[Need]:
    """Differences that nobody has explained yet."""
    how_many = sum(overview(session, person.brand_id).open.values())
    if how_many:
        yield Need(say("reconciliation.need"), how_many, PATH, mine=person.role in PAYS)


NEEDS.append(_open_differences)
