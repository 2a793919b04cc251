"""`handsel disclosure`: ask the disclosure engine from the shell.

`check` prints one JSON object a line for captions in a file; `evaluate` compares verdicts with labels
that people gave. Neither stores anything or talks to anybody.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from domain.disclosure import Outcome, Verdict, available, check, from_record
from domain.disclosure.records import answer

app = typer.Typer(help="Check posts for honest disclosure.", no_args_is_help=True)

CaptionsFile = Annotated[str, typer.Argument(metavar="FILE|-", help="JSON, one post a line; - reads stdin")]

_ORDER = tuple(outcome.value for outcome in Outcome)


class BadLine(ValueError):
    """A line of the file is not a post; the message names the line and the field."""


def read_records(name: str) -> Iterator[dict[str, Any]]:
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
            yield {"id": f"line-{number}", **record}
    finally:
        if name != "-":
            lines.close()


def judge(record: dict[str, Any]) -> Verdict:
    """The verdict on one record. Raises `BadLine` naming the field that is wrong."""
    try:
        return check(from_record(record))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        raise BadLine(f"{record['id']}: {where}: {first['msg']}") from error


def as_line(record: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """What `check` prints for one record."""
    return answer(str(record["id"]), verdict).model_dump(mode="json")


@app.command("check")
def check_file(file: CaptionsFile) -> None:
    """Print the verdict on each post as one JSON object a line."""
    try:
        for record in read_records(file):
            typer.echo(json.dumps(as_line(record, judge(record)), ensure_ascii=False))
    except (BadLine, OSError) as error:
        _refuse(error)


@dataclass
class Agreement:
    """How verdicts compare with the labels that people gave."""

    judged: int = 0
    same_verdict: int = 0
    same_reason: int = 0
    no_pack: int = 0
    seconds: float = 0.0
    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_jurisdiction: Counter[tuple[str, bool]] = field(default_factory=Counter)
    wrong: list[tuple[dict[str, Any], Verdict]] = field(default_factory=list)

    def add(self, record: dict[str, Any], verdict: Verdict) -> None:
        """Count one record whose jurisdiction has a pack."""
        agrees = verdict.verdict.value == record["expected"]
        self.judged += 1
        self.same_verdict += agrees
        self.same_reason += agrees and verdict.reason.value == record.get("reason", verdict.reason.value)
        self.matrix[record["expected"], verdict.verdict.value] += 1
        self.by_jurisdiction[verdict.jurisdiction, agrees] += 1
        if not agrees:
            self.wrong.append((record, verdict))

    @property
    def wrong_passes(self) -> list[tuple[dict[str, Any], Verdict]]:
        """Records that were passed and should not have been: the worst kind of error."""
        return [pair for pair in self.wrong if pair[1].verdict is Outcome.PASS]


def compare(records: Iterator[dict[str, Any]]) -> Agreement:
    """Judge labelled records. Those of jurisdictions without a pack are counted and left out."""
    found = Agreement()
    known = set(available())
    for record in records:
        if record.get("expected") not in _ORDER:
            raise BadLine(f"{record['id']}: expected: must be one of {', '.join(_ORDER)}")
        codes = record.get("jurisdictions") or [record.get("jurisdiction")]
        if not set(codes) <= known:
            found.no_pack += 1
            continue
        started = time.process_time()
        verdict = judge(record)
        found.seconds += time.process_time() - started
        found.add(record, verdict)
    return found


@app.command("evaluate")
def evaluate_file(file: CaptionsFile) -> None:
    """Compare verdicts with the `expected` of each post: agreement, confusion, wrong passes."""
    try:
        found = compare(read_records(file))
    except (BadLine, OSError) as error:
        _refuse(error)
    console = Console()
    if found.no_pack:
        console.print(f"{found.no_pack} posts left out: their jurisdiction has no rule pack yet.")
    if not found.judged:
        console.print("No labelled post of a jurisdiction with a rule pack.")
        raise typer.Exit(1)
    console.print(
        f"{found.judged} posts, verdict agrees in {_share(found.same_verdict, found.judged)}, "
        f"verdict and reason in {_share(found.same_reason, found.judged)}; "
        f"{found.judged / max(found.seconds, 1e-9):,.0f} posts a second."
    )
    console.print(_matrix(found))
    for code in sorted({code for code, _ in found.by_jurisdiction}):
        right = found.by_jurisdiction[code, True]
        console.print(f"{code}: {_share(right, right + found.by_jurisdiction[code, False])}")
    console.print(f"Wrong passes: {len(found.wrong_passes)}")
    for record, verdict in found.wrong:
        console.print(
            f"{record['id']}: {verdict.verdict.value}({verdict.reason.value}) instead of "
            f"{record['expected']}({record.get('reason', '')}), by {verdict.rule}",
            markup=False,
        )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})"


def _matrix(found: Agreement) -> Table:
    table = Table("expected \\ verdict", *_ORDER)
    for expected in _ORDER:
        table.add_row(expected, *(str(found.matrix[expected, given]) for given in _ORDER))
    return table


def _refuse(error: Exception) -> None:
    typer.echo(f"Refused: {error}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
