"""`python -m benchmarks [NAME ...] [--quick]`: measures, prints a table, writes benchmarks/results/."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.audit import measure_audit
from benchmarks.books import measure_entries, measure_reconciliation
from benchmarks.evidence import measure_evidence
from benchmarks.front import measure_accepts, measure_reads
from benchmarks.size import measure_captions, measure_first_page, measure_memory
from benchmarks.throughput import measure_launch, measure_lives
from benchmarks.yard import Yard, yard

Results = list[dict[str, Any]]
RESULTS = Path(__file__).parent / "results" / "latest.json"


def _in_a_yard(measure: Callable[[Yard], Coroutine[Any, Any, Results]]) -> Results:
    with yard() as place:
        return asyncio.run(measure(place))


def benchmarks(*, quick: bool) -> dict[str, Callable[[], Results]]:
    """Every measurement by name."""
    small = 10 if quick else 1
    return {
        "captions": partial(measure_captions, 5 / small),
        "first-page": lambda: measure_first_page(Path(tempfile.mkdtemp(prefix="handsel-first-")) / "s"),
        "entries": partial(measure_entries, 8 / small),
        "reconciliation": partial(measure_reconciliation, 100_000 // small),
        "lives": lambda: _in_a_yard(lambda place: measure_lives(place, 300 // small)),
        "accepts": lambda: _in_a_yard(lambda place: measure_accepts(place, 50, 20 // small)),
        "calm-accepts": lambda: _in_a_yard(lambda place: measure_accepts(place, 10, 20 // small)),
        "memory": lambda: _in_a_yard(lambda place: measure_memory(place, 1000 // small)),
        "launch": lambda: _in_a_yard(lambda place: measure_launch(place, 10_000 // small)),
        "audit": partial(measure_audit, 1_000_000 // small, 5 / small),
        "evidence": lambda: _in_a_yard(lambda place: measure_evidence(place, 100 // small)),
        "reads": lambda: _in_a_yard(lambda place: measure_reads(place, 100_000 // small)),
    }


def main() -> None:
    """Run what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(benchmarks(quick=True)))
    parser.add_argument("--quick", action="store_true", help="a tenth of the load: to try, not to quote")
    asked = parser.parse_args()
    known = benchmarks(quick=asked.quick)
    for name in asked.names:
        if name not in known:
            parser.error(f"no benchmark {name!r}; there are {', '.join(known)}")
    console = Console()
    results: Results = []
    for name in asked.names or known:
        began = time.perf_counter()
        found = known[name]()
        console.print(f"{name}: {time.perf_counter() - began:.0f} s")
        results += [{"benchmark": name, **row} for row in found]
    console.print(_table(results))
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "quick": asked.quick}
    document = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **machine, "results": results}
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    console.print(f"written to benchmarks/results/{RESULTS.name}")


def _table(results: Results) -> Table:
    table = Table("what", "figure", "floor", "goal", "besides")
    shown = {"benchmark", "what", "value", "unit", "floor", "goal"}
    for row in results:
        floor = f"{row['floor']:.1f} {row['unit']}" if "floor" in row else ""
        besides = ", ".join(
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in row.items()
            if name not in shown
        )
        table.add_row(row["what"], f"{row['value']:.1f} {row['unit']}", floor, row.get("goal", ""), besides)
    return table


if __name__ == "__main__":
    main()
