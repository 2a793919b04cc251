"""What the carrier keeps: parcels, what is planned for them, what happened, and what is still to be told.

One SQLite file; each change is one transaction that is on disk before anybody is answered. An event
and the telling of it are written together, so neither can be lost without the other.
"""

from __future__ import annotations

import json
import random
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS parcels (
    tracking_number TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    country TEXT NOT NULL,
    service TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS steps (
    number INTEGER PRIMARY KEY,
    tracking_number TEXT NOT NULL REFERENCES parcels,
    due_at REAL NOT NULL,
    code TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS steps_by_time ON steps (due_at);
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,
    tracking_number TEXT NOT NULL REFERENCES parcels,
    code TEXT NOT NULL,
    occurred_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_parcel ON events (tracking_number, occurred_at);
CREATE TABLE IF NOT EXISTS tellings (
    number INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES events,
    body TEXT NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    told_at REAL
);
CREATE INDEX IF NOT EXISTS tellings_by_time ON tellings (due_at) WHERE told_at IS NULL;
CREATE TABLE IF NOT EXISTS modes (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""

FINAL = frozenset({"delivered", "returned", "lost", "damaged", "address_invalid"})
"""Codes after which nothing more happens to a parcel. They are never left out."""
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 10.0


@dataclass(frozen=True)
class Modes:
    """How unreliable the telling is: shares from 0 to 1, decided by `seed` and the event.

    `duplicate`: told twice. `out_of_order`: held back by `hold` seconds, so that later news overtakes
    it. `missing`: never told (only codes that are not final).
    """

    seed: int = 1
    duplicate: float = 0.0
    out_of_order: float = 0.0
    missing: float = 0.0
    hold: float = 3.0


class Telling(NamedTuple):
    """One message that is still to be sent."""

    number: int
    event_id: str
    body: str
    attempts: int
    tracking_number: str


class Store:
    """The carrier's book. Used by one thread only."""

    def __init__(self, file: Path) -> None:
        """Open the file, made if it is not there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    # Parcels

    def take(
        self, reference: str, country: str, service: str, plan: Sequence[tuple[float, str]], now: float
    ) -> tuple[dict[str, Any], bool]:
        """Take a parcel with its plan (seconds from now, code); the known one if it was taken before."""
        with self._transaction() as database:
            known = database.execute(
                "SELECT tracking_number FROM parcels WHERE reference = ?", (reference,)
            ).fetchone()
            if known is None:
                number = f"HL{secrets.randbelow(10**12):012d}{country}"
                database.execute(
                    "INSERT INTO parcels VALUES (?, ?, ?, ?, ?)", (number, reference, country, service, now)
                )
                database.executemany(
                    "INSERT INTO steps (tracking_number, due_at, code) VALUES (?, ?, ?)",
                    [(number, now + after, code) for after, code in plan],
                )
            else:
                number = known["tracking_number"]
        parcel = self.parcel(number)
        assert parcel is not None  # noqa: S101 - written two lines above
        return parcel, known is None

    def parcel(self, tracking_number: str) -> dict[str, Any] | None:
        """One parcel with its events and what is planned, or None."""
        row = self._database.execute(
            "SELECT * FROM parcels WHERE tracking_number = ?", (tracking_number,)
        ).fetchone()
        return None if row is None else self._shown(row)

    def parcels(self, reference: str | None = None) -> list[dict[str, Any]]:
        """Parcels, newest first, at most 1,000."""
        rows = self._database.execute(
            "SELECT * FROM parcels WHERE ?1 IS NULL OR reference = ?1 ORDER BY created_at DESC LIMIT 1000",
            (reference,),
        ).fetchall()
        return [self._shown(row) for row in rows]

    def _shown(self, row: sqlite3.Row) -> dict[str, Any]:
        number = row["tracking_number"]
        events = self._database.execute(
            "SELECT e.id, e.code, e.occurred_at, "
            "(SELECT count(*) FROM tellings t WHERE t.event_id = e.id AND t.told_at IS NOT NULL) AS told, "
            "(SELECT count(*) FROM tellings t WHERE t.event_id = e.id AND t.told_at IS NULL) AS untold "
            "FROM events e WHERE e.tracking_number = ? ORDER BY e.occurred_at, e.rowid",
            (number,),
        ).fetchall()
        planned = self._database.execute(
            "SELECT code, due_at FROM steps WHERE tracking_number = ? ORDER BY due_at", (number,)
        ).fetchall()
        return {
            "tracking_number": number,
            "reference": row["reference"],
            "country": row["country"],
            "service": row["service"],
            "created_at": stamp(row["created_at"]),
            "events": [{**dict(e), "occurred_at": stamp(e["occurred_at"])} for e in events],
            "planned": [{"code": s["code"], "at": stamp(s["due_at"])} for s in planned],
        }

    # What happens

    def happen(self, tracking_number: str, code: str, at: float, now: float) -> str | None:
        """Write down an event and plan the telling of it; None when there is no such parcel."""
        with self._transaction() as database:
            return self._happen(database, tracking_number, code, at, now)

    def happen_as_planned(self, now: float) -> int:
        """Let everything happen that was planned for before `now`; the number of events."""
        due = self._database.execute(
            "SELECT * FROM steps WHERE due_at <= ? ORDER BY due_at, number LIMIT 500", (now,)
        ).fetchall()
        if due:
            with self._transaction() as database:
                for step in due:
                    gone = database.execute("DELETE FROM steps WHERE number = ?", (step["number"],))
                    if gone.rowcount:
                        self._happen(database, step["tracking_number"], step["code"], step["due_at"], now)
        return len(due)

    def _happen(
        self, database: sqlite3.Connection, number: str, code: str, at: float, now: float
    ) -> str | None:
        parcel = database.execute(
            "SELECT reference FROM parcels WHERE tracking_number = ?", (number,)
        ).fetchone()
        if parcel is None:
            return None
        event_id = f"evt_{secrets.token_hex(12)}"
        database.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (event_id, number, code, at))
        if code in FINAL:
            database.execute("DELETE FROM steps WHERE tracking_number = ?", (number,))
        body = json.dumps(
            {
                "id": event_id,
                "tracking_number": number,
                "code": code,
                "occurred_at": stamp(at),
                "reference": parcel["reference"],
            }
        )
        for due_at in self._when_told(parcel["reference"], code, now):
            database.execute(
                "INSERT INTO tellings (event_id, body, due_at) VALUES (?, ?, ?)", (event_id, body, due_at)
            )
        return event_id

    def _when_told(self, reference: str, code: str, now: float) -> list[float]:
        """When an event is told: once, twice, later, or never, as the modes have it."""
        modes = self.modes()
        dice = random.Random(f"{modes.seed}/{reference}/{code}")  # noqa: S311 - seeded, not cryptography
        missing, late, twice = dice.random(), dice.random(), dice.random()
        if code not in FINAL and missing < modes.missing:
            return []
        first = now + (modes.hold if late < modes.out_of_order else 0.0)
        return [first, first] if twice < modes.duplicate else [first]

    # What is told

    def untold(self, now: float, most: int) -> list[Telling]:
        """Messages that are due, longest waiting first."""
        rows = self._database.execute(
            "SELECT t.number, t.event_id, t.body, t.attempts, e.tracking_number "
            "FROM tellings t JOIN events e ON e.id = t.event_id "
            "WHERE t.told_at IS NULL AND t.due_at <= ? ORDER BY t.due_at, t.number LIMIT ?",
            (now, most),
        ).fetchall()
        return [Telling(*row) for row in rows]

    def told(self, telling: Telling, now: float) -> None:
        """The receiver has acknowledged a message."""
        self._database.execute("UPDATE tellings SET told_at = ? WHERE number = ?", (now, telling.number))

    def not_told(self, telling: Telling, now: float) -> None:
        """The receiver has not acknowledged a message: try again after a growing wait."""
        wait = min(_FIRST_WAIT * 2 ** min(telling.attempts, 10), _LONGEST_WAIT)
        self._database.execute(
            "UPDATE tellings SET attempts = attempts + 1, due_at = ? WHERE number = ?",
            (now + wait, telling.number),
        )

    def next_time(self) -> float | None:
        """When something is due next, or None when nothing is."""
        row = self._database.execute(
            "SELECT min(due_at) AS at FROM (SELECT min(due_at) AS due_at FROM steps "
            "UNION ALL SELECT min(due_at) FROM tellings WHERE told_at IS NULL)"
        ).fetchone()
        return None if row["at"] is None else float(row["at"])

    # Modes

    def modes(self) -> Modes:
        """The modes in force."""
        rows = self._database.execute("SELECT name, value FROM modes").fetchall()
        values = {row["name"]: row["value"] for row in rows}
        return Modes(**{**values, "seed": int(values.get("seed", 1))})

    def set_modes(self, modes: Modes) -> None:
        """Put modes in force for everything that happens from now on."""
        names = ("seed", "duplicate", "out_of_order", "missing", "hold")
        with self._transaction() as database:
            database.executemany(
                "INSERT OR REPLACE INTO modes VALUES (?, ?)", [(name, getattr(modes, name)) for name in names]
            )


def stamp(moment: float) -> str:
    """A time in seconds since 1970 as RFC 3339 in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
