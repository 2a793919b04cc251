"""docs/exports.md names each column of each export, in order and with its meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.exports.columns import COLUMNS
from infra.exports.rows import ROWS

TEXT = (Path(__file__).resolve().parents[2] / "docs/exports.md").read_text()


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_explained_in_order(name: str) -> None:
    lines = [f"| `{one.name}` | {one.kind.value} | {one.meaning} |" for one in COLUMNS[name]]
    table = "\n".join(["| column | holds | meaning |", "|---|---|---|", *lines])
    assert f"### {name}\n\n{table}\n" in TEXT
    assert f"| {name} |" in TEXT


def test_every_export_has_rows_and_columns() -> None:
    assert set(ROWS) == set(COLUMNS)
