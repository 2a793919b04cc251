"""Writes rows as CSV, JSON lines or Parquet, a few thousand at a time, in bounded memory.

CSV is RFC 4180 in UTF-8; a cell that a spreadsheet would run as a formula is neutralised. Moments are written
in one zone, with their offset. Amounts are exact decimal numbers, never floats.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, Final, Literal
from zoneinfo import ZoneInfo

from domain.errors import Refused
from domain.money import exponent
from infra.csv_text import safe_cell
from infra.exports.columns import Column, Kind
from infra.exports.rows import Row

Format = Literal["csv", "jsonl", "parquet"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}
_AT_ONCE: Final = 2000
_ROW_GROUP: Final = 20_000


def major(minor: int | None, currency: str) -> str | None:
    """Minor units as a decimal number in major units: `-12.50`; None stays None."""
    if minor is None:
        return None
    places, sign = exponent(currency), "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _value(row: Row, column: Column, zone: ZoneInfo) -> Any:
    if column.kind is Kind.AMOUNT:
        return major(row.get(f"{column.name}_minor"), row["currency"])
    value = row.get(column.name)
    if isinstance(value, datetime):
        return value.astimezone(zone)
    return value


def _values(rows: Iterable[Row], columns: Sequence[Column], zone: ZoneInfo) -> Iterator[list[Any]]:
    return ([_value(row, column, zone) for column in columns] for row in rows)


def write_csv(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Row], zone: str) -> int:
    """CSV with a header; numbers as they are, texts safe to open."""
    count, made = 0, _values(rows, columns, ZoneInfo(zone))
    file.write(_csv_text([[column.name for column in columns]]))
    while batch := list(islice(made, _AT_ONCE)):
        cells = (
            [_cell(value, column.kind) for value, column in zip(line, columns, strict=True)] for line in batch
        )
        file.write(_csv_text(cells))
        count += len(batch)
    return count


def _cell(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind is Kind.MOMENT:
        return str(value.isoformat())
    return safe_cell(value) if kind is Kind.TEXT else str(value)


def _csv_text(lines: Iterable[Sequence[str]]) -> bytes:
    paper = io.StringIO(newline="")
    csv.writer(paper, lineterminator="\r\n").writerows(lines)
    return paper.getvalue().encode()


def write_jsonl(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Row], zone: str) -> int:
    """One JSON object a line, every column in it, null for nothing; amounts in major units are texts."""
    count = 0
    names = [column.name for column in columns]
    made = _values(rows, columns, ZoneInfo(zone))
    while batch := list(islice(made, _AT_ONCE)):
        lines = (
            json.dumps(dict(zip(names, line, strict=True)), default=str_of, ensure_ascii=False)
            for line in batch
        )
        file.write(("\n".join(lines) + "\n").encode())
        count += len(batch)
    return count


def str_of(value: Any) -> str:
    """Moments and days as ISO 8601."""
    return str(value.isoformat())


def write_parquet(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Row], zone: str) -> int:
    """Parquet in row groups; amounts in major units are decimal(24, 3), moments carry the zone.

    Raises `Refused` when pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise Refused(
            "Parquet needs pyarrow: install handsel[parquet]", code="parquet_unavailable", field="format"
        ) from None
    kinds = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.AMOUNT: pa.decimal128(24, 3),
        Kind.MOMENT: pa.timestamp("us", tz=zone),
        Kind.DAY: pa.date32(),
    }
    schema = pa.schema([pa.field(column.name, kinds[column.kind]) for column in columns])
    count, made = 0, _values(rows, columns, ZoneInfo(zone))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(islice(made, _ROW_GROUP)):
            by_column = zip(*batch, strict=True)
            arrays = [
                pa.array([_exact(value, column.kind) for value in values], kinds[column.kind])
                for values, column in zip(by_column, columns, strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=schema))
            count += len(batch)
    return count


def _exact(value: Any, kind: Kind) -> Any:
    return Decimal(value) if kind is Kind.AMOUNT and value is not None else value


Write = Callable[[BinaryIO, Sequence[Column], Iterable[Row], str], int]
WRITERS: Final[dict[Format, Write]] = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}
