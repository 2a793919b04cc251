"""The measurements of the books and the audit log, small, so that none rots between two runs."""

from __future__ import annotations

import pytest

from benchmarks.audit import measure_audit
from benchmarks.books import measure_entries, measure_reconciliation

pytestmark = pytest.mark.stack


def test_rows_are_copied_and_compared() -> None:
    figures = {row["what"]: row["value"] for row in measure_reconciliation(200)}
    assert "reconcile 200 rows, all of it" in figures
    assert all(value > 0 for value in figures.values())


def test_entries_are_posted_by_four_processes_at_once() -> None:
    over, contended, _ = measure_entries(0.5)
    assert over["value"] > 0
    assert contended["value"] > 0


def test_a_log_is_appended_sequenced_and_verified() -> None:
    appended, sequenced, *verified = measure_audit(5_000, 0.5)
    assert appended["value"] > 0
    assert sequenced["value"] > 0
    assert [row["lines"] >= 5_000 for row in verified] == [True, True]
