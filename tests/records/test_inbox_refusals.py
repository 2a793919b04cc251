"""Messages that a collaboration refuses: what is early comes again, what is late is let go."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy.orm import Session, sessionmaker

from activities.inbox import Errand, InboxActivities, Later
from domain.commands import Deliver, Ship
from domain.decisions.fulfilment import current_shipment
from domain.roles import Actor, ActorKind
from domain.stages import Stage
from tests.records.office import Office

EARLY = (Stage.ACCEPTED, Stage.PREPARING)
BRAND = Actor(kind=ActorKind.BRAND, id="key")


@pytest.fixture
def inbox(sessions: sessionmaker[Session]) -> InboxActivities:
    """Needs its database only, to judge a refusal."""
    nothing = cast("Any", None)
    return InboxActivities(sessions, nothing, nothing, nothing, nothing)


def judge(inbox: InboxActivities, collaboration_id: str, code: str = "wrong_stage") -> None:
    errand = Errand(collaboration_id, Deliver(), early_at=EARLY)
    asyncio.run(inbox._refused(errand, code))


def test_a_delivery_told_before_the_parcel_was_shipped_comes_again(
    office: Office, inbox: InboxActivities
) -> None:
    office.open()
    with pytest.raises(Later):
        judge(inbox, office.accepted())


def test_a_delivery_refused_a_moment_before_the_parcel_was_shipped_comes_again(
    office: Office, inbox: InboxActivities
) -> None:
    office.open()
    collaboration_id = office.accepted()
    parcel = current_shipment(office.state(collaboration_id))
    office.must(collaboration_id, Ship(shipment_id=parcel), BRAND)  # after the refusal, before its judgement
    with pytest.raises(Later):
        judge(inbox, collaboration_id)


def test_a_delivery_told_twice_is_let_go(office: Office, inbox: InboxActivities) -> None:
    office.open()
    judge(inbox, office.in_production())


def test_a_delivery_of_a_replaced_parcel_is_let_go(office: Office, inbox: InboxActivities) -> None:
    office.open()
    judge(inbox, office.accepted(), code="other_parcel")
