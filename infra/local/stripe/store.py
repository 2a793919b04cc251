"""The simulator's memory: one SQLite file that survives `kill -9`.

Every request works inside one transaction that is committed before the answer leaves, so nothing
acknowledged is lost. Only the event loop's thread may use a Store, and never across an `await`.
"""

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  owner TEXT NOT NULL, created INTEGER NOT NULL, body TEXT NOT NULL, hidden TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_newest ON objects (kind, owner, seq);
CREATE INDEX IF NOT EXISTS transfers_of_group
  ON objects (owner, json_extract(body, '$.transfer_group'), seq) WHERE kind = 'transfer';
CREATE INDEX IF NOT EXISTS transfers_to
  ON objects (owner, json_extract(body, '$.destination'), seq) WHERE kind = 'transfer';
CREATE INDEX IF NOT EXISTS reversals_of
  ON objects (owner, json_extract(body, '$.transfer'), seq) WHERE kind = 'transfer_reversal';
CREATE INDEX IF NOT EXISTS rows_about
  ON objects (owner, json_extract(body, '$.source'), seq) WHERE kind = 'balance_transaction';
CREATE INDEX IF NOT EXISTS rows_carried_by
  ON objects (owner, json_extract(hidden, '$.payout'), seq) WHERE kind = 'balance_transaction';
CREATE TABLE IF NOT EXISTS balances (
  owner TEXT NOT NULL, currency TEXT NOT NULL,
  available INTEGER NOT NULL DEFAULT 0, pending INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (owner, currency));
CREATE TABLE IF NOT EXISTS saved_answers (
  scope TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
  headers TEXT NOT NULL, body BLOB NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due);
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
  due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, copies INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL DEFAULT 'waiting');
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, method TEXT NOT NULL,
  path TEXT NOT NULL, remaining INTEGER NOT NULL, options TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS links (
  token TEXT PRIMARY KEY, account TEXT NOT NULL, return_url TEXT NOT NULL,
  refresh_url TEXT NOT NULL, expires REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0,
  visit TEXT);
"""
TABLES = (
    "facts", "objects", "balances", "saved_answers", "jobs", "deliveries", "faults", "links",
)  # fmt: skip
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return an id in Stripe's form, e.g. `tr_` and 24 letters or digits."""
    return f"{prefix}_" + "".join(_ALPHABET[byte % 62] for byte in secrets.token_bytes(length))


def dump(value: Any) -> str:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@dataclass
class Record:
    """One stored object: `body` is what the API shows, `hidden` what it never shows."""

    id: str
    kind: str
    owner: str
    created: int
    body: Json
    hidden: Json = field(default_factory=dict)
    seq: int = 0


@dataclass(frozen=True)
class Filter:
    """One condition of a list: a field of the body or the hidden part, an operator, a value."""

    field: str
    value: Any
    operator: str = "="
    hidden: bool = False

    def sql(self) -> tuple[str, list[Any]]:
        """Return the condition and its parameters; field and operator come from code only."""
        document = "hidden" if self.hidden else "body"
        column = f"json_extract({document}, '$.{self.field}')"
        if self.field in ("created", "id"):
            column = self.field
        if self.operator in ("in", "not in"):
            marks = ",".join("?" for _ in self.value)
            return f"{column} {self.operator} ({marks})", list(self.value)
        return f"{column} {self.operator} ?", [self.value]


class Store:
    """The file, the simulated clock, and rows by kind."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        self._facts: Json = {}
        self._load_facts()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block did, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._load_facts()
            raise
        self._db.execute("COMMIT")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(sql, values)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one query."""
        return self._db.execute(sql, values).fetchall()

    def empty(self) -> None:
        """Forget everything, the clock included."""
        for table in TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the tuple above
        self._facts = {}

    def _load_facts(self) -> None:
        self._facts = {n: json.loads(v) for n, v in self.rows("SELECT name, value FROM facts")}

    def fact(self, name: str, default: Any = None) -> Any:
        """Return a setting or another single value."""
        return self._facts.get(name, default)

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a setting or another single value."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, dump(value)))
        self._facts[name] = value

    def clock(self) -> float:
        """Return simulated time in seconds since 1970: real time plus what was advanced."""
        return time.time() + float(self.fact("clock_offset", 0))

    def now(self) -> int:
        """Return simulated time in whole seconds, as Stripe's `created`."""
        return int(self.clock())

    def insert(self, kind: str, owner: str, body: Json, hidden: Json | None = None) -> Record:
        """Store a new object; its id is `body["id"]`."""
        record = Record(body["id"], kind, owner, self.now(), body, hidden or {})
        cursor = self._db.execute(
            "INSERT INTO objects (id, kind, owner, created, body, hidden) VALUES (?,?,?,?,?,?)",
            (record.id, kind, owner, record.created, dump(body), dump(record.hidden)),
        )
        record.seq = int(cursor.lastrowid or 0)
        return record

    def save(self, record: Record) -> None:
        """Write a changed object back."""
        self._db.execute(
            "UPDATE objects SET body = ?, hidden = ? WHERE id = ?",
            (dump(record.body), dump(record.hidden), record.id),
        )

    def delete(self, record: Record) -> None:
        """Remove an object."""
        self._db.execute("DELETE FROM objects WHERE id = ?", (record.id,))

    def find(self, kind: str, object_id: str, owner: str | None = None) -> Record | None:
        """Return one object of a kind, of an owner when given, or None."""
        row = self._db.execute(
            "SELECT id, kind, owner, created, body, hidden, seq FROM objects WHERE id = ? AND kind = ?",
            (object_id, kind),
        ).fetchone()
        record = _record(row) if row else None
        return None if record is None or owner not in (None, record.owner) else record

    def page(
        self,
        kind: str,
        owner: str,
        filters: Sequence[Filter] = (),
        *,
        limit: int | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> list[Record]:
        """Return objects newest first: older than seq `before`, or the nearest newer than `after`."""
        if not kind.isidentifier():
            raise ValueError(kind)
        # The kind stands in the text, as the partial indexes are chosen by it.
        values: list[Any] = [owner]
        where = [f"kind = '{kind}'", "owner = ?"]
        for condition, more in (f.sql() for f in filters):
            where.append(condition)
            values.extend(more)
        for operator, seq in (("<", before), (">", after)):
            if seq is not None:
                where.append(f"seq {operator} ?")
                values.append(seq)
        order = "ASC" if after is not None else "DESC"
        sql = "SELECT id, kind, owner, created, body, hidden, seq FROM objects WHERE "
        sql += " AND ".join(where) + f" ORDER BY seq {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        records = [_record(row) for row in self.rows(sql, values)]
        return records[::-1] if after is not None else records

    def add_job(self, kind: str, subject: str, due: float) -> None:
        """Plan work for a moment of simulated time."""
        self._db.execute("INSERT INTO jobs (due, kind, subject) VALUES (?, ?, ?)", (due, kind, subject))

    def has_job(self, kind: str, subject: str) -> bool:
        """Tell whether such work is planned."""
        return bool(self.rows("SELECT 1 FROM jobs WHERE kind = ? AND subject = ? LIMIT 1", (kind, subject)))


def _record(row: tuple[Any, ...]) -> Record:
    object_id, kind, owner, created, body, hidden, seq = row
    return Record(object_id, kind, owner, created, json.loads(body), json.loads(hidden), seq)
