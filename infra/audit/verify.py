"""Verifies the audit log: recomputes every line from what it stands for, and names each place that differs.

Reads only. A brand's lines are read in stretches, so that memory does not grow with the log and several
processes can share the work. What it cannot see, a tail that was cut together with everything that remembers
it, is what roots outside are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy.engine import make_url

from domain.audit import merkle_root
from infra.audit.lines import MOST_PROBLEMS, Problem, Stretch, read_rows, read_stretch, recompute
from infra.audit.signing import known_keys, why_unsigned

STRETCH: Final = 20_000
"""Lines that are read at once."""


class Report(NamedTuple):
    """What came of it: lines checked per brand, every problem, and the roots that the database holds."""

    lines: dict[str, int]
    problems: list[Problem]
    roots: list[dict[str, Any]]


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
    with _reading(url) as connection:
        asked = "SELECT brand_id, sequence, hash FROM audit_heads WHERE brand_id = %s OR %s = ''"
        heads = {row[0]: (row[1], row[2]) for row in connection.execute(asked, (brand_id, brand_id))}
        query = "SELECT document FROM audit_roots ORDER BY brand_id, sequence"
        stored = [row[0] for row in connection.execute(query)]
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
    problems: list[Problem] = []
    with ThreadPoolExecutor(1) as beside:
        whole = beside.submit(_whole, url, brand_id)
        for brand, (sequence, hash_) in sorted(heads.items()):
            of_brand = sorted(
                (one for one in wanted if one["brand_id"] == brand), key=lambda one: int(one["sequence"])
            )
            chain = _Chain(brand, of_brand)
            for piece in _stretches(url, brand, ends[brand], stretch, processes):
                chain.take(piece)
            problems += chain.finish(sequence, hash_)
        problems = whole.result() + problems
    ours = [one for one in stored if brand_id in ("", one["brand_id"])]
    return Report({brand: ends[brand] for brand in sorted(ends)}, problems, ours)


def _reading(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection that sees one moment and changes nothing."""
    connection = psycopg.connect(url, options="-c timezone=UTC")
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _whole(url: str, brand_id: str) -> list[Problem]:
    """What only a look at whole tables finds. The server does it while the lines are recomputed."""
    with _reading(url) as connection:
        return [
            Problem(brand, 0, subject, message)
            for query in _WHOLE.values()
            for brand, subject, message in connection.execute(query.encode())
            if brand_id in ("", brand)
        ]


def _stretches(url: str, brand_id: str, last: int, size: int, processes: int) -> Iterator[Stretch]:
    firsts = list(range(1, last + 1, size))
    if processes > 1 and len(firsts) > 1:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            yield from pool.map(partial(read_stretch, url, brand_id, size), firsts)
        return
    with ThreadPoolExecutor(1) as reader:  # the next lines are read while these are recomputed
        coming = [reader.submit(read_rows, url, brand_id, size, first) for first in firsts[:1]]
        for first, after in zip(firsts, [*firsts[1:], None], strict=True):
            rows = coming.pop().result()
            if after is not None:
                coming.append(reader.submit(read_rows, url, brand_id, size, after))
            yield recompute(brand_id, first, rows)


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


def unsound(roots: Sequence[dict[str, Any]], of_this_installation: Iterable[str]) -> list[Problem]:
    """Roots whose signature is not sound, or neither ours nor of a key that one of ours took over from."""
    known = known_keys(of_this_installation, roots)
    return [
        Problem(str(one.get("brand_id", "")), int(one.get("sequence", 0)), "", why)
        for one in roots
        if (why := why_unsigned(one, known))
    ]
