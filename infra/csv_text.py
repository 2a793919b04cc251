"""CSV from wherever it comes, and CSV that is safe to open.

Reading finds the encoding and the delimiter, names what is wrong with the header, and never guesses a row
into shape. Writing neutralises cells that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from domain.errors import Invalid

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = ",;\t"
LONGEST_CELL: Final = 10_000


class Row(NamedTuple):
    """One row under its header. `number` counts lines as a spreadsheet does; the header is line 1."""

    number: int
    cells: dict[str, str]
    problem: str


class CsvFile(NamedTuple):
    """A file that could be read."""

    encoding: str
    delimiter: str
    columns: list[str]
    rows: Iterator[Row]


def decode(raw: bytes) -> tuple[str, str]:
    """The text and the encoding it was in: UTF-8 (with or without mark), UTF-16, or Windows-1252.

    Raises `Invalid` (code `encoding`) when it is none of these.
    """
    encoding = next((name for mark, name in _BOMS if raw.startswith(mark)), "") or _guess(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Invalid(
            f"the file is not readable as {encoding} at byte {error.start}; save it as UTF-8", code="encoding"
        ) from error
    if "\x00" in text:
        raise Invalid("the file holds NUL characters; save it as CSV in UTF-8", code="encoding")
    return text, encoding


def _guess(raw: bytes) -> str:
    head = raw[:4000]
    if len(raw) % 2 == 0 and head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def read_csv(raw: bytes, *, required: Sequence[str], aliases: dict[str, str] | None = None) -> CsvFile:
    """Open a CSV file whose first line names its columns.

    Column names are compared without case, blanks and hyphens; `aliases` gives other names of a column.
    Raises `Invalid` for a file without a usable header: empty, a required column missing, a column twice.
    """
    text, encoding = decode(raw)
    head = _first_line(text)
    delimiter = max(_DELIMITERS, key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(lines)
    except (csv.Error, StopIteration) as error:
        raise Invalid(f"the first line is not readable: {error}", code="no_header") from error
    columns = [_column(name, aliases or {}) for name in header]
    _check_header(columns, required)
    return CsvFile(encoding, delimiter, columns, _rows(lines, columns))


def _first_line(text: str) -> str:
    line = next((line for line in text.splitlines()[:1] if line.strip()), "")
    if not line:
        raise Invalid("the file is empty; its first line has to name the columns", code="no_header")
    return line


def _column(name: str, aliases: dict[str, str]) -> str:
    plain = "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())
    return aliases.get(plain, plain)


def _check_header(columns: list[str], required: Sequence[str]) -> None:
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise Invalid(f"columns that are there twice: {', '.join(twice)}", code="column_twice")
    missing = [name for name in required if name not in columns]
    if missing:
        found = ", ".join(name for name in columns if name) or "none"
        raise Invalid(
            f"columns that are missing: {', '.join(missing)} (found: {found[:300]})", code="column_missing"
        )


def _rows(lines: Iterator[list[str]], columns: list[str]) -> Iterator[Row]:
    number = 1
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            raise Invalid(
                f"line {lines.line_num}: {error}; check the quotation marks",  # type: ignore[attr-defined] # csv's own reader
                code="unreadable_line",
            ) from error
        number += 1
        if any(cell.strip() for cell in cells):
            yield _row(number, cells, columns)


def _row(number: int, cells: list[str], columns: list[str]) -> Row:
    problem = ""
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        problem = f"this row has {len(cells)} cells, the header has {len(columns)}"
    elif any(len(cell) > LONGEST_CELL for cell in cells):
        problem = f"a cell is longer than {LONGEST_CELL:,} characters"
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    named = {name: cell.strip() for name, cell in zip(columns, padded, strict=False) if name}
    return Row(number, named, problem)


def safe_cell(value: object) -> str:
    """The value as a cell that no spreadsheet runs as a formula (CWE-1236): a leading apostrophe."""
    text = str(value)
    return (
        f"'{text}"
        if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS)
        else text
    )


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file (RFC 4180, with CRLF) of safe cells."""
    paper = io.StringIO(newline="")
    writer = csv.writer(paper, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
    return paper.getvalue()
