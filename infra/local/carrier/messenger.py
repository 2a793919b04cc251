"""Lets planned things happen when their time comes, and tells them until the receiver acknowledges.

Sleeps until the next thing is due or somebody wakes it, so an idle carrier costs nothing. A message is
marked as told only after a 2xx answer; killed in between, it is told again with the same id.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import time

import httpx

from infra.local.carrier.store import Store, Telling

_PATIENCE = 10.0
_AT_ONCE = 20
log = logging.getLogger("handsel.carrier")


def key_of(secret: str) -> bytes:
    """The signing key: the text itself, or the base64 that follows 'whsec_'."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret[len("whsec_") :], validate=True)
    return secret.encode()


class Messenger:
    """Runs for as long as the carrier does."""

    def __init__(self, store: Store, secret: str, webhook_url: str) -> None:
        """Send to `webhook_url`, signed with `secret`."""
        self._store = store
        self._key = key_of(secret)
        self._url = webhook_url
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may be due earlier than was known."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as client:
            while True:
                self._woken.clear()
                self._store.happen_as_planned(time.time())
                tellings = self._store.untold(time.time(), _AT_ONCE)
                if tellings:
                    parcels: dict[str, list[Telling]] = {}
                    for telling in tellings:
                        parcels.setdefault(telling.tracking_number, []).append(telling)
                    await asyncio.gather(*(self._tell_all(client, news) for news in parcels.values()))
                    continue
                await self._sleep()

    async def _sleep(self) -> None:
        due = self._store.next_time()
        wait = None if due is None else max(0.0, due - time.time())
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _tell_all(self, client: httpx.AsyncClient, news: list[Telling]) -> None:
        """The news of one parcel, one after the other."""
        for telling in news:
            await self._tell(client, telling)

    async def _tell(self, client: httpx.AsyncClient, telling: Telling) -> None:
        timestamp = str(int(time.time()))
        body = telling.body.encode()
        signed = b".".join([telling.event_id.encode(), timestamp.encode(), body])
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        headers = {
            "content-type": "application/json",
            "webhook-id": telling.event_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }
        try:
            answer = await client.post(self._url, content=body, headers=headers)
            acknowledged = answer.is_success
        except httpx.HTTPError:
            acknowledged = False
        if acknowledged:
            self._store.told(telling, time.time())
        else:
            if telling.attempts == 0:
                log.warning("event %s is not acknowledged yet", telling.event_id)
            self._store.not_told(telling, time.time())
