"""The first page: what needs the person, and how everything stands.

Lines of "what needs me" come from `NEEDS`; a part of the console adds its own function there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.console.frame import ViewOf
from api.console.route import console_router
from api.console.session import Person
from api.console.wording import knows, say
from domain.roles import Role
from domain.stages import STAGES, Stage
from infra.tables import Campaign, Collaboration, Member

router = console_router()


class Need(NamedTuple):
    """One line of what needs the person."""

    text: str
    how_many: int
    path: str = ""
    """Where it is done; empty while no page of the console does it."""
    mine: bool = True
    """Whether the person's role is the one that acts."""


class Standing(NamedTuple):
    """How many collaborations of running campaigns are at one stage."""

    stage: str
    text: str
    how_many: int


DONE_AT: Final[dict[str, str]] = {}
"""Reason for attention to the page where it is settled; each part of the console adds its own."""


@router.get("")
def home_page(view: ViewOf) -> Response:
    """What needs me, and how everything stands."""
    needs = [need for find in NEEDS for need in find(view.session, view.person)]
    needs.sort(key=lambda need: not need.mine)
    return view.page("home.html", needs=needs, stages=_stages(view.session, view.person.brand_id))


def _exceptions(session: Session, person: Person) -> Iterable[Need]:
    """Collaborations that a person must look at, by reason."""
    rows = session.execute(
        select(Collaboration.attention, Collaboration.attention_owner, func.count())
        .where(Collaboration.brand_id == person.brand_id, Collaboration.attention.is_not(None))
        .group_by(Collaboration.attention, Collaboration.attention_owner)
        .order_by(func.count().desc())
    )
    for reason, owner, count in rows:
        known = f"attention.{reason}"
        text = say(known) if knows(known) else str(reason).replace("_", " ")
        mine = owner == person.role or person.role == Role.OWNER
        yield Need(text, count, DONE_AT.get(str(reason), ""), mine=mine)


def _alone(session: Session, person: Person) -> Iterable[Need]:
    """A brand with one member cannot approve with four eyes."""
    members = session.scalar(
        select(func.count()).where(Member.brand_id == person.brand_id, Member.removed_at.is_(None))
    )
    if members == 1 and person.role == Role.OWNER:
        yield Need(say("home.alone"), 1, "/console/people")


NEEDS: Final[list[Callable[[Session, Person], Iterable[Need]]]] = [_exceptions, _alone]


def _stages(session: Session, brand_id: str) -> list[Standing]:
    """Collaborations of campaigns that run, by stage, in the order of their life."""
    running = select(Campaign.id).where(
        Campaign.brand_id == brand_id, Campaign.launched_at.is_not(None), Campaign.closed_at.is_(None)
    )
    rows = session.execute(
        select(Collaboration.stage, func.count())
        .where(Collaboration.campaign_id.in_(running))
        .group_by(Collaboration.stage)
    )
    counts = {row[0]: row[1] for row in rows}
    return [
        Standing(stage.value.replace("_", " "), STAGES[stage].meaning, counts[stage.value])
        for stage in Stage
        if stage.value in counts
    ]
