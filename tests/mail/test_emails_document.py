"""docs/emails.md names every kind of e-mail with its rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.notice_queue import FIRST_WAIT, LEASE, LONGEST_WAIT
from activities.notices import CONNECTIONS
from domain.notices import ONLY_AT, TRANSACTIONAL, NoticeKind
from domain.stages import Stage

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "emails.md").read_text()


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_is_documented_with_its_rules(kind: NoticeKind) -> None:
    creators, _, _ = TEXT.partition("## E-mails to staff")
    (row,) = [line for line in creators.splitlines() if line.startswith(f"| `{kind}` |")]
    _, _, _, _, quiet, only_at, _ = [cell.strip() for cell in row.split("|")]
    assert quiet == ("" if kind in TRANSACTIONAL else "yes")
    order = list(Stage)
    stages = sorted(ONLY_AT.get(kind, ()), key=order.index)
    assert only_at == ", ".join(stages)


def test_the_figures_of_the_pump_are_the_documented_ones() -> None:
    assert f"claims notices for {LEASE.seconds} seconds" in TEXT
    assert {4: "four connections"}[CONNECTIONS] in TEXT
    assert {8: "eight mails"}[2 * CONNECTIONS] in TEXT
    assert f"{FIRST_WAIT} s, 20 s, ... {LONGEST_WAIT // 60} min" in TEXT
