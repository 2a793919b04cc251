"""Deciding about payouts: one way for the API and for the pages of finance.

A decision is one command to the collaboration's workflow, with an id that follows from the click. The words
that belong to it are stored first, under the id that the command carries. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.auth import OfBrand, own
from api.commands import give
from api.payouts import payouts_query
from api.schemas.payouts import BatchGiven, BatchLine, BatchShown
from domain.approvals import is_person
from domain.commands import Request as Order
from domain.errors import Forbidden, Invalid, Refused
from domain.ids import derived_id
from domain.ledger import actor_text
from domain.roles import Actor
from domain.stages import Attention
from domain.state import Snapshot
from infra.tables import Payout, Remark

MOST_IN_A_BATCH: Final = 500
_AT_ONCE: Final = 8
"""Lines of a batch that are worked together."""
KEYS_MAY: Final = frozenset({"hold_payout", "reassess", "settle_attempt"})
"""Commands about a payout that need no person."""


class Decides(OfBrand, Protocol):
    """A key or a person who decides."""

    @property
    def actor(self) -> Actor:
        """As the history names them."""


@dataclass(frozen=True)
class Click:
    """One click or call of somebody. The same name counts once."""

    app: FastAPI
    who: Decides
    name: str


async def decide(
    click: Click, session: Session, payout_id: str, command: str, fields: dict[str, Any], remark: str = ""
) -> Snapshot:
    """Keep the words, then give the command that names them."""
    given = dict(fields)
    of = await run_in_threadpool(_prepare, click, session, payout_id, command, given, remark)
    return await _give(click, of, click.name, {"name": command, **given})


async def approve_many(click: Click, session: Session, given: BatchGiven) -> BatchShown:
    """Approve many, as a person: a result for each line. What is refused changes nothing."""
    require_person(click.who)
    chosen = await run_in_threadpool(_choose, click, session, given)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(payout_id: str, of: str) -> BatchLine:
        if not of:
            return BatchLine(
                payout_id=payout_id, result="refused", code="not_found", message="no such payout"
            )
        command = {"name": "approve_payout", "payout_id": payout_id}
        async with turn:
            try:
                await _give(click, of, f"{click.name}:{payout_id}", command)
            except Refused as refusal:
                return BatchLine(
                    payout_id=payout_id, result="refused", code=refusal.code, message=refusal.message
                )
        return BatchLine(payout_id=payout_id, result="approved")

    results = await asyncio.gather(*(one(payout_id, of) for payout_id, of in chosen.items()))
    approved = sum(line.result == "approved" for line in results)
    return BatchShown(approved=approved, refused=len(results) - approved, results=results)


def require_person(who: Decides) -> None:
    """Raise `Forbidden` for a key."""
    if not is_person(who.actor):
        raise Forbidden("a person has to do this; an API key cannot", code="needs_person")


def _choose(click: Click, session: Session, given: BatchGiven) -> dict[str, str]:
    """Payout to collaboration, empty where the brand has no such payout."""
    if given.all_waiting == bool(given.payouts):
        raise Invalid("name payouts, or choose all_waiting: one of the two", field="payouts")
    brand_id = click.who.brand_id
    if given.all_waiting:
        query = payouts_query(brand_id, attention=Attention.AWAITS_APPROVAL).limit(MOST_IN_A_BATCH)
        found = {
            row.id: row.collaboration_id for row in session.scalars(query.order_by(Payout.pay_by, Payout.id))
        }
    else:
        rows = select(Payout).where(Payout.brand_id == brand_id, Payout.id.in_(given.payouts))
        own_ = {row.id: row.collaboration_id for row in session.scalars(rows)}
        found = {one: own_.get(one, "") for one in given.payouts}
    session.commit()  # hold no connection while the workflows answer
    return {one: of for one, of in found.items() if one not in given.exceptions}


def _prepare(
    click: Click, session: Session, payout_id: str, command: str, fields: dict[str, Any], remark: str
) -> str:
    payout = own(session, click.who, Payout, payout_id)
    if command not in KEYS_MAY:
        require_person(click.who)
    if remark.strip():
        fields["remark_id"] = derived_id("remark", click.name)
        session.execute(
            insert(Remark)
            .values(
                id=fields["remark_id"],
                brand_id=click.who.brand_id,
                collaboration_id=payout.collaboration_id,
                actor=actor_text(click.who.actor),
                text=remark.strip(),
            )
            .on_conflict_do_nothing()
        )
    session.commit()  # hold no connection while the workflow answers
    return payout.collaboration_id


async def _give(click: Click, collaboration_id: str, name: str, command: dict[str, Any]) -> Snapshot:
    order = Order.model_validate({"id": name, "actor": click.who.actor, "command": command})
    state = click.app.state
    return await give(state.temporal, state.sessions, collaboration_id, order)
