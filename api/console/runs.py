"""Payout runs: what went together, what waits for money, and how much is lacking in total.

Only looking: a run opens, parks and goes on by itself.
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from api.auth import own
from api.console.frame import ViewOf
from api.console.naming import creators_named
from api.console.route import console_router
from api.console.tables import listed
from api.console.wording import say
from api.payout_runs import run_detail, runs_query
from api.schemas.common import PayoutRunId
from infra.tables import PayoutRunRow

router = console_router()
PATH: Final = "/console/runs"
STATES: Final = ("open", "parked", "finished")


@router.get("/runs")
def runs_page(view: ViewOf) -> Response:
    """Every run, newest first."""
    state = view.asked.get("state", "")
    query = runs_query(view.person.brand_id, state=state if state in STATES else None)
    page = listed(view.session, query, PayoutRunRow.id, PATH, view.asked)
    return view.page(
        "runs.html",
        page=page,
        runs=page.rows,
        states=[(one, say(f"run.state.{one}")) for one in STATES],
        state=state,
    )


@router.get("/runs/{run_id}")
def run_page(run_id: PayoutRunId, view: ViewOf) -> Response:
    """One run with its payments in the order of the line."""
    run = run_detail(view.session, own(view.session, view.person, PayoutRunRow, run_id))
    names = creators_named(view, [one.creator_id for one in run.payments])
    return view.page("run.html", run=run, names=names)
