"""A whole running stack with one brand in it, and everything that a story can reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from infra.brands import NewBrand, found_brand
from infra.database import make_engine, make_sessions
from infra.demo.calls import Calls
from infra.demo.world.bank import Bank
from infra.demo.world.carrier import Carrier
from infra.demo.world.mailbox import Mailbox
from infra.demo.world.network import Network
from infra.local.stack import Stack
from infra.settings import Settings, settings_from
from tests.lifecycle.life import BRAND_NAME, PATIENCE

LOOK_EVERY = 0.4
BRAND = NewBrand(
    name=BRAND_NAME,
    sender_name=BRAND_NAME,
    sender_email="hello@fenwick-teas.example",
    currency="USD",
    postal_address="Fenwick Teas, 3 Kettle Yard, Portland, OR 97201, USA",
    owner_name="Robin Ash",
    owner_email="robin@fenwick-teas.example",
)


class Watch:
    """The brand's list of collaborations, looked at for all stories together."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._rows: dict[str, dict[str, Any]] = {}
        self._news = asyncio.Condition()

    async def look(self) -> None:
        """Look again and again until cancelled."""
        while True:
            rows = {row["id"]: row async for row in self._calls.everything("/collaborations")}
            async with self._news:
                self._rows = rows
                self._news.notify_all()
            await asyncio.sleep(LOOK_EVERY)

    async def until(
        self, collaboration_id: str, holds: Callable[[dict[str, Any]], bool], wanted: str
    ) -> dict[str, Any]:
        """The collaboration once this holds of it. Fails after a long time, with how it stands."""
        end = time.monotonic() + PATIENCE
        async with self._news:
            while True:
                row = self._rows.get(collaboration_id)
                if row is not None and holds(row):
                    return row
                try:
                    await asyncio.wait_for(self._news.wait(), max(0.0, end - time.monotonic()))
                except TimeoutError:
                    stands = {name: (row or {}).get(name) for name in ("stage", "attention", "end_reason")}
                    pytest.fail(f"waited in vain for {wanted}: {stands}")


class Place:
    """Made inside the loop in which the stories live."""

    def __init__(self, stack: Stack, settings: Settings, owner_key: str) -> None:
        self.stack = stack
        self.settings = settings
        self.owner_key = owner_key
        # A shorter life than the servers' own five seconds: no request goes into a closing connection.
        limits = httpx.Limits(max_connections=60, keepalive_expiry=2)
        self.client = httpx.AsyncClient(timeout=60, limits=limits)
        self.transport = httpx.AsyncHTTPTransport(limits=limits)
        self.owner = Calls(self.client, settings.public_url, owner_key)
        self.ops = self.owner
        self.mailbox = Mailbox(self.client, stack.url("mail", "web"), datetime.now(UTC).isoformat())
        self.network = Network(self.client, stack.url("social"))
        self.carrier = Carrier(self.client, stack.url("carrier"))
        self.bank = Bank(self.client, stack.url("stripe"), settings.stripe_api_key)
        self.watch = Watch(self.owner)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """A key for ops, and the watchers of mailbox and list."""
        made = await self.owner.post("/api-keys", {"name": "ops", "role": "ops"})
        self.ops = Calls(self.client, self.settings.public_url, made["secret"])
        self._tasks = [asyncio.create_task(self.mailbox.watch()), asyncio.create_task(self.watch.look())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.transport.aclose()
        await self.client.aclose()

    async def carrier_event(self, tracking_number: str, code: str) -> None:
        """Let something happen to a parcel."""
        url = f"{self.stack.url('carrier')}/_carrier/parcels/{tracking_number}/events"
        (await self.client.post(url, json={"code": code})).raise_for_status()

    async def restock(self, product_id: str, variant_id: str, stock: int) -> None:
        """Set how many pieces there are."""
        url = f"{self.settings.public_url}/api/v1/products/{product_id}/variants/{variant_id}"
        headers = {"authorization": f"Bearer {self.owner_key}"}
        (await self.client.patch(url, json={"stock": stock}, headers=headers)).raise_for_status()

    async def stripe(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Order something of the simulator's control plane."""
        headers = {"authorization": f"Bearer {self.settings.stripe_api_key}"}
        answer = await self.client.post(f"{self.stack.url('stripe')}/_sim/{path}", json=body, headers=headers)
        answer.raise_for_status()
        return dict(answer.json())

    async def stripe_status(self) -> dict[str, Any]:
        """What the simulator holds, and which faults are still to come."""
        headers = {"authorization": f"Bearer {self.settings.stripe_api_key}"}
        answer = await self.client.get(f"{self.stack.url('stripe')}/_sim/status", headers=headers)
        answer.raise_for_status()
        return dict(answer.json())

    async def stripe_list(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Every object of a list of Stripe's public API, v1 or v2."""
        headers = {"authorization": f"Bearer {self.settings.stripe_api_key}"}
        found: list[dict[str, Any]] = []
        url = f"{self.stack.url('stripe')}{path}"
        params: dict[str, str] | None = {"limit": "100", **query}
        while True:
            answer = await self.client.get(url, params=params, headers=headers)
            answer.raise_for_status()
            page = answer.json()
            found += page["data"]
            if page.get("has_more"):
                params = {"limit": "100", **query, "starting_after": page["data"][-1]["id"]}
            elif following := page.get("next_page_url"):
                url, params = f"{self.stack.url('stripe')}{following}", None  # its query is whole
            else:
                return found


def found(stack: Stack) -> tuple[Settings, sessionmaker[Session], str]:
    """The settings of a running stack, and the key of a new brand's owner."""
    settings = settings_from(stack.env())
    sessions = make_sessions(make_engine(settings))
    with sessions.begin() as session:
        key = found_brand(session, BRAND, mode=settings.mode).key.secret
    return settings, sessions, key
