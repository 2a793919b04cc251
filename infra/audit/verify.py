"""Verifies the audit log: recomputes every line from what it stands for, and names each place that differs.

Reads only. A brand's lines are read in stretches, so that memory does not grow with the log and several
processes can share the work. What it cannot see, a tail that was cut together with everything that remembers
it, is what roots outside are for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy.engine import make_url

from domain.audit import COLLABORATION, link_hash, merkle_root
from domain.chain import canonical

STRETCH: Final = 20_000
"""Lines that are read at once."""
MOST_PROBLEMS: Final = 200
"""Problems named for one brand; the rest would say the same."""


class Problem(NamedTuple):
    """One place that is not what was sealed. `sequence` is the line, 0 where there is none."""

    brand_id: str
    sequence: int
    subject: str
    message: str


class Stretch(NamedTuple):
    """What one piece of a chain says."""

    first: int
    size: int
    previous_hash: str
    last_hash: str
    hashes: list[str]
    problems: list[Problem]


class Report(NamedTuple):
    """What came of it: lines checked per brand, and every problem."""

    lines: dict[str, int]
    problems: list[Problem]


_AT: Final = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
_LINES: Final = f"""
    SELECT l.sequence, l.digest, l.previous_hash, l.hash, l.collaboration_id, l.event_sequence, l.fact_id,
        e.request_id, e.name, e.stage, e.command, coalesce(e.actor_kind, f.actor_kind),
        coalesce(e.actor_id, f.actor_id), {_AT.format("coalesce(e.at, f.at)")},
        coalesce(e.data, f.data)::text, e.previous_hash, e.hash, f.subject_kind, f.subject_id, f.event
    FROM audit_lines l
    LEFT JOIN events e ON e.collaboration_id = l.collaboration_id AND e.sequence = l.event_sequence
    LEFT JOIN audit_facts f ON f.id = l.fact_id
    WHERE l.brand_id = %s AND l.sequence BETWEEN %s AND %s
    ORDER BY l.sequence
