"""Where events are sent: v1 webhook endpoints and v2 event destinations.

A secret is shown once, when its endpoint is made. Addresses are loopback only: a simulator must
not be able to send anything to the world.
"""

import ipaddress
from urllib.parse import urlsplit

from infra.local.stripe import deliveries, errors, events
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import v1_list, v2_list
from infra.local.stripe.params import (
    EXPAND,
    PAGE,
    anything,
    boolean,
    group,
    integer,
    items,
    merge_metadata,
    metadata,
    must,
    one_of,
    text,
)
from infra.local.stripe.store import Json, Record, new_id

MOST_ENDPOINTS = 16


def loopback_only(param: str, url: str) -> str:
    """Return the address, or refuse it if it is not on this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.invalid(param, "Invalid URL: URL must be a valid http or https URL.", "url_invalid")
    if not is_loopback(parts.hostname):
        message = "Invalid URL: the simulator sends to loopback addresses only."
        raise errors.invalid(param, message, "url_invalid")
    return url


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine by its spelling alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@operation(
    "POST",
    "/v1/webhook_endpoints",
    {
        **EXPAND,
        "api_version": text(),
        "connect": boolean(),
        "description": text(),
        "enabled_events": must(items(text())),
        "metadata": metadata(),
        "url": must(text()),
    },
)
def create_endpoint(call: Call) -> Json:
    """Make an endpoint; this answer alone shows its secret."""
    given = call.params
    url = loopback_only("url", given["url"])
    if not given["enabled_events"]:
        raise errors.missing_parameter("enabled_events")
    if len(call.store.page("webhook_endpoint", call.owner)) >= MOST_ENDPOINTS:
        message = f"You have reached the maximum of {MOST_ENDPOINTS} test webhook endpoints."
        raise errors.refused(message)
    secret = "whsec_" + new_id("x", 32).removeprefix("x_")
    body: Json = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": given.get("api_version"),
        "application": None,
        "created": call.now,
        "description": given.get("description") or None,
        "enabled_events": given["enabled_events"],
        "livemode": False,
        "metadata": merge_metadata({}, given),
        "status": "enabled",
        "url": url,
    }
    hidden = {"secret": secret, "connect": given.get("connect", False)}
    call.store.insert("webhook_endpoint", call.owner, body, hidden)
    return {**body, "secret": secret}


def _find(call: Call) -> Record:
    found = call.store.find("webhook_endpoint", call.path["id"], call.owner)
    if found is None:
        raise errors.missing_object("webhook endpoint", call.path["id"], "id")
    return found


@operation("GET", "/v1/webhook_endpoints", PAGE)
def list_endpoints(call: Call) -> Json:
    """List endpoints, without their secrets."""
    return v1_list(call, "webhook_endpoint", "/v1/webhook_endpoints")


@operation("GET", "/v1/webhook_endpoints/{id}", EXPAND)
def retrieve_endpoint(call: Call) -> Json:
    """Return one endpoint, without its secret."""
    return _find(call).body


@operation(
    "POST",
    "/v1/webhook_endpoints/{id}",
    {
        **EXPAND,
        "description": text(),
        "disabled": boolean(),
        "enabled_events": items(text()),
        "metadata": metadata(),
        "url": text(),
    },
)
def update_endpoint(call: Call) -> Json:
    """Change an endpoint; its secret stays."""
    found, given = _find(call), call.params
    if "url" in given:
        found.body["url"] = loopback_only("url", given["url"])
    if "disabled" in given:
        found.body["status"] = "disabled" if given["disabled"] else "enabled"
    found.body["enabled_events"] = given.get("enabled_events", found.body["enabled_events"])
    if "description" in given:
        found.body["description"] = given["description"] or None
    found.body["metadata"] = merge_metadata(found.body["metadata"], given)
    call.store.save(found)
    return found.body


@operation("DELETE", "/v1/webhook_endpoints/{id}", {})
def delete_endpoint(call: Call) -> Json:
    """Remove an endpoint and what it was still owed."""
    found = _find(call)
    call.store.delete(found)
    deliveries.forget_endpoint(call.store, found.id)
    return {"id": found.id, "object": "webhook_endpoint", "deleted": True}


_SHOWN = items(one_of("webhook_endpoint.signing_secret", "webhook_endpoint.url"))


@operation(
    "POST",
    "/v2/core/event_destinations",
    {
        "amazon_eventbridge": anything(),
        "azure_event_grid": anything(),
        "description": text(),
        "enabled_events": must(items(text())),
        "event_payload": must(one_of("snapshot", "thin")),
        "events_from": items(text()),
        "include": _SHOWN,
        "metadata": metadata(),
        "name": must(text()),
        "snapshot_api_version": text(),
        "type": must(one_of("amazon_eventbridge", "azure_event_grid", "webhook_endpoint")),
        "webhook_endpoint": group({"url": must(text())}),
    },
)
def create_destination(call: Call) -> Json:
    """Make an event destination; `include` decides whether secret and address are shown."""
    given = call.params
    if given["type"] != "webhook_endpoint":
        raise errors.invalid("type", "The simulator sends to webhook endpoints only.")
    if "webhook_endpoint" not in given:
        raise errors.missing_parameter("webhook_endpoint")
    if given["event_payload"] == "snapshot" and "snapshot_api_version" not in given:
        raise errors.missing_parameter("snapshot_api_version")
    url = loopback_only("webhook_endpoint[url]", given["webhook_endpoint"]["url"])
    moment = events.iso(call.store.clock())
    body: Json = {
        "id": new_id("ed_test"),
        "object": "v2.core.event_destination",
        "amazon_eventbridge": None,
        "azure_event_grid": None,
        "created": moment,
        "description": given.get("description") or "",
        "enabled_events": given["enabled_events"],
        "event_payload": given["event_payload"],
        "events_from": given.get("events_from", ["@self"]),
        "livemode": False,
        "metadata": merge_metadata({}, given),
        "name": given["name"],
        "snapshot_api_version": given.get("snapshot_api_version"),
        "status": "enabled",
        "status_details": None,
        "type": "webhook_endpoint",
        "updated": moment,
        "webhook_endpoint": None,
    }
    secret = "whsec_" + new_id("x", 32).removeprefix("x_")
    call.store.insert("event_destination", call.platform, body, {"secret": secret, "url": url})
    return _shown(body, url, given.get("include", []), secret)


def _shown(body: Json, url: str, include: list[str], secret: str | None = None) -> Json:
    endpoint: Json = {"signing_secret": None, "url": None}
    if "webhook_endpoint.url" in include:
        endpoint["url"] = url
    if "webhook_endpoint.signing_secret" in include:
        endpoint["signing_secret"] = secret
    return {**body, "webhook_endpoint": endpoint if any(endpoint.values()) else None}


def _find_destination(call: Call) -> Record:
    found = call.store.find("event_destination", call.path["id"])
    if found is None:
        raise errors.missing_object("event destination", call.path["id"], "id")
    return found


_URL_SHOWN = items(one_of("webhook_endpoint.url"))


@operation(
    "GET",
    "/v2/core/event_destinations",
    {"include": _URL_SHOWN, "limit": integer(1, 100), "page": text()},
)
def list_destinations(call: Call) -> Json:
    """List event destinations."""
    include = call.params.get("include", [])
    return v2_list(
        call,
        "event_destination",
        "/v2/core/event_destinations",
        show=lambda d: _shown(d.body, d.hidden["url"], include),
    )


@operation("GET", "/v2/core/event_destinations/{id}", {"include": _URL_SHOWN})
def retrieve_destination(call: Call) -> Json:
    """Return one event destination."""
    found = _find_destination(call)
    return _shown(found.body, found.hidden["url"], call.params.get("include", []))


@operation("DELETE", "/v2/core/event_destinations/{id}", {})
def delete_destination(call: Call) -> Json:
    """Remove an event destination and what it was still owed."""
    found = _find_destination(call)
    call.store.delete(found)
    deliveries.forget_endpoint(call.store, found.id)
    return {"id": found.id, "object": "v2.core.event_destination"}


@operation("POST", "/v2/core/event_destinations/{id}/ping", {})
def ping_destination(call: Call) -> Json:
    """Send a ping event to one destination, whatever it listens to."""
    found = _find_destination(call)
    related = {
        "id": found.id,
        "type": "v2.core.event_destination",
        "url": f"/v2/core/event_destinations/{found.id}",
    }
    return events.record_thin(call, deliveries.PING, related, only=found)
