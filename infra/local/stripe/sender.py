"""Sends planned deliveries, signed, until an endpoint answers 2xx.

Gaps between tries are seconds where Stripe's are minutes to hours, so that a crash test need not
wait; the clock of the simulator counts. It sleeps until something is due and never polls.
"""

import asyncio
import contextlib
import hashlib
import hmac
import ssl
import time

import httpx

from infra.local.stripe import deliveries
from infra.local.stripe.store import Record, Store, dump

FIRST_GAP, LONGEST_GAP, REPEAT_GAP = 0.5, 20.0, 0.2
ANSWER_SECONDS = 15
PARALLEL = 16


def signature(secret: str, body: bytes, moment: int) -> str:
    """Return the header `Stripe-Signature` for a body, signed at a moment of real time."""
    signed = f"{moment}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Sender:
    """One background task and its requests under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._busy: dict[int, asyncio.Task[None]] = {}
        no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading them costs a slow start
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False, verify=no_authorities)
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what an earlier process left undelivered is due as it was."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop sending; what is not acknowledged stays planned."""
        tasks = [t for t in (self._loop, *self._busy.values()) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def wake(self) -> None:
        """Look at the plan again: there is something new, or the clock moved."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self._start_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._seconds_to_next())

    def _start_due(self) -> None:
        reorder = "reorder" in deliveries.modes(self._store)
        room = (1 if reorder else PARALLEL) - len(self._busy)
        if room <= 0:
            return
        limit = room + len(self._busy)
        for row in deliveries.waiting(self._store, self._store.clock(), limit, reorder):
            if row[0] not in self._busy and room > 0:
                room -= 1
                self._begin(*row)

    def _begin(self, delivery: int, event: str, endpoint: str, attempts: int, copies: int) -> None:
        task = asyncio.create_task(self._deliver(delivery, event, endpoint, attempts, copies))
        self._busy[delivery] = task
        task.add_done_callback(lambda _: self._ended(delivery))

    def _ended(self, delivery: int) -> None:
        self._busy.pop(delivery, None)
        self._wake.set()

    def _seconds_to_next(self) -> float | None:
        now = self._store.clock()
        later = self._store.rows(
            "SELECT min(due) FROM deliveries WHERE state = 'waiting' AND due > ?", (now,)
        )[0][0]
        return None if later is None else max(0.01, float(later) - now)

    async def deliver_now(self, events: list[str], seconds: float = 5) -> None:
        """Try the deliveries of these events at once and wait for their answers, but not long."""
        marks = ",".join("?" for _ in events)
        rows = self._store.rows(
            "SELECT id, event, endpoint, attempts, copies FROM deliveries "  # noqa: S608 - only marks
            f"WHERE state = 'waiting' AND event IN ({marks})",
            events,
        )
        for row in rows:
            if row[0] not in self._busy:
                self._begin(*row)
        under_way = [self._busy[row[0]] for row in rows if row[0] in self._busy]
        if under_way:
            await asyncio.wait(under_way, timeout=seconds)

    async def _deliver(
        self, delivery: int, event_id: str, endpoint_id: str, attempts: int, copies: int
    ) -> None:
        store = self._store
        event = store.find("event", event_id) or store.find("v2_event", event_id)
        endpoint = store.find("webhook_endpoint", endpoint_id)
        endpoint = endpoint or store.find("event_destination", endpoint_id)
        if event is None or endpoint is None:
            store.execute("DELETE FROM deliveries WHERE id = ?", (delivery,))
            return
        taken = await self._post(event, endpoint)
        now = store.clock()
        if taken and copies > 1:
            change = ("waiting", attempts, copies - 1, now + REPEAT_GAP)
        elif taken:
            change = ("done", attempts + 1, copies, now)
        elif now - event.created > deliveries.GIVE_UP_SECONDS:
            change = ("gave_up", attempts + 1, copies, now)
        else:
            gap = min(FIRST_GAP * 2 ** min(attempts, 10), LONGEST_GAP)
            change = ("waiting", attempts + 1, copies, now + gap)
        store.execute(
            "UPDATE deliveries SET state = ?, attempts = ?, copies = ?, due = ? WHERE id = ?",
            (*change, delivery),
        )

    async def _post(self, event: Record, endpoint: Record) -> bool:
        body = dump(_payload(self._store, event, endpoint)).encode()
        secret = endpoint.hidden["secret"]
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(secret, body, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        url = endpoint.hidden.get("url") or endpoint.body["url"]
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success


def _payload(store: Store, event: Record, endpoint: Record) -> dict[str, object]:
    if event.kind == "v2_event":
        shown = ("id", "object", "type", "livemode", "created", "context", "reason", "related_object")
        return {name: event.body[name] for name in shown}
    version = endpoint.body.get("api_version") or endpoint.body.get("snapshot_api_version")
    return {
        **event.body,
        "api_version": version or event.body["api_version"],
        "pending_webhooks": deliveries.undelivered(store, event.id),
    }
