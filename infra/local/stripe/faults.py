"""Faults on order: what goes wrong with the next matching calls.

Those named `before_commit`, and the plain `http_...` ones, have no effect. Those named
`after_commit` keep the effect and the saved answer, so that a retry with the key is a replay.
`account_due` breaks no call: the account that it names falls due just before the work on the next call that
names it too, as when Stripe asks for a document between a check and a transfer.
"""

import fnmatch
import json
from dataclasses import dataclass

from infra.local.stripe.store import Json, Store, dump

ACTIONS = (
    "http_500",
    "http_409",
    "http_429",
    "reset_before_commit",
    "reset_after_commit",
    "timeout_after_commit",
    "http_500_after_commit",
    "account_due",
)


@dataclass(frozen=True)
class Fault:
    """One fault that is taken by the call at hand."""

    action: str
    options: Json


def arm(store: Store, action: str, method: str, path: str, times: int, options: Json) -> None:
    """Plan a fault for the next `times` calls of a method (`*` any) and path (`*` as wildcard)."""
    store.execute(
        "INSERT INTO faults (action, method, path, remaining, options) VALUES (?, ?, ?, ?, ?)",
        (action, method.upper(), path, times, dump(options)),
    )


def armed(store: Store) -> list[Json]:
    """Return the faults that are still to come."""
    names = ("action", "method", "path", "times")
    rows = store.rows("SELECT action, method, path, remaining FROM faults ORDER BY id")
    return [dict(zip(names, row, strict=True)) for row in rows]


def take(store: Store, method: str, path: str, body: str = "") -> Fault | None:
    """Use up the oldest fault that matches a call, or return None; one that names an account goes first."""
    rows = store.rows("SELECT id, action, method, path, remaining, options FROM faults ORDER BY id")
    rows.sort(key=lambda row: row[1] != "account_due")
    for fault_id, action, wanted, pattern, remaining, options in rows:
        named = json.loads(options).get("account", "")
        if wanted in ("*", method) and fnmatch.fnmatchcase(path, pattern) and named in body:
            with store.transaction():
                if remaining > 1:
                    store.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (fault_id,))
                else:
                    store.execute("DELETE FROM faults WHERE id = ?", (fault_id,))
            return Fault(action, json.loads(options))
    return None
