"""The hash chain of a collaboration's events: each line seals itself and the line before.

Pure, so that anybody can verify an exported history offline with SHA-256 and JSON alone; docs/ledger.md says
how. Changing what is hashed would break every history: never do it, add a new field to `data` instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Sealed(NamedTuple):
    """One event as stored: its body, and the two hashes beside it."""

    body: Mapping[str, Any]
    previous_hash: str
    hash: str


def canonical(document: object) -> bytes:
    """JSON that has one form only: sorted keys, no spaces, UTF-8, no NaN."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def event_body(
    *,
    collaboration_id: str,
    sequence: int,
    request_id: str,
    name: str,
    stage: str,
    command: str,
    actor_kind: str,
    actor_id: str,
    at: datetime,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """What is hashed of an event. `at` is aware and written in UTC with microseconds."""
    return {
        "collaboration_id": collaboration_id,
        "sequence": sequence,
        "request_id": request_id,
        "name": name,
        "stage": stage,
        "command": command,
        "actor": {"kind": actor_kind, "id": actor_id},
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "data": dict(data),
    }


def event_hash(previous: str, body: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of the body and the previous event's hash ('' for the first)."""
    return hashlib.sha256(canonical({**body, "previous_hash": previous})).hexdigest()


def first_broken(events: Iterable[Sealed], head: str) -> int | None:
    """The sequence number at which a history (in order) is not what was sealed; None when all of it is.

    `head` is the hash that the collaboration remembers as its newest.
    """
    previous, expected = "", 1
    for event in events:
        sound = (
            event.body["sequence"] == expected
            and event.previous_hash == previous
            and event.hash == event_hash(previous, event.body)
        )
        if not sound:
            return expected
        previous, expected = event.hash, expected + 1
    return None if previous == head else expected
