"""Which endpoint is owed which event: rows that outlive the process until a 2xx answers them.

Planning happens in the transaction of the change. How and when rows are sent is `sender.py`'s.
"""

from typing import Any

from infra.local.stripe.calls import Call
from infra.local.stripe.store import Record, Store

GIVE_UP_SECONDS = 3 * 86400
DELAY_SECONDS = 5.0
REORDER_SECONDS, REORDER_BATCH = 0.4, 10
PING = "v2.core.event_destination.ping"


def modes(store: Store) -> list[str]:
    """Return the delivery modes that are set, e.g. ["duplicate", "delay"]; empty is normal."""
    found: list[str] = store.fact("webhook_modes", [])
    return found


def plan(call: Call, event_id: str, endpoints: list[Record]) -> None:
    """Write down that each of these endpoints is owed an event."""
    store, active = call.store, modes(call.store)
    due = store.clock() + _held_seconds(store, active)
    if "reorder" in active:
        _hold_back(store, due)
    state = "dropped" if "drop" in active else "waiting"
    copies = 2 if "duplicate" in active else 1
    for endpoint in endpoints:
        store.execute(
            "INSERT INTO deliveries (event, endpoint, due, copies, state) VALUES (?, ?, ?, ?, ?)",
            (event_id, endpoint.id, due, copies, state),
        )


def _held_seconds(store: Store, active: list[str]) -> float:
    held: float | None = store.fact("webhook_seconds")
    if "delay" in active:
        return DELAY_SECONDS if held is None else held
    if "reorder" in active:
        return REORDER_SECONDS if held is None else held
    return 0


def _hold_back(store: Store, due: float) -> None:
    """Let what waits already go with the next event, so that their order turns; a few at most."""
    now = store.clock()
    held = store.rows(
        "SELECT id FROM deliveries WHERE state = 'waiting' AND attempts = 0 AND due > ? LIMIT ?",
        (now, REORDER_BATCH),
    )
    if len(held) < REORDER_BATCH:
        for (delivery,) in held:
            store.execute("UPDATE deliveries SET due = ? WHERE id = ?", (due, delivery))


def interested(call: Call, type: str, *, connected: bool, thin: bool) -> list[Record]:  # noqa: A002
    """Return the enabled endpoints that want a type of event, of connected accounts or our own."""
    found = []
    if not thin:
        for endpoint in call.store.page("webhook_endpoint", call.platform):
            wanted = _wants(endpoint.body["enabled_events"], type)
            if endpoint.hidden["connect"] == connected and wanted:
                found.append(endpoint)
    for destination in call.store.page("event_destination", call.platform):
        body = destination.body
        fits = body["event_payload"] == ("thin" if thin else "snapshot")
        scope = "@accounts" if connected else "@self"
        heard = thin or scope in (body.get("events_from") or ["@self"])
        if fits and heard and _wants(body["enabled_events"], type):
            found.append(destination)
    return [e for e in found if e.body["status"] == "enabled"]


def _wants(enabled: list[str], type: str) -> bool:  # noqa: A002
    return "*" in enabled or type in enabled


def undelivered(store: Store, event_id: str) -> int:
    """Return how many endpoints have not taken an event."""
    rows = store.rows("SELECT count(*) FROM deliveries WHERE event = ? AND state <> 'done'", (event_id,))
    return int(rows[0][0])


def events_not_taken(store: Store) -> list[str]:
    """Return the ids of events that at least one endpoint has not taken."""
    return [row[0] for row in store.rows("SELECT DISTINCT event FROM deliveries WHERE state <> 'done'")]


def waiting(store: Store, before: float, limit: int, newest_first: bool) -> list[tuple[Any, ...]]:
    """Return (id, event, endpoint, attempts, copies) of the deliveries due before a moment."""
    order = "DESC" if newest_first else "ASC"
    return store.rows(
        "SELECT id, event, endpoint, attempts, copies FROM deliveries "  # noqa: S608 - fixed words
        f"WHERE state = 'waiting' AND due <= ? ORDER BY id {order} LIMIT ?",
        (before, limit),
    )


def next_due(store: Store) -> float | None:
    """Return the moment of simulated time at which the next delivery is due."""
    found = store.rows("SELECT min(due) FROM deliveries WHERE state = 'waiting'")[0][0]
    return None if found is None else float(found)


def forget_endpoint(store: Store, endpoint_id: str) -> None:
    """Drop what a deleted endpoint was still owed."""
    store.execute("DELETE FROM deliveries WHERE endpoint = ?", (endpoint_id,))
