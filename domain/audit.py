"""The audit log of a brand as mathematics: what a line holds, how lines are chained, what a root proves.

Pure, so that an auditor can check exported lines offline with SHA-256 and JSON (RFC 8785) alone;
docs/audit.md says how. What is hashed must never change. Nothing personal may enter a line: ids, codes,
moments, amounts, and keyed digests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import rfc8785
from pydantic import BaseModel, ConfigDict

from domain.errors import Defect
from domain.roles import Actor

COLLABORATION: Final = "collaboration"
"""Subject kind of the lines that stand for events of collaborations."""
LONGEST_TEXT: Final = 500
_WORD: Final = re.compile(r"^[a-z][a-z0-9_]{1,59}$")
_KEY: Final = re.compile(r"^[A-Za-z0-9_.:-]{1,100}$")
_MAIL: Final = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
_SAFE: Final = 2**53 - 1
"""Largest whole number that every reader of JSON reads alike."""


def canonical(document: Any) -> bytes:
    """The document in the one form of RFC 8785."""
    return rfc8785.dumps(document)


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a line's content in canonical form."""
    return hashlib.sha256(canonical(dict(content))).hexdigest()


def moment(at: datetime) -> str:
    """A moment as lines write it: UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def event_content(
    *,
    brand_id: str,
    collaboration_id: str,
    event: str,
    event_sequence: int,
    event_hash: str,
    actor_kind: str,
    actor_id: str,
    at: datetime,
) -> dict[str, Any]:
    """Content of a line that stands for an event of a collaboration: the event's own hash seals its data."""
    return {
        "actor": {"id": actor_id, "kind": actor_kind},
        "at": moment(at),
        "brand_id": brand_id,
        "event": event,
        "event_hash": event_hash,
        "event_sequence": event_sequence,
        "subject": {"id": collaboration_id, "kind": COLLABORATION},
    }


def fact_content(
    *,
    brand_id: str,
    fact_id: int,
    subject_kind: str,
    subject_id: str,
    event: str,
    actor_kind: str,
    actor_id: str,
    at: datetime,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """Content of a line that stands for an event of any other subject."""
    return {
        "actor": {"id": actor_id, "kind": actor_kind},
        "at": moment(at),
        "brand_id": brand_id,
        "data": dict(data),
        "event": event,
        "fact": fact_id,
        "subject": {"id": subject_id, "kind": subject_kind},
    }


def link_hash(sequence: int, previous_hash: str, digest: str) -> str:
    """Hash of a line: SHA-256 over its place, its content's digest and the hash before ('' for the first).

    The three stand in canonical JSON; they are hex and a number, so that it can be written straight away.
    """
    link = f'{{"digest":"{digest}","previous_hash":"{previous_hash}","sequence":{sequence}}}'
    return hashlib.sha256(link.encode()).hexdigest()


def check_fact(subject_kind: str, subject_id: str, event: str, actor: Actor, data: Mapping[str, Any]) -> None:
    """Raise `Defect` (code `audit_unfit`) when something could not, or must not, stand in a line."""
    for what, word in (("subject", subject_kind), ("event", event)):
        if not _WORD.match(word):
            raise Defect(f"{what} {word[:60]!r} is not a plain word", code="audit_unfit")
    if subject_kind == COLLABORATION:
        raise Defect("events of collaborations are written by record_change", code="audit_unfit")
    _check_value("subject id", subject_id)
    _check_value("actor", actor.id)
    _check_value("data", dict(data))


def _check_value(place: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str) or not _KEY.match(name):
                raise Defect(f"{place}: a name in it is not plain", code="audit_unfit")
            _check_value(f"{place}.{name}", one)
    elif isinstance(value, list | tuple):
        for one in value:
            _check_value(place, one)
    elif isinstance(value, str):
        if len(value) > LONGEST_TEXT or "\x00" in value:
            raise Defect(f"{place}: the text is too long, or holds a zero byte", code="audit_unfit")
        if _MAIL.search(value):
            raise Defect(f"{place}: holds an e-mail address; write its keyed digest", code="audit_unfit")
    elif isinstance(value, bool) or value is None:
        return
    elif not isinstance(value, int) or abs(value) > _SAFE:
        raise Defect(f"{place}: only texts, whole numbers, yes and no", code="audit_unfit")


class Root(BaseModel):
    """The head of a brand's chain at one moment: what is signed, stored outside, and mailed."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    brand_id: str
    first_sequence: int
    """First line that this root covers and the root before it does not."""
    sequence: int
    """Last line; lines are counted from 1 without gaps, so it is their number, too."""
    hash: str
    """Hash of the last line: it seals every line before."""
    merkle_root: str
    """Over the hashes of the lines from `first_sequence` on: proves one line without showing the others."""
    made_at: str

    def document(self) -> bytes:
        """What is signed."""
        return canonical(self.model_dump())


class Step(BaseModel):
    """One step up a Merkle tree: the neighbour's hash, and on which side it stands."""

    model_config = ConfigDict(frozen=True)

    left: bool
    hash: str


def _leaf(hash_: str) -> bytes:
    return hashlib.sha256(b"\x00" + bytes.fromhex(hash_)).digest()


def _parents(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    parents = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return parents if len(level) % 2 == 0 else [*parents, level[-1]]


def merkle_root(hashes: Sequence[str]) -> str:
    """Root (hex) over these line hashes, in order. Raises ValueError for none.

    As in RFC 6962: leaves and nodes are marked apart; a node without a neighbour moves up as it is.
    """
    if not hashes:
        raise ValueError("a tree needs a line")
    level = [_leaf(one) for one in hashes]
    while len(level) > 1:
        level = _parents(level)
    return level[0].hex()


def merkle_path(hashes: Sequence[str], place: int) -> list[Step]:
    """The steps from the line at `place` (from 0) up to the root."""
    level, steps = [_leaf(one) for one in hashes], []
    while len(level) > 1:
        neighbour = place ^ 1
        if neighbour < len(level):
            steps.append(Step(left=neighbour < place, hash=level[neighbour].hex()))
        level, place = _parents(level), place // 2
    return steps


def climb(hash_: str, steps: Iterable[Step]) -> str:
    """The root (hex) that these steps lead to from a line's hash."""
    node = _leaf(hash_)
    for step in steps:
        other = bytes.fromhex(step.hash)
        node = hashlib.sha256(b"\x01" + (other + node if step.left else node + other)).digest()
    return node.hex()
