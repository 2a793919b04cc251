"""Idempotency keys: the first answer of a key is the answer of every repeat.

v1 remembers successes, refusals of work that had begun, and failures, for 24 hours of simulated
time, on POST only. v2 remembers successes only, for 30 days, on POST and DELETE. Keys are kept
apart by account, method and path.
"""

import hashlib
import json
from dataclasses import dataclass

from infra.local.stripe.store import Store, dump

V1_SECONDS = 24 * 3600
V2_SECONDS = 30 * 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class Saved:
    """An answer as it left the first time."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes


def scope(key: str, owner: str, method: str, path: str) -> str:
    """Return what a key is unique within."""
    return "\n".join((owner, method, path, key))


def fingerprint(body: bytes, content_type: str) -> str:
    """Return what makes two sets of parameters the same: their content, not their order."""
    text = body.decode("utf-8", "replace")
    if content_type.startswith("application/json"):
        canonical = json.dumps(json.loads(text), sort_keys=True) if text else ""
    else:
        canonical = "&".join(sorted(text.split("&")))
    return hashlib.sha256(canonical.encode()).hexdigest()


def find(store: Store, where: str) -> Saved | None:
    """Return the saved answer of a key that is not forgotten yet."""
    rows = store.rows(
        "SELECT fingerprint, status, headers, body FROM saved_answers WHERE scope = ? AND expires > ?",
        (where, store.clock()),
    )
    if not rows:
        return None
    mark, status, headers, body = rows[0]
    return Saved(mark, status, json.loads(headers), bytes(body))


def save(store: Store, where: str, saved: Saved, *, v2: bool) -> None:
    """Remember an answer, in the transaction that made it."""
    seconds = V2_SECONDS if v2 else V1_SECONDS
    store.execute(
        "INSERT OR REPLACE INTO saved_answers VALUES (?, ?, ?, ?, ?, ?)",
        (
            where,
            saved.fingerprint,
            saved.status,
            dump(saved.headers),
            saved.body,
            store.clock() + seconds,
        ),
    )
    if not store.has_job("forget_answers", "all"):
        store.add_job("forget_answers", "all", store.clock() + V1_SECONDS)


def forget(store: Store) -> None:
    """Drop answers that are too old to be repeated."""
    store.execute("DELETE FROM saved_answers WHERE expires <= ?", (store.clock(),))
    if store.rows("SELECT 1 FROM saved_answers LIMIT 1"):
        store.add_job("forget_answers", "all", store.clock() + V1_SECONDS)
