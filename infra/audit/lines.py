"""Recomputes lines of an audit chain from the events and facts that they stand for.

A million lines have to take well under a minute, so the canonical JSON is put together straight away, field
by field in sorted order, instead of by a general writer; a test holds every text against the general one.
Everything that was sealed enters a hash here: leaving a field out would leave it unproven.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from json import JSONDecoder, JSONEncoder
from json.encoder import encode_basestring as quoted
from typing import Any, Final, NamedTuple

import psycopg

from domain.audit import COLLABORATION

MOST_PROBLEMS: Final = 200
"""Problems named for one brand; the rest would say the same."""

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

_decode: Final = JSONDecoder().decode
_encode: Final = JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


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


def read_rows(url: str, brand_id: str, size: int, first: int) -> list[tuple[Any, ...]]:
    """The lines from `first` on, `size` of them, each with what it stands for."""
    with psycopg.connect(url, options="-c timezone=UTC -c jit=off") as connection:
        return connection.execute(_LINES.encode(), (brand_id, first, first + size - 1)).fetchall()


def read_stretch(url: str, brand_id: str, size: int, first: int) -> Stretch:
    """Read the lines from `first` on, `size` of them, and recompute them."""
    return recompute(brand_id, first, read_rows(url, brand_id, size, first))


def recompute(brand_id: str, first: int, rows: Sequence[tuple[Any, ...]]) -> Stretch:
    """Recompute these lines, which should begin at `first`: contents, digests, and their links."""
    problems: list[Problem] = []
    hashes: list[str] = []
    expected, before, opening = first, None, ""
    for row in rows:
        sequence, digest, previous, hash_ = row[:4]
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
        elif hash_ != _hash(f'{{"digest":"{digest}","previous_hash":"{previous}","sequence":{sequence}}}'):
            problems.append(Problem(brand_id, sequence, "", f"the hash of line {sequence} does not fit it"))
        hashes.append(hash_)
        expected, before = sequence + 1, hash_
    return Stretch(first, len(rows), opening, before or "", hashes, problems[:MOST_PROBLEMS])


def _missing(first: int, last: int) -> str:
    return f"line {first} is missing" if first == last else f"lines {first} to {last} are missing"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _line_differs(brand_id: str, row: tuple[Any, ...]) -> str:
    """What is wrong with the content of a line; empty when nothing is."""
    sequence, digest, _, _, collaboration_id, event_sequence, fact_id = row[:7]
    request_id, name, stage, command, actor_kind, actor_id, at, data = row[7:15]
    previous, event_hash, subject_kind, subject_id, event = row[15:]
    if data is None:
        what = f"fact {fact_id}" if collaboration_id is None else f"event {event_sequence}"
        return f"{what}, for which line {sequence} stands, is missing"
    actor_at = actor_and_moment(actor_kind, actor_id, at)
    if collaboration_id is None:
        content = fact_text(brand_id, actor_at, fact_id, subject_kind, subject_id, event, data)
        if _hash(content) != digest:
            return f"fact {fact_id} is not what line {sequence} was written for"
        return ""
    sealed = sealed_text(
        actor_at, collaboration_id, event_sequence, previous, request_id, name, stage, command, data
    )
    if _hash(sealed) != event_hash:
        return f"event {event_sequence} is not what was sealed (line {sequence})"
    content = event_text(brand_id, actor_at, collaboration_id, event_sequence, name, event_hash)
    if _hash(content) != digest:
        return f"event {event_sequence} is not what line {sequence} was written for"
    return ""


# --- canonical JSON, field by field ---------------------------------------------------------------


def actor_and_moment(actor_kind: str, actor_id: str, at: str) -> str:
    """What every content begins with."""
    return f'"actor":{{"id":{quoted(actor_id)},"kind":{quoted(actor_kind)}}},"at":"{at}"'


def sealed_text(
    actor_at: str,
    collaboration_id: str,
    sequence: int,
    previous_hash: str,
    request_id: str,
    name: str,
    stage: str,
    command: str,
    data: str,
) -> str:
    """What the hash of an event seals (`domain.chain`)."""
    return (
        f'{{{actor_at},"collaboration_id":{quoted(collaboration_id)},"command":{quoted(command)},'
        f'"data":{_sorted(data)},"name":{quoted(name)},"previous_hash":{quoted(previous_hash)},'
        f'"request_id":{quoted(request_id)},"sequence":{sequence},"stage":{quoted(stage)}}}'
    )


def event_text(
    brand_id: str, actor_at: str, collaboration_id: str, sequence: int, name: str, event_hash: str
) -> str:
    """Content of a line that stands for an event of a collaboration (`domain.audit.event_content`)."""
    return (
        f'{{{actor_at},"brand_id":{quoted(brand_id)},"event":{quoted(name)},'
        f'"event_hash":{quoted(event_hash)},"event_sequence":{sequence},'
        f'"subject":{{"id":{quoted(collaboration_id)},"kind":"{COLLABORATION}"}}}}'
    )


def fact_text(
    brand_id: str, actor_at: str, fact_id: int, subject_kind: str, subject_id: str, event: str, data: str
) -> str:
    """Content of a line that stands for an event of another subject (`domain.audit.fact_content`)."""
    return (
        f'{{{actor_at},"brand_id":{quoted(brand_id)},"data":{_sorted(data)},"event":{quoted(event)},'
        f'"fact":{fact_id},"subject":{{"id":{quoted(subject_id)},"kind":{quoted(subject_kind)}}}}}'
    )


def _sorted(data: str) -> str:
    """PostgreSQL's JSON, whose keys are sorted by length, in canonical form."""
    return data if data == "{}" else _encode(_decode(data))
