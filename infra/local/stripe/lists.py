"""Lists: newest first, by cursor in v1 and by page token in v2."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from infra.local.stripe import errors
from infra.local.stripe.calls import Call
from infra.local.stripe.store import Filter, Json, Record

DEFAULT_LIMIT = 10
BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
Show = Callable[[Record], Json]


def v1_list(
    call: Call,
    kind: str,
    url: str,
    filters: Iterable[Filter] = (),
    show: Show | None = None,
    owner: str | None = None,
) -> Json:
    """Return one page as Stripe's `list` object, filtered and cut by the call's parameters."""
    params, owner = call.params, owner or call.owner
    limit = params.get("limit", DEFAULT_LIMIT)
    after_id, before_id = params.get("starting_after"), params.get("ending_before")
    if after_id and before_id:
        message = "You cannot use both starting_after and ending_before."
        raise errors.invalid("ending_before", message)
    cursor = _cursor(call, kind, owner, after_id or before_id, after_id is not None)
    records = call.store.page(
        kind,
        owner,
        list(filters),
        limit=limit + 1,
        before=cursor if after_id else None,
        after=cursor if before_id else None,
    )
    more = len(records) > limit
    if more:
        records = records[1:] if before_id else records[:limit]
    shown = [show(r) if show else r.body for r in records]
    return {"object": "list", "data": shown, "has_more": more, "url": url}


def _cursor(call: Call, kind: str, owner: str, object_id: str | None, newer: bool) -> int | None:
    if object_id is None:
        return None
    record = call.store.find(kind, object_id, owner)
    if record is None:
        param = "starting_after" if newer else "ending_before"
        message = f"No such {kind}: '{object_id}'"
        raise errors.invalid(param, message, "resource_missing")
    return record.seq


def equals(call: Call, *names: str) -> list[Filter]:
    """Return a condition for each of these parameters that was given."""
    return [Filter(name, call.params[name]) for name in names if name in call.params]


def within(call: Call, *names: str) -> list[Filter]:
    """Return conditions for parameters that are a number or a range of numbers."""
    found: list[Filter] = []
    for name in names:
        value: Any = call.params.get(name)
        if isinstance(value, dict):
            found += [Filter(name, v, BOUNDS[k]) for k, v in value.items()]
        elif value is not None:
            found.append(Filter(name, value))
    return found


def short_list(records: list[Record], url: str) -> Json:
    """Return the list object that is embedded in another one: its ten newest rows."""
    shown = [r.body for r in records[:DEFAULT_LIMIT]]
    return {
        "object": "list",
        "data": shown,
        "has_more": len(records) > DEFAULT_LIMIT,
        "url": url,
    }


def v2_list(
    call: Call, kind: str, url: str, filters: Iterable[Filter] = (), show: Show | None = None
) -> Json:
    """Return one page of a v2 list, with the addresses of the neighbouring pages."""
    limit = call.params.get("limit", 20)
    before = _read_page(call.params.get("page"))
    records = call.store.page(kind, call.platform, list(filters), limit=limit + 1, before=before)
    more, records = len(records) > limit, records[:limit]
    query: Json = {k: v for k, v in call.params.items() if k != "page"}
    return {
        "data": [show(r) if show else r.body for r in records],
        "next_page_url": _page_url(url, query, records[-1].seq) if more else None,
        "previous_page_url": None,
    }


def _page_url(url: str, query: Json, seq: int) -> str:
    pairs: list[tuple[str, Any]] = []
    for name, value in query.items():
        if isinstance(value, list):
            pairs += [(f"{name}[{i}]", v) for i, v in enumerate(value)]
        elif isinstance(value, dict):
            pairs += [(f"{name}[{k}]", v) for k, v in value.items()]
        else:
            pairs.append((name, str(value).lower() if isinstance(value, bool) else value))
    token = base64.urlsafe_b64encode(f"seq:{seq}".encode()).decode().rstrip("=")
    return f"{url}?{urlencode([*pairs, ('page', f'page_{token}')])}"


def _read_page(token: str | None) -> int | None:
    if token is None:
        return None
    try:
        text = token.removeprefix("page_")
        return int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()[4:])
    except (ValueError, binascii.Error) as problem:
        raise errors.invalid("page", f"Invalid page token: {token}") from problem
