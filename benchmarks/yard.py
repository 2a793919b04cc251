"""A whole local stack in a folder of its own, a brand in it, and ways to fill and to drive it.

What creators, brand and carrier do is given as commands through the same update as a page or a webhook
would; forms and submissions are written before, as the front does. Nothing is left out of the product's side.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker
from temporalio.client import Client

from api.commands import give, launch
from domain.campaign import Brief, NewCampaign
from domain.commands import Accept, Approve, Command, Deliver, Request, Ship, SubmitDraft, SubmitPost
from domain.ids import derived_id
from domain.money import Money
from domain.offer import CampaignType, Deliverable, Format, Offer, Platform
from domain.policy import Policy
from domain.roles import Actor, ActorKind
from domain.state import Snapshot
from infra.brands import NewBrand, found_brand
from infra.campaigns import create_campaign
from infra.creators import import_creators
from infra.database import make_engine, make_sessions
from infra.ids import new_id
from infra.invitations import invite
from infra.local.stack import Stack
from infra.settings import Settings, settings_from
from infra.tables import (
    Answer,
    Collaboration,
    Creator,
    CreatorKey,
    OfferRow,
    Payee,
    Post,
    Product,
    SocialAccount,
    Submission,
    Variant,
)
from infra.temporal import connect
from infra.vault import AnswerForm, PostalAddress, Vault

FEE = Money(amount=22_000, currency="USD")
BRAND = Actor(kind=ActorKind.BRAND, id="bench")
CREATOR = Actor(kind=ActorKind.CREATOR, id="bench")
CARRIER = Actor(kind=ActorKind.CARRIER, id="bench")
CAPTION = "#ad I tried the new serum from Bench for two weeks. Full routine in the video."


@dataclass
class Yard:
    """A running stack with one brand."""

    stack: Stack
    settings: Settings
    sessions: sessionmaker[Session]
    vault: Vault
    brand_id: str = ""
    api_key: str = ""
    variant_id: str = ""
    _creators: int = 0
    _campaigns: int = 0
    account: str = field(default="", repr=False)

    def found(self) -> None:
        """A brand with one product."""
        with self.sessions.begin() as session:
            founded = found_brand(
                session,
                NewBrand(
                    name="Bench",
                    sender_name="Bench",
                    sender_email="hello@bench.example",
                    currency="USD",
                    owner_name="Bench Owner",
                    owner_email="owner@bench.example",
                ),
                mode=self.settings.mode,
            )
            self.brand_id, self.api_key = founded.brand.id, founded.key.secret
            product = Product(id=new_id("product"), brand_id=self.brand_id, name="Serum")
            session.add(product)
            session.flush()
            variant = Variant(
                id=new_id("variant"),
                product_id=product.id,
                name="30 ml",
                sku="S30",
                stock=1_000_000,
                retail_amount=4_200,
            )
            session.add(variant)
            self.variant_id = variant.id

    def creators(self, count: int) -> list[str]:
        """New creators, through the import. Their ids."""
        first = self._creators
        self._creators += count
        lines = ["email,name,country,time_zone,platform,handle,followers"]
        lines += [
            f"c{n:06}@creators.example,Creator {n},US,America/New_York,instagram,creator{n:06},12000"
            for n in range(first, first + count)
        ]
        with self.sessions.begin() as session:
            report = import_creators(session, self.vault, self.brand_id, "\n".join(lines).encode())
        if report.imported != count:
            raise RuntimeError(f"the import refused rows: {report.problems[:2]}")
        with self.sessions() as session:
            query = (
                select(Creator.id)
                .join(SocialAccount, SocialAccount.creator_id == Creator.id)
                .where(Creator.brand_id == self.brand_id, SocialAccount.handle >= f"creator{first:06}")
                .order_by(SocialAccount.handle)
            )
            return list(session.scalars(query))

    def campaign(self, creator_ids: list[str], policy: Policy | None = None) -> tuple[str, list[str]]:
        """A draft campaign with these creators queued: its id, and the collaborations' ids."""
        self._campaigns += 1
        new = NewCampaign(
            name=f"Bench {self._campaigns}",
            currency="USD",
            budget=FEE.amount * max(len(creator_ids), 1),
            brief=Brief(summary="Show the serum."),
            offer=Offer(
                type=CampaignType.GIFTING_PAID,
                fee=FEE,
                deliverables=[Deliverable(platform=Platform.INSTAGRAM, format=Format.POST)],
            ),
            policy=policy or Policy(),
            variants=["S30"],
        )
        with self.sessions.begin() as session:
            row = create_campaign(session, self.brand_id, new)
            invited = invite(session, row, creator_ids, now=datetime.now(UTC))
            return row.id, invited.collaboration_ids

    def count(self, campaign_id: str, *stages: str) -> int:
        """How many collaborations of the campaign stand at these stages."""
        query = select(func.count()).where(
            Collaboration.campaign_id == campaign_id, Collaboration.stage.in_(stages)
        )
        with self.sessions() as session:
            return session.scalar(query) or 0

    def mails(self) -> int:
        """How many messages the mail server has taken."""
        folder = self.stack.folder.path / "mail"
        return sum(1 for _ in folder.rglob("new/*")) + sum(1 for _ in folder.rglob("cur/*"))

    # --- money and posts of the outside world ------------------------------------------------------

    def stripe(self, path: str, body: dict[str, object]) -> None:
        """Say something to the control plane of Stripe's simulator."""
        answer = httpx.post(
            self.settings.stripe_api_base + path,
            json=body,
            headers={"Authorization": f"Bearer {self.settings.stripe_api_key}"},
            timeout=10,
        )
        answer.raise_for_status()

    def payable(self, creator_ids: list[str]) -> None:
        """Give each creator a payment account that can receive money."""
        from infra.worker import stripe_gateway

        gateway = stripe_gateway(self.settings, self.sessions)
        rows = []
        for creator_id in creator_ids:
            account = gateway.create_account(creator_id, "US", None, f"account:{creator_id}")
            self.stripe(f"/_sim/accounts/{account}/onboard", {"outcome": "active"})
            rows.append({"creator_id": creator_id, "stripe_account_id": account, "can_receive": True})
        with self.sessions.begin() as session:
            session.execute(insert(Payee).on_conflict_do_nothing(), rows)

    def publish(self, collaboration_id: str) -> str:
        """Publish a correctly marked post of this creator. Its address."""
        with self.sessions() as session:
            handle = session.scalar(
                select(SocialAccount.handle)
                .join(Collaboration, Collaboration.creator_id == SocialAccount.creator_id)
                .where(Collaboration.id == collaboration_id)
            )
        answer = httpx.post(
            self.stack.url("social") + "/_social/posts",
            json={"platform": "instagram", "handle": handle, "caption": CAPTION},
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.json()["url"])


