"""`handsel disclosure`: ask the disclosure engine from the shell.

`check` prints one JSON object a line for captions in a file; `evaluate` compares verdicts with labels
that people gave; `pages` writes the page of each jurisdiction. None stores anything or talks to anybody.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from domain.disclosure import Verdict, check, from_record
from domain.disclosure.records import answer
from infra.cli.agreement import ORDER, Agreement, Compared, show
from infra.cli.replay import replay_checks
from infra.disclosure_pages import FOLDER, write

app = typer.Typer(help="Check posts for honest disclosure.", no_args_is_help=True)

CaptionsFile = Annotated[str, typer.Argument(metavar="FILE|-", help="JSON, one post a line; - reads stdin")]


class BadLine(ValueError):
    """A line of the file is not a post; the message names the line and the field."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a captions file, with the number of its line."""

    number: int
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """The record's own id, or its line."""
        return str(self.record.get("id") or f"line-{self.number}")


def read_lines(name: str) -> Iterator[Line]:
    """The records of a captions file ('-' is stdin), empty lines left out. Raises `BadLine`."""
    lines = sys.stdin if name == "-" else Path(name).open(encoding="utf-8")  # noqa: SIM115 - closed below
    try:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise BadLine(f"line {number}: not JSON ({error})") from error
            if not isinstance(record, dict):
                raise BadLine(f"line {number}: not a JSON object")
            yield Line(number, record)
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8 text ({error.reason} at byte {error.start})") from error
    finally:
        if name != "-":
            lines.close()


def judge(line: Line) -> Verdict:
    """The verdict on one record. Raises `BadLine` naming the line and the field that is wrong."""
    try:
        return check(from_record(line.record))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        where = (
            "jurisdiction" if where.startswith("jurisdictions") and "jurisdiction" in line.record else where
        )
        raise BadLine(f"line {line.number} ({line.name}): {where}: {first['msg']}") from error


def as_line(line: Line, verdict: Verdict) -> dict[str, Any]:
    """What `check` prints for one record."""
    return answer(line.name, verdict).model_dump(mode="json")


@app.command("check")
def check_file(file: CaptionsFile) -> None:
    """Print the verdict on each post as one JSON object a line."""
    try:
        for line in read_lines(file):
            typer.echo(json.dumps(as_line(line, judge(line)), ensure_ascii=False))
    except (BadLine, OSError) as error:
        _refuse(error)


@app.command("pages")
def write_pages(
    folder: Annotated[Path, typer.Option(help="where to write them")] = FOLDER,
) -> None:
    """Write the page of each jurisdiction from its rule pack (docs/disclosure)."""
    for path in write(folder):
        typer.echo(str(path))


@app.command("evaluate")
def evaluate_file(
    file: CaptionsFile,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object instead of tables")] = False,
) -> None:
    """Compare verdicts with the `expected` of each post: agreement, confusion, wrong passes."""
    try:
        found = compare(read_lines(file))
    except (BadLine, OSError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(found.as_data(), ensure_ascii=False, indent=2))
    else:
        show(found, Console())
    if not found.judged:
        raise typer.Exit(1)


app.command("replay")(replay_checks)


def compare(lines: Iterator[Line]) -> Agreement:
    """Judge labelled records. Raises `BadLine` when one is not a post or has no label."""
    found = Agreement()
    for line in lines:
        record = line.record
        if record.get("expected") not in ORDER:
            raise BadLine(f"line {line.number} ({line.name}): expected: must be one of {', '.join(ORDER)}")
        found.add(Compared(line.name, record, judge(line)))
    inputs = [from_record(each.record) for each in found.all]
    started = time.process_time()
    for post in inputs:
        check(post)
    found.seconds = time.process_time() - started
    return found


def _refuse(error: Exception) -> None:
    typer.echo(f"Refused: {error}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
