"""The same rows in three formats: nothing lost, nothing rounded, nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.money import exponent
from infra.exports.columns import Column, Kind
from infra.exports.formats import WRITERS, major, write_csv

COLUMNS = (
    Column("number", Kind.WHOLE, ""),
    Column("at", Kind.MOMENT, ""),
    Column("reason", Kind.TEXT, ""),
    Column("currency", Kind.TEXT, ""),
    Column("amount_minor", Kind.WHOLE, ""),
    Column("amount", Kind.AMOUNT, ""),
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.integers(0, 2**53),
            "at": st.none()
            | st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
            "reason": TEXTS | st.sampled_from(["=1+1", "+cmd", "-2", "@x", "\t=a", "＝b", " =c"]),
            "currency": st.sampled_from(["USD", "JPY", "KWD"]),
            "amount_minor": st.none() | st.integers(-(10**15), 10**15),
        }
    ),
    max_size=5,
)


def _read(form: Any, rows: list[dict[str, Any]], zone: str) -> bytes:
    file = io.BytesIO()
    assert WRITERS[form](file, COLUMNS, iter(rows), zone) == len(rows)
    return file.getvalue()


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
def test_every_format_holds_the_same_values(rows: list[dict[str, Any]], zone: str) -> None:
    table = pq.read_table(io.BytesIO(_read("parquet", rows, zone))).to_pylist()
    lines = [json.loads(line) for line in _read("jsonl", rows, zone).decode().split("\n") if line]
    cells = list(csv.DictReader(io.StringIO(_read("csv", rows, zone).decode(), newline="")))
    assert len(table) == len(lines) == len(cells) == len(rows)
    for row, typed, line, cell in zip(rows, table, lines, cells, strict=True):
        minor = row["amount_minor"]
        exact = None if minor is None else Decimal(minor).scaleb(-exponent(row["currency"]))
        assert typed["amount"] == exact
        assert (None if line["amount"] is None else Decimal(line["amount"])) == exact
        assert (Decimal(cell["amount"]) if cell["amount"] else None) == exact
        assert typed["at"] == row["at"]
        assert (datetime.fromisoformat(line["at"]) if line["at"] else None) == row["at"]
        assert (datetime.fromisoformat(cell["at"]) if cell["at"] else None) == row["at"]
        assert typed["reason"] == line["reason"] == row["reason"]
        assert cell["reason"].lstrip("'") == row["reason"].lstrip("'")
        assert not cell["reason"].strip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "＝"))
        assert int(cell["number"]) == row["number"]


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (-1250, "USD", "-12.50"),
        (-7, "JPY", "-7"),
        (1, "KWD", "0.001"),
        (-1000, "KWD", "-1.000"),
        (None, "USD", None),
    ],
)
def test_minor_units_are_written_exactly(minor: int | None, currency: str, written: str | None) -> None:
    assert major(minor, currency) == written


def test_a_negative_amount_stays_a_number_and_a_moment_carries_its_offset() -> None:
    row = {
        "number": 1,
        "at": datetime(2026, 11, 30, 23, 30, tzinfo=UTC),
        "reason": "-1",
        "currency": "USD",
        "amount_minor": -1,
    }
    file = io.BytesIO()
    write_csv(file, COLUMNS, [row], "Europe/Berlin")
    assert file.getvalue().decode().splitlines() == [
        "number,at,reason,currency,amount_minor,amount",
        "1,2026-12-01T00:30:00+01:00,'-1,USD,-1,-0.01",
    ]


def test_many_rows_pass_through_in_bounded_pieces() -> None:
    """Rows are taken from the source as they are written, not gathered first."""
    taken, most = 0, 0
    written = 0

    class Paper(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, chunk: Any) -> int:
            nonlocal written, most
            most = max(most, taken - written)
            written = taken
            return len(chunk)

    def rows() -> Any:
        nonlocal taken
        start = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(30_000):
            taken += 1
            yield {
                "number": number,
                "at": start + timedelta(seconds=number),
                "reason": "",
                "currency": "USD",
                "amount_minor": number,
            }

    assert write_csv(Paper(), COLUMNS, rows(), "UTC") == 30_000  # type: ignore[arg-type] # it can be written to
    assert most <= 2_000
