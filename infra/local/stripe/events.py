"""Events: one for each change, with the object as it was at that moment.

v1 events carry a snapshot; v2 events are thin and name the object to fetch. Both are planned for
delivery in the transaction that made the change, so that an event exists if and only if its change
does. Neither can be fetched after thirty days of simulated time.
"""

import copy
from datetime import UTC, datetime

from infra.local.stripe import deliveries, errors
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import equals, v1_list, v2_list, within
from infra.local.stripe.params import EXPAND, PAGE, boolean, group, integer, items, moment_range, text
from infra.local.stripe.store import Filter, Json, Record, new_id

API_VERSION = "2026-10-28.endive"
KEPT_SECONDS = 30 * 86400


def iso(moment: float) -> str:
    """Return a moment in the form of v2: `2026-11-22T10:00:00.000Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def record(
    call: Call,
    type: str,  # noqa: A002 - Stripe's own name
    obj: Json,
    *,
    owner: str | None = None,
    before: Json | None = None,
) -> None:
    """Record a v1 event about an object of `owner` (default: the call's), and plan its deliveries."""
    owner = owner or call.owner
    data: Json = {"object": copy.deepcopy(obj)}
    if before is not None:
        data["previous_attributes"] = {k: v for k, v in before.items() if obj.get(k) != v and k != "object"}
    body: Json = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": call.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": call.request_id or None, "idempotency_key": call.idempotency_key},
        "type": type,
    }
    if owner != call.platform:
        body["account"] = owner
    call.store.insert("event", owner, body)
    call.events.append(body["id"])
    connected = owner != call.platform
    deliveries.plan(call, body["id"], deliveries.interested(call, type, connected=connected, thin=False))


def record_thin(
    call: Call,
    type: str,  # noqa: A002 - Stripe's own name
    related: Json | None,
    data: Json | None = None,
    only: Record | None = None,
) -> Json:
    """Record a v2 event about `related` (id, type, url), and plan its deliveries.

    `only` sends it to one destination, whatever that listens to.
    """
    body: Json = {
        "id": new_id("evt"),
        "object": "v2.core.event",
        "changes": None,
        "context": None,
        "created": iso(call.store.clock()),
        "livemode": False,
        "reason": None,
        "related_object": related,
        "snapshot_event": None,
        "type": type,
    }
    if call.request_id:
        request = {"id": call.request_id, "idempotency_key": call.idempotency_key or ""}
        body["reason"] = {"type": "request", "request": request}
    if data is not None:
        body["data"] = data
    call.store.insert("v2_event", call.platform, body)
    call.events.append(body["id"])
    endpoints = [only] if only else deliveries.interested(call, type, connected=False, thin=True)
    deliveries.plan(call, body["id"], endpoints)
    return body


def snapshot(call: Call, event: Record) -> Json:
    """Return a v1 event with the number of endpoints that have not taken it."""
    waiting = deliveries.undelivered(call.store, event.id)
    return {**event.body, "pending_webhooks": waiting}


def _fresh(call: Call) -> Filter:
    return Filter("created", call.now - KEPT_SECONDS, ">=")


@operation(
    "GET",
    "/v1/events",
    {
        **PAGE,
        "created": moment_range(),
        "delivery_success": boolean(),
        "type": text(),
        "types": items(text()),
    },
)
def list_events(call: Call) -> Json:
    """List events; `delivery_success=false` finds those that an endpoint has not taken."""
    filters = [_fresh(call), *equals(call, "type"), *within(call, "created")]
    if types := call.params.get("types"):
        if len(types) > 20:
            raise errors.invalid("types", "You can only filter by up to 20 event types.")
        filters.append(Filter("type", types, "in"))
    if "delivery_success" in call.params:
        failed = deliveries.events_not_taken(call.store)
        operator = "not in" if call.params["delivery_success"] else "in"
        filters.append(Filter("id", failed, operator))
    return v1_list(call, "event", "/v1/events", filters, lambda e: snapshot(call, e))


@operation("GET", "/v1/events/{id}", EXPAND)
def retrieve_event(call: Call) -> Json:
    """Return one event of the last thirty days."""
    found = call.store.find("event", call.path["id"], call.owner)
    if found is None or found.created < call.now - KEPT_SECONDS:
        raise errors.missing_object("event", call.path["id"], "id")
    return snapshot(call, found)


@operation(
    "GET",
    "/v2/core/events",
    {
        "limit": integer(1, 100),
        "page": text(),
        "object_id": text(),
        "types": items(text()),
        "created": group({name: text() for name in ("gt", "gte", "lt", "lte")}),
    },
)
def list_thin_events(call: Call) -> Json:
    """List v2 events, newest first."""
    filters = [_fresh(call)]
    if "object_id" in call.params:
        filters.append(Filter("related_object.id", call.params["object_id"]))
    if call.params.get("types"):
        filters.append(Filter("type", call.params["types"], "in"))
    for bound, moment in (call.params.get("created") or {}).items():
        operator = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[bound]
        filters.append(Filter("created", _seconds(bound, moment), operator))
    return v2_list(call, "v2_event", "/v2/core/events", filters)


def _seconds(bound: str, moment: str) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except ValueError as problem:
        raise errors.invalid(f"created[{bound}]", f"Invalid timestamp: {moment}") from problem


@operation("GET", "/v2/core/events/{id}", {})
def retrieve_thin_event(call: Call) -> Json:
    """Return one v2 event of the last thirty days."""
    found = call.store.find("v2_event", call.path["id"])
    if found is None or found.created < call.now - KEPT_SECONDS:
        raise errors.missing_object("event", call.path["id"], "id")
    return found.body
