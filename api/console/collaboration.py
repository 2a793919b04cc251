"""One collaboration as staff see it: where it stands, parcels, posts, conditions, payments, history.

Reads only. What is to be decided about it has pages of its own: payments and posts that wait for a person.
"""

from __future__ import annotations

from fastapi.responses import Response
from sqlalchemy import select

from api.auth import own
from api.console.frame import ViewOf
from api.console.home import DONE_AT
from api.console.naming import Actors, campaigns_named, creators_named
from api.console.payout import gate_name, waits_for
from api.console.payouts import lines_of
from api.console.route import console_router
from api.console.staff_story import story_of
from api.ledger_lines import entries_of
from domain.alarms import ball
from domain.gate_facts import Gate
from domain.stages import STAGES
from domain.state import State
from infra.tables import Collaboration, DisclosureCheck, GateReport, Payout, Post, Shipment

router = console_router()


@router.get("/collaborations/{collaboration_id}")
def collaboration_page(collaboration_id: str, view: ViewOf) -> Response:
    """Everything about one creator in one campaign, but their address."""
    session, person = view.session, view.person
    row = own(session, person, Collaboration, collaboration_id)
    state = State.model_validate(row.state)
    actors = Actors(session, person.brand_id)
    report = session.scalar(
        select(GateReport)
        .where(GateReport.collaboration_id == row.id)
        .order_by(GateReport.at.desc(), GateReport.id.desc())
        .limit(1)
    )
    gates = [Gate.model_validate(one) for one in report.gates] if report else []
    payouts = session.scalars(
        select(Payout).where(Payout.collaboration_id == row.id).order_by(Payout.part)
    ).all()
    return view.page(
        "collaboration.html",
        row=row,
        state=state,
        meaning=STAGES[state.stage].meaning,
        turn=ball(state),
        creator=creators_named(view, [row.creator_id])[row.creator_id],
        campaign=campaigns_named(session, [row.campaign_id])[row.campaign_id],
        review_path=DONE_AT.get(row.attention or "", ""),
        parcels=session.scalars(
            select(Shipment).where(Shipment.collaboration_id == row.id).order_by(Shipment.number)
        ).all(),
        posts=session.scalars(
            select(Post).where(Post.collaboration_id == row.id).order_by(Post.deliverable)
        ).all(),
        checks=session.scalars(
            select(DisclosureCheck)
            .where(DisclosureCheck.collaboration_id == row.id)
            .order_by(DisclosureCheck.checked_at)
        ).all(),
        report=report,
        gates=[(gate, gate_name(gate.name), waits_for(gate)) for gate in gates],
        lines=lines_of(view, payouts),
        entries=entries_of(session, row.id),
        events=story_of(session, row.id, actors),
        actors=actors,
    )
