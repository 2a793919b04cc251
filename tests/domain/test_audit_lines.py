"""The mathematics of the audit log: one form, one hash, and a proof that fits its line only."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import chain
from domain.audit import (
    canonical,
    climb,
    digest_of,
    event_content,
    fact_content,
    link_hash,
    merkle_path,
    merkle_root,
    moment,
)
from infra.audit import lines

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "audit.md"
_NAMES = st.from_regex(r"[A-Za-z0-9_.:-]{1,12}", fullmatch=True)
_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_what_may_stand_in_a_line_has_the_same_form_in_both_writings(content: dict[str, Any]) -> None:
    """The sequencer writes with the library for RFC 8785, the verifier with the standard library's JSON."""
    assert canonical(content) == chain.canonical(content)


_WORDS = st.text(max_size=20)
_AT = st.datetimes(timezones=st.just(UTC))


@given(st.lists(_WORDS, min_size=8, max_size=8), st.integers(1, 10**6), _AT, st.dictionaries(_NAMES, _VALUES))
def test_the_verifier_writes_an_event_as_it_was_sealed_and_chained(
    words: list[str], sequence: int, at: datetime, data: dict[str, Any]
) -> None:
    """Whatever stands in a field, also after somebody changed it: the quick writer is the slow one."""
    of, request_id, name, stage, command, kind, actor, previous = words
    body = chain.event_body(
        collaboration_id=of, sequence=sequence, request_id=request_id, name=name, stage=stage,
        command=command, actor_kind=kind, actor_id=actor, at=at, data=data,
    )  # fmt: skip
    start = lines.actor_and_moment(kind, actor, moment(at))
    stored = json.dumps(data, ensure_ascii=False)
    written = lines.sealed_text(start, of, sequence, previous, request_id, name, stage, command, stored)
    assert written.encode() == chain.canonical({**body, "previous_hash": previous})
    content = event_content(
        brand_id=stage, collaboration_id=of, event=name, event_sequence=sequence, event_hash=command,
        actor_kind=kind, actor_id=actor, at=at,
    )  # fmt: skip
    assert lines.event_text(stage, start, of, sequence, name, command).encode() == canonical(content)
    fact = fact_content(
        brand_id=of, fact_id=sequence, subject_kind=name, subject_id=stage, event=command, actor_kind=kind,
        actor_id=actor, at=at, data=data,
    )  # fmt: skip
    assert lines.fact_text(of, start, sequence, name, stage, command, stored).encode() == canonical(fact)


@given(st.integers(1, 10**12), st.binary(max_size=8), st.binary(max_size=8))
def test_a_link_is_canonical_json(sequence: int, before: bytes, content: bytes) -> None:
    previous, digest = hashlib.sha256(before).hexdigest(), hashlib.sha256(content).hexdigest()
    link = canonical({"sequence": sequence, "previous_hash": previous, "digest": digest})
    assert link_hash(sequence, previous, digest) == hashlib.sha256(link).hexdigest()
    assert json.loads(link)["sequence"] == sequence


def test_the_hash_of_a_known_line_never_changes() -> None:
    """Every stored chain depends on this number."""
    assert link_hash(1, "", "ab" * 32) == "680b4ee1642dda2dab2965967591a6a92a7b172114aa0166a3d816fce57c3f7e"


@given(st.integers(1, 70), st.data())
def test_a_path_leads_from_its_line_to_the_root_and_from_no_other(size: int, data: st.DataObject) -> None:
    hashes = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(size)]
    root = merkle_root(hashes)
    place = data.draw(st.integers(0, size - 1))
    path = merkle_path(hashes, place)
    assert climb(hashes[place], path) == root
    assert len(path) <= size.bit_length()
    other = data.draw(st.integers(0, size - 1))
    if other != place:
        assert climb(hashes[other], path) != root
    if path:
        assert climb(hashes[place], path[1:]) != root


def test_the_printed_function_computes_the_hash_of_a_line() -> None:
    printed = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert printed is not None
    names: dict[str, Any] = {}
    exec(printed.group(1), names)  # noqa: S102 - our own document
    content = {"event": "role_changed", "data": {"to": "ops", "n": 1, "who": "Zoë"}, "fact": 7}
    assert names["line_hash"](3, "cd" * 32, content) == link_hash(3, "cd" * 32, digest_of(content))


def test_a_tree_needs_a_line() -> None:
    with pytest.raises(ValueError):
        merkle_root([])
