"""docs/ledger.md says what the code does: each account, entry, rule, and a hash that others can compute."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from domain.chain import event_body, event_hash
from domain.ledger import ACCOUNT_MEANINGS, EntryKind
from infra import ledger_check
from infra.tables import APPEND_ONLY

TEXT = (Path(__file__).resolve().parents[2] / "docs/ledger.md").read_text()


def _first_cells() -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", TEXT, re.MULTILINE))


@pytest.mark.parametrize("account", ACCOUNT_MEANINGS)
def test_every_account_is_explained(account: str) -> None:
    assert account in _first_cells()


@pytest.mark.parametrize("kind", get_args(EntryKind))
def test_every_entry_is_explained(kind: str) -> None:
    assert kind in _first_cells()


def test_every_rule_of_the_check_is_explained_and_no_other() -> None:
    assert _first_cells() == set(ledger_check.NAMES) | set(ACCOUNT_MEANINGS) | set(get_args(EntryKind))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_every_append_only_table_is_named(table: str) -> None:
    assert f"`{table}`" in TEXT


def test_the_printed_function_computes_the_hash_of_an_event() -> None:
    printed = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert printed is not None
    names: dict[str, Any] = {}
    exec(printed.group(1), names)  # noqa: S102 - our own document
    body = event_body(
        collaboration_id="collab_1",
        sequence=2,
        request_id="form:é",
        name="offer_declined",
        stage="declined",
        command="decline",
        actor_kind="creator",
        actor_id="creator_1",
        at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        data={"reason": "timing", "late": False, "number": 3, "none": None},
    )
    assert names["event_hash"](body, "abc") == event_hash("abc", body)