class Life:
    """Drives one collaboration through the product's own door."""

    def __init__(self, yard: Yard, client: Client, collaboration_id: str) -> None:
        self.yard = yard
        self.client = client
        self.id = collaboration_id
        self._number = 0

    async def give(self, command: Command, actor: Actor) -> Snapshot:
        """One command, answered."""
        self._number += 1
        request = Request(id=f"bench:{self._number}", actor=actor, command=command)
        return await give(self.client, self.yard.sessions, self.id, request, patience=60)

    async def whole(self) -> None:
        """From the yes to the live post; the rest is Handsel's own."""
        await self.give(await asyncio.to_thread(self.form), CREATOR)
        shipment_id = derived_id("shipment", self.id, 1)
        await self.give(Ship(shipment_id=shipment_id), BRAND)
        await self.give(Deliver(shipment_id=shipment_id), CARRIER)
        draft = await asyncio.to_thread(self.submission, "draft")
        await self.give(SubmitDraft(submission_id=draft), CREATOR)
        await self.give(Approve(submission_id=draft), BRAND)
        live = await asyncio.to_thread(self.submission, "live")
        await self.give(SubmitPost(submission_id=live), CREATOR)

    def form(self) -> Accept:
        """Store the creator's form, as the page does before it gives the command."""
        answer_id = derived_id("answer", self.id, "bench")
        with self.yard.sessions.begin() as session:
            row = session.get_one(Collaboration, self.id)
            offer = session.get_one(OfferRow, row.offer_id)
            key = session.get_one(CreatorKey, row.creator_id).wrapped
            address = PostalAddress(
                name="A Creator",
                lines=["1 Main St"],
                city="Austin",
                region="TX",
                postcode="78701",
                country="US",
            )
            form = AnswerForm(legal_name="A Creator", consent=True, address=address)
            values = {
                "id": answer_id,
                "collaboration_id": self.id,
                "creator_id": row.creator_id,
                "kind": "acceptance",
                "offer_id": offer.id,
                "offer_sha256": offer.sha256,
                "variant_id": self.yard.variant_id,
                "sealed": self.yard.vault.seal(key, form),
                "country": "US",
                "sent_at": datetime.now(UTC),
            }
            session.execute(insert(Answer).values(values).on_conflict_do_nothing())
            return Accept(answer_id=answer_id, offer_id=offer.id, variant_id=self.yard.variant_id)

    def submission(self, kind: str) -> str:
        """Store a draft, or the address of a live post."""
        submission_id = derived_id("submission", self.id, kind)
        url = self.yard.publish(self.id) if kind == "live" else ""
        with self.yard.sessions.begin() as session:
            row = session.get_one(Collaboration, self.id)
            session.add(
                Submission(
                    id=submission_id,
                    collaboration_id=self.id,
                    creator_id=row.creator_id,
                    kind=kind,
                    caption=CAPTION,
                    created_at=datetime.now(UTC),
                )
            )
            session.flush()
            if kind == "live":
                session.add(
                    Post(
                        id=derived_id("post", submission_id, 0),
                        submission_id=submission_id,
                        collaboration_id=self.id,
                        deliverable=0,
                        platform="instagram",
                        format="post",
                        url=url,
                    )
                )
        return submission_id