"""  # noqa: S608 - only our own text is put in

# Each gives (brand, subject, message) of what is in a table and in no chain, or remembered and not there.
_WHOLE: Final = {
    "event": """
        SELECT c.brand_id, e.collaboration_id, 'event ' || e.sequence || ' is in no line and not queued'
        FROM events e JOIN collaborations c ON c.id = e.collaboration_id
        LEFT JOIN audit_lines l ON l.collaboration_id = e.collaboration_id AND l.event_sequence = e.sequence
        WHERE l.sequence IS NULL AND NOT EXISTS (
            SELECT FROM audit_queue q
            WHERE q.collaboration_id = e.collaboration_id AND q.event_sequence = e.sequence)""",
    "fact": """
        SELECT f.brand_id, f.subject_id, 'fact ' || f.id || ' is in no line and not queued'
        FROM audit_facts f LEFT JOIN audit_lines l ON l.fact_id = f.id
        WHERE l.sequence IS NULL AND NOT EXISTS (SELECT FROM audit_queue q WHERE q.fact_id = f.id)""",
    "queue": """
        SELECT q.brand_id, coalesce(q.collaboration_id, q.fact_id::text), 'what is queued does not exist'
        FROM audit_queue q
        LEFT JOIN events e ON e.collaboration_id = q.collaboration_id AND e.sequence = q.event_sequence
        LEFT JOIN audit_facts f ON f.id = q.fact_id
        WHERE e.sequence IS NULL AND f.id IS NULL""",
    "links": """
        SELECT c.brand_id, e.collaboration_id,
            'event ' || e.sequence || ' does not follow the event before it'
        FROM events e JOIN collaborations c ON c.id = e.collaboration_id
        LEFT JOIN events p ON p.collaboration_id = e.collaboration_id AND p.sequence = e.sequence - 1
        WHERE e.previous_hash IS DISTINCT FROM coalesce(p.hash, '')
            OR (p.sequence IS NULL AND e.sequence > 1)""",
    "tails": """
        SELECT c.brand_id, c.id, 'the history ends at event ' || coalesce(e.sequence, 0)
            || ', the collaboration remembers ' || c.sequence
        FROM collaborations c
        LEFT JOIN LATERAL (
            SELECT sequence, hash FROM events WHERE collaboration_id = c.id ORDER BY sequence DESC LIMIT 1
        ) e ON true
        WHERE c.sequence <> coalesce(e.sequence, 0) OR c.head <> coalesce(e.hash, '')""",
}


def verify(
    database_url: str,
    brand_id: str = "",
    roots: Sequence[dict[str, Any]] = (),
    *,
    processes: int = 1,
    stretch: int = STRETCH,
) -> Report:
    """Verify one brand's log, or all. `roots` come from outside; those of the database are used, too."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        asked = "SELECT brand_id, sequence, hash FROM audit_heads WHERE brand_id = %s OR %s = ''"
        heads = {row[0]: (row[1], row[2]) for row in connection.execute(asked, (brand_id, brand_id))}
        stored = [row[0] for row in connection.execute("SELECT document FROM audit_roots")]
        problems = [
            Problem(brand, 0, subject, message)
            for query in _WHOLE.values()
            for brand, subject, message in connection.execute(query.encode())
            if brand_id in ("", brand)
        ]
        ends = {
            brand: connection.execute(
                "SELECT coalesce(max(sequence), 0) FROM audit_lines WHERE brand_id = %s", (brand,)
            ).fetchone()[0]  # type: ignore[index] # an aggregate always gives one row
            for brand in heads
        }
    known = {(one["brand_id"], one["sequence"], one["hash"]): one for one in [*stored, *roots]}
    wanted = [one for one in known.values() if brand_id in ("", one["brand_id"])]
    for brand in sorted({one["brand_id"] for one in wanted} - set(heads)):
        heads[brand], ends[brand] = (0, ""), 0
    for brand, (sequence, hash_) in sorted(heads.items()):
        of_brand = sorted(
            (one for one in wanted if one["brand_id"] == brand), key=lambda one: int(one["sequence"])
        )
        chain = _Chain(brand, of_brand)
        for piece in _stretches(url, brand, ends[brand], stretch, processes):
            chain.take(piece)
        problems += chain.finish(sequence, hash_)
    return Report({brand: ends[brand] for brand in sorted(ends)}, problems)


def _stretches(url: str, brand_id: str, last: int, size: int, processes: int) -> Iterator[Stretch]:
    firsts = list(range(1, last + 1, size))
    work = partial(read_stretch, url, brand_id, size)
    if processes == 1 or len(firsts) < 2:
        yield from map(work, firsts)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(work, firsts)


def read_stretch(url: str, brand_id: str, size: int, first: int) -> Stretch:
    """Recompute the lines from `first` on, `size` of them: contents, digests, and their links."""
    problems: list[Problem] = []
    hashes: list[str] = []
    expected, before, opening = first, None, ""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        rows = connection.execute(_LINES.encode(), (brand_id, first, first + size - 1)).fetchall()
    for row in rows:
        sequence, digest, previous, hash_ = row[0], row[1], row[2], row[3]
        if sequence != expected:
            problems.append(Problem(brand_id, expected, "", _missing(expected, sequence - 1)))
            hashes += [""] * (sequence - expected)
            before = None
        if before is None and sequence == first:
            opening = previous
        elif before is not None and previous != before:
            problems.append(
                Problem(brand_id, sequence, "", f"line {sequence} does not follow the line before")
            )
        if (wrong := _line_differs(brand_id, row)) != "":
            problems.append(Problem(brand_id, sequence, str(row[4] or row[18] or row[6]), wrong))
        elif hash_ != link_hash(sequence, previous, digest):
            problems.append(Problem(brand_id, sequence, "", f"the hash of line {sequence} does not fit it"))
        hashes.append(hash_)
        expected, before = sequence + 1, hash_
    return Stretch(first, len(rows), opening, before or "", hashes, problems[:MOST_PROBLEMS])


def _missing(first: int, last: int) -> str:
    return f"line {first} is missing" if first == last else f"lines {first} to {last} are missing"


