"""The audit log of a brand as mathematics: what a line holds, how lines are chained, what a root proves.

Pure, so that an auditor can check exported lines offline with SHA-256 and JSON (RFC 8785) alone;
docs/audit.md says how. What is hashed must never change. Nothing personal may enter a line: ids, codes,
moments, amounts, and keyed digests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import rfc8785

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