@contextmanager
def yard(parts: Sequence[str] | None = None, **extra: str) -> Iterator[Yard]:
    """A stack with a brand, in a folder that is gone afterwards; all of it, or only these `parts` of it.

    `extra` are more environment settings.
    """
    folder = Path(tempfile.mkdtemp(prefix="handsel-bench-"))
    stack = Stack(folder / "stack", parts=parts, environ=extra)
    try:
        stack.start()
        settings = settings_from(stack.env())
        place = Yard(stack, settings, make_sessions(make_engine(settings)), Vault(settings.vault_key))
        place.found()
        yield place
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def counting_house() -> AbstractContextManager[Yard]:
    """A database and Stripe's simulator with a brand; no workers, so that nothing else is at work."""
    return yard(("postgres", "stripe", "migrate"))


async def client_of(place: Yard) -> Client:
    """A client of the yard's Temporal."""
    return await connect(place.settings)


async def launched(place: Yard, client: Client, campaign_id: str, patience: float = 300) -> float:
    """Launch, and wait until everybody is invited. Seconds."""
    began = time.perf_counter()
    await launch(client, campaign_id, BRAND)
    await until(lambda: place.count(campaign_id, "queued") == 0, patience)
    return time.perf_counter() - began


async def until(true: object, patience: float) -> None:
    """Ask every 50 ms until it is true. Raises TimeoutError after `patience` seconds."""
    end = time.perf_counter() + patience
    while time.perf_counter() < end:
        if await asyncio.to_thread(true):  # type: ignore[arg-type]
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("it did not come true in time")
