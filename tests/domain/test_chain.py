"""The chain of events: sealed once, and any later change is found at its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chain import Sealed, canonical, event_body, event_hash, first_broken

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _body(number: int, **changed: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "collaboration_id": "collab_1",
        "sequence": number,
        "request_id": f"form:{number}",
        "name": "parcel_scanned",
        "stage": "shipped",
        "command": "scan",
        "actor_kind": "carrier",
        "actor_id": "evt_1",
        "at": AT,
        "data": {"code": "in_transit"},
    }
    return event_body(**facts | changed)


def _history(length: int) -> tuple[list[Sealed], str]:
    events, head = [], ""
    for sequence in range(1, length + 1):
        body = _body(sequence)
        events.append(Sealed(body, head, event_hash(head, body)))
        head = events[-1].hash
    return events, head


def test_the_hash_of_a_known_event_never_changes() -> None:
    """Every stored history depends on this number."""
    assert event_hash("", _body(1)) == "922a93fafab0ca645eaf710212274ce8452ea2185e264889df34714372d413c2"


def test_the_same_moment_in_another_zone_is_the_same_event() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert event_hash("", _body(1, at=elsewhere)) == event_hash("", _body(1))


def test_canonical_json_has_one_form() -> None:
    assert canonical({"b": "é", "a": None}) == '{"a":null,"b":"é"}'.encode()
    with pytest.raises(ValueError):
        canonical({"a": float("nan")})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("collaboration_id", "collab_2"),
        ("sequence", 9),
        ("request_id", "form:x"),
        ("name", "parcel_lost"),
        ("stage", "delivered"),
        ("command", "lose"),
        ("actor_kind", "brand"),
        ("actor_id", "evt_2"),
        ("at", AT + timedelta(microseconds=1)),
        ("data", {"code": "in_transit", "more": None}),
    ],
)
def test_every_field_is_sealed(field: str, value: object) -> None:
    events, head = _history(5)
    events[2] = events[2]._replace(body=_body(3, **{field: value}))
    assert first_broken(events, head) == 3


@given(st.integers(0, 8), st.data())
def test_cutting_removing_swapping_or_adding_is_found(length: int, data: st.DataObject) -> None:
    events, head = _history(length)
    assert first_broken(events, head) is None
    if not events:
        assert first_broken(events, "0" * 64) == 1
        return
    place = data.draw(st.integers(0, length - 1))
    removed = events[:place] + events[place + 1 :]
    assert first_broken(removed, head) == place + 1
    assert first_broken([*events, events[place]], head) == length + 1
    if place:
        swapped = [*events[: place - 1], events[place], events[place - 1], *events[place + 1 :]]
        assert first_broken(swapped, head) == place


def test_a_history_rewritten_as_a_whole_does_not_fit_the_head_that_was_kept() -> None:
    events, head = _history(3)
    rewritten, before = [], ""
    for event in events:
        body = {**event.body, "actor": {"kind": "brand", "id": "member_2"}}
        rewritten.append(Sealed(body, before, event_hash(before, body)))
        before = rewritten[-1].hash
    assert first_broken(rewritten, before) is None
    assert first_broken(rewritten, head) == 4
