"""A worker in a thread, and how a collaboration gets as far as its parcel without the creator's pages."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from api.commands import give
from domain.commands import Accept, Request
from domain.errors import IllegalCommand
from domain.roles import Actor, ActorKind
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import Answer, CampaignVariant, Collaboration, OfferRow
from infra.vault import AnswerForm, PostalAddress, Vault, key_of
from infra.worker import serve_queue
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp
from workflows.messages import COLLABORATIONS_QUEUE, PAYMENTS_QUEUE


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """Workers of both queues, in a thread with a loop of their own."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        queues = (COLLABORATIONS_QUEUE, PAYMENTS_QUEUE)
        await asyncio.gather(*(serve_queue(settings, queue, stop) for queue in queues))

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(40)


def launched(brand: Tenant, creators: int, **changes: Any) -> tuple[Any, list[str]]:
    """A live campaign with invited creators: the campaign, and the ids of its collaborations."""
    brand.post("/products", lamp(stock=50))
    campaign = brand.post("/campaigns", campaign_body(**({"budget": 2_000_000} | changes)))
    ids = [brand.post("/creators", creator_body(number))["id"] for number in range(creators)]
    path = f"/campaigns/{campaign['id']}"
    invited = brand.post(f"{path}/invitations", {"creator_ids": ids}, status=200)
    standing = brand.post(f"{path}/commands/launch", status=200)
    assert standing == {"status": "live", "outcome": "launch_started"}
    until(lambda: brand.get(path)["counts"] == {"invited": creators})
    return campaign, invited["collaboration_ids"]


def until(holds: Any, seconds: float = 30) -> None:
    """Wait until this holds."""
    end = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if holds():
            return
        end.wait(0.1)
    raise AssertionError("it did not come to pass in time")


def accept(
    web: TestClient,
    sessions: sessionmaker[Session],
    vault: Vault,
    collaboration_id: str,
    address: PostalAddress | None = None,
) -> None:
    """Say yes for the creator, as their page does: the form first, then the command that names it."""
    address = address or PostalAddress(
        name="Ana Müller", lines=["Weg 1"], city="Berlin", postcode="10115", country="DE"
    )
    with sessions.begin() as session:
        row = session.get_one(Collaboration, collaboration_id)
        answer = Answer(
            id=new_id("answer"),
            collaboration_id=row.id,
            creator_id=row.creator_id,
            kind="acceptance",
            offer_id=row.offer_id,
            offer_sha256=session.get_one(OfferRow, row.offer_id).sha256,
            sealed=vault.seal(
                key_of(session, row.creator_id),
                AnswerForm(legal_name=address.name, consent=True, address=address),
            ),
            country=address.country,
            sent_at=datetime.now(UTC),
        )
        session.add(answer)
        session.flush()
        variant_id = session.execute(_a_variant(row.campaign_id)).scalar_one()
        command = Accept(answer_id=answer.id, offer_id=row.offer_id, variant_id=variant_id)
        actor = Actor(kind=ActorKind.CREATOR, id=row.creator_id)
    request = Request(id=f"form:{answer.id}", actor=actor, command=command)
    assert web.portal is not None
    state = web.app.state  # type: ignore[attr-defined]
    for wait in (0.2, 0.5, 2.0, 0.0):
        try:
            web.portal.call(give, state.temporal, sessions, collaboration_id, request)
        except IllegalCommand:  # the workflow may be a moment behind the row that it wrote
            if not wait:
                raise
            time.sleep(wait)
        else:
            return


def _a_variant(campaign_id: str) -> Any:
    return select(CampaignVariant.variant_id).where(CampaignVariant.campaign_id == campaign_id)