def _line_differs(brand_id: str, row: Sequence[Any]) -> str:
    """What is wrong with the content of a line; empty when nothing is."""
    sequence, digest, _, _, collaboration_id, event_sequence, fact_id = row[:7]
    request_id, name, stage, command, actor_kind, actor_id, at, data = row[7:15]
    event_previous, event_hash, subject_kind, subject_id, event = row[15:]
    if data is None:
        what = f"fact {fact_id}" if collaboration_id is None else f"event {event_sequence}"
        return f"{what}, for which line {sequence} stands, is missing"
    actor = {"id": actor_id, "kind": actor_kind}
    if collaboration_id is None:
        content = {
            "actor": actor, "at": at, "brand_id": brand_id, "data": json.loads(data), "event": event,
            "fact": fact_id, "subject": {"id": subject_id, "kind": subject_kind},
        }  # fmt: skip
        sound, what = True, f"fact {fact_id}"
    else:
        body = {
            "actor": actor, "at": at, "collaboration_id": collaboration_id, "command": command,
            "data": json.loads(data), "name": name, "previous_hash": event_previous,
            "request_id": request_id, "sequence": event_sequence, "stage": stage,
        }  # fmt: skip
        sound = hashlib.sha256(canonical(body)).hexdigest() == event_hash
        content = {
            "actor": actor, "at": at, "brand_id": brand_id, "event": name, "event_hash": event_hash,
            "event_sequence": event_sequence, "subject": {"id": collaboration_id, "kind": COLLABORATION},
        }  # fmt: skip
        what = f"event {event_sequence}"
    if not sound:
        return f"{what} is not what was sealed (line {sequence})"
    if hashlib.sha256(canonical(content)).hexdigest() != digest:
        return f"{what} is not what line {sequence} was written for"
    return ""


class _Chain:
    """Puts the stretches of one brand together, and holds them against the roots."""

    def __init__(self, brand_id: str, roots: list[dict[str, Any]]) -> None:
        self._brand_id = brand_id
        self._roots = roots
        self._problems: list[Problem] = []
        self._hashes: list[str] = []
        self._before = ""
        self._next = 1

    def take(self, piece: Stretch) -> None:
        """The next stretch."""
        if piece.size and piece.previous_hash != self._before:
            message = f"line {piece.first} does not follow the line before"
            self._add(piece.first, message)
        self._problems += piece.problems[: MOST_PROBLEMS - len(self._problems)]
        self._before = piece.last_hash
        self._hashes += piece.hashes
        self._next = piece.first + len(piece.hashes)

    def finish(self, sequence: int, hash_: str) -> list[Problem]:
        """Every problem, once all stretches were taken."""
        count, last = len(self._hashes), self._hashes[-1] if self._hashes else ""
        if not self._problems:
            if count != sequence:
                self._add(count + 1, f"the chain ends at line {count}, its head says {sequence}")
            elif last != hash_:
                self._add(count, f"the hash of line {count} is not the one that the head says")
        for root in self._roots:
            self._hold_against(root)
        return self._problems

    def _hold_against(self, root: dict[str, Any]) -> None:
        first, sequence = int(root["first_sequence"]), int(root["sequence"])
        of = f"the root of {root['made_at']}"
        if sequence > len(self._hashes):
            self._add(
                len(self._hashes) + 1, f"the chain ends at line {len(self._hashes)}; {of} says {sequence}"
            )
        elif self._hashes[sequence - 1] != root["hash"]:
            self._add(sequence, f"the hash of line {sequence} is not the one that {of} says")
        elif merkle_root(self._hashes[first - 1 : sequence]) != root["merkle_root"]:
            self._add(first, f"lines {first} to {sequence} do not give the tree that {of} says")

    def _add(self, sequence: int, message: str) -> None:
        self._problems.append(Problem(self._brand_id, sequence, "", message))


def unsound(roots: Iterable[dict[str, Any]], known_keys: list[str]) -> list[Problem]:
    """Roots whose signature is not sound, or not ours."""
    from infra.audit.signing import why_unsigned

    return [
        Problem(str(one.get("brand_id", "")), int(one.get("sequence", 0)), "", why)
        for one in roots
        if (why := why_unsigned(one, known_keys))
    ]
