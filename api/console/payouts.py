"""Payouts of the brand: where each stands and why, totals by currency, and approval of many at once.

What is approved is what was shown: a batch names its lines. Each line gets its own answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth import PAYS
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.home import DONE_AT, NEEDS, Need
from api.console.naming import Named, age, campaigns_named, creators_named
from api.console.route import console_router
from api.console.session import Person
from api.console.tables import listed_by_moment
from api.console.wording import knows, money, say
from api.pages.forms import FormRefused
from api.payout_decisions import Click, approve_many
from api.payouts import listed, may_approve, payouts_query
from api.schemas.payouts import BatchGiven, BatchLine, BatchShown, PayoutListed
from api.standings import IN_THE_WAY, STANDINGS, standing_is, standing_of, sums_of
from domain.errors import Refused
from domain.stages import Attention
from domain.state import State
from infra.tables import Campaign, Collaboration, Payout

router = console_router()
PATH: Final = "/console/payouts"
AGES: Final = ("1d", "3d", "7d", "30d")
"""Choices of "earned longer ago than"."""
APPROVALS_A_PAGE: Final = 100
AFTERWARDS: Final = (
    Attention.TRANSFER_REVERSED,
    Attention.BANK_PAYOUT_FAILED,
    Attention.CLAWBACK_ASKED,
    Attention.CLAWBACK_FAILED,
    Attention.CLAWBACK_UNKNOWN,
)
"""Flags beside payments that went out."""


@dataclass(frozen=True)
class Line:
    """One payment of the list."""

    payout: PayoutListed
    standing: str
    why: str
    creator: Named
    campaign: str
    age: str
    waiting: str
    """How long it has been waiting for somebody; empty when it is not."""
    late: bool
    """Whether the promised day has passed."""
    why_not: str = ""
    """Why this person cannot approve it; empty when they can, or nobody asked."""


@dataclass(frozen=True)
class Answer:
    """What came of one line of a batch."""

    line: Line | None
    result: BatchLine
    message: str


@router.get("/payouts")
def payouts_page(view: ViewOf) -> Response:
    """Every payment by where it stands; boxes where this person may approve."""
    return _show(view, view.asked.get("standing", ""))


@router.post("/payouts/approve")
async def approve_payouts_here(request: Request, view: ViewOf) -> Response:
    """Approve what was ticked: an answer for each line. The same form sent twice counts once."""
    name = f"console:{view.id_of('job')}"
    ticked = list(dict.fromkeys(view.lists.get("payout", [])))
    try:
        given = await run_in_threadpool(_given, ticked)
        done = await approve_many(Click(request.app, view.person, name), view.session, given)
    except Refused as refused:
        return await run_in_threadpool(_show, view, "approval", errors_of(refused), status_of(refused))
    return await run_in_threadpool(_answered, view, done)


def _given(ticked: list[str]) -> BatchGiven:
    if not ticked:
        raise FormRefused({"payout": say("payouts.nothing_ticked")})
    try:
        return BatchGiven(payouts=ticked)
    except ValueError as error:
        raise FormRefused({"payout": say("payouts.not_a_choice")}) from error


def _answered(view: View, done: BatchShown) -> Response:
    ids = [one.payout_id for one in done.results]
    rows = view.session.scalars(
        select(Payout).where(Payout.id.in_(ids), Payout.brand_id == view.person.brand_id)
    ).all()
    lines = {line.payout.id: line for line in lines_of(view, rows)}
    answers = [Answer(lines.get(one.payout_id), one, _message(one)) for one in done.results]
    answers.sort(key=lambda one: one.result.result == "approved")
    return view.page("payouts_approved.html", done=done, answers=answers)


def _message(result: BatchLine) -> str:
    known = f"refused.{result.code}"
    if result.result == "approved":
        return ""
    return say(known) if knows(known) else f"{result.message[:1].upper()}{result.message[1:]}."


def _show(view: View, standing: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    asked = view.asked
    sums = sums_of(view.session, view.person.brand_id)
    rows = 50
    query = payouts_query(
        view.person.brand_id, older_than=asked.get("older", "") if asked.get("older") in AGES else None
    )
    if standing:
        query = query.where(standing_is(standing))
    if (flag := asked.get("attention", "")) in {one.value for one in AFTERWARDS}:
        query = query.where(Collaboration.attention == flag)
    if currency := asked.get("currency", ""):
        query = query.where(Payout.currency == currency)
    if campaign := asked.get("campaign", ""):
        query = query.where(Collaboration.campaign_id == campaign)
    choosing = standing == "approval" and view.may("approve_payouts_here")
    if choosing:
        rows = APPROVALS_A_PAGE
    moment = Payout.pay_by if standing in IN_THE_WAY else Payout.created_at
    page = listed_by_moment(view.session, query, moment, Payout.id, PATH, asked, rows=rows)
    lines = lines_of(view, page.rows, choosing=choosing)
    return view.page(
        "payouts.html",
        status,
        errors=errors or {},
        lines=lines,
        page=page,
        sums=sums,
        standing=standing,
        standings=[(one, say(f"standing.{one}")) for one in STANDINGS],
        currency_pairs=[(one, one) for one in sorted({one.currency for one in sums})],
        ages=[(one, say(f"payouts.age_{one}")) for one in AGES],
        campaigns=_campaigns(view),
        choosing=choosing,
        may_tick=any(not line.why_not for line in lines),
        payers=PAYS,
        ticked=set(view.lists.get("payout", [])),
    )


def _campaigns(view: View) -> list[tuple[str, str]]:
    """Campaigns that have payouts, for the filter; the newest hundred."""
    paid = select(Collaboration.id).join(Payout, Payout.collaboration_id == Collaboration.id)
    query = (
        select(Campaign.id, Campaign.name)
        .where(
            Campaign.brand_id == view.person.brand_id,
            paid.where(Collaboration.campaign_id == Campaign.id).exists(),
        )
        .order_by(Campaign.id.desc())
        .limit(100)
    )
    return [(row.id, row.name) for row in view.session.execute(query)]


def lines_of(view: View, payouts: Sequence[Any], *, choosing: bool = False) -> list[Line]:
    """Payouts as lines of a list; with `choosing`, whether this person may approve each."""
    shown = listed(view.session, payouts)
    creators = creators_named(view, {one.creator_id for one in shown})
    campaigns = campaigns_named(view.session, {one.campaign_id for one in shown})
    why_not = _why_not(view, payouts) if choosing else {}
    return [
        Line(
            payout=one,
            standing=standing_of(one.state, one.attention),
            why=_why(one),
            creator=creators[one.creator_id],
            campaign=campaigns[one.campaign_id],
            age=age(one.created_at, view.now),
            waiting=age(one.waiting_since, view.now) if one.waiting_since else "",
            late=one.state not in ("sent", "confirmed", "paid_elsewhere") and one.pay_by < view.now,
            why_not=why_not.get(one.id, ""),
        )
        for one in shown
    ]


def _why(payout: PayoutListed) -> str:
    """Why it stands where it stands, as a sentence; empty where the standing says it all."""
    if payout.held:
        reason = f"reason.{payout.held}"
        words = say(reason) if knows(reason) else payout.held.replace("_", " ")
        return say("payouts.held_for", reason=words)
    known = f"payouts.why.{payout.attention}"
    return say(known) if payout.attention and knows(known) else ""


def _why_not(view: View, payouts: Sequence[Any]) -> dict[str, str]:
    ids = {one.collaboration_id for one in payouts}
    rows = view.session.execute(
        select(Collaboration.id, Collaboration.state).where(Collaboration.id.in_(ids))
    )
    states = {row.id: State.model_validate(row.state) for row in rows}
    return {
        one.id: may_approve(view.session, one, states[one.collaboration_id], view.person).why_not
        for one in payouts
    }


def _money_wanted(session: Session, person: Person) -> Iterable[Need]:
    """How much the payments that wait for money come to, by currency."""
    for one in sums_of(session, person.brand_id):
        if one.standing == "funds":
            text = say("payouts.money_wanted", amount=money(one.amount, one.currency))
            mine = person.role in PAYS
            yield Need(text, one.how_many, f"{PATH}?standing=funds&currency={one.currency}", mine=mine)


NEEDS.append(_money_wanted)
DONE_AT.update(
    {flag.value: f"{PATH}?standing={standing}" for standing, flags in IN_THE_WAY.items() for flag in flags}
    | {Attention.OUTCOME_UNKNOWN.value: f"{PATH}?standing=unknown"}
    | {flag.value: f"{PATH}?attention={flag.value}" for flag in AFTERWARDS}
)
