"""`handsel creators`: who can be invited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli.api import Api, AsJson, console, fail, show_json, table

app = typer.Typer(help="Creators.", no_args_is_help=True)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV file; its first line names the columns.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import creators from a CSV file, with a report per row."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)
    report = Api().post("/creators/import", content=content, dry_run=dry_run)
    if as_json:
        show_json(report)
        return
    _tell(report)


def _tell(report: dict[str, Any]) -> None:
    verb = "would be imported" if report["dry_run"] else "imported"
    console.print(
        f"{report['imported']} of {report['rows']} rows {verb}, {report['refused']} refused "
        f"({report['encoding']}, delimiter {report['delimiter']!r}).",
        highlight=False,
        markup=False,
    )
    if report["unknown_columns"]:
        console.print(f"Columns not read: {', '.join(report['unknown_columns'])}", markup=False)
    if report["problems"]:
        shown = table("Line", "Field", "What is wrong")
        for problem in report["problems"]:
            shown.add_row(str(problem["line"]), problem["field"], problem["message"])
        console.print(shown)


@app.command("list")
def list_creators(as_json: AsJson = False) -> None:
    """Every creator."""
    creators = list(Api().pages("/creators"))
    if as_json:
        show_json(creators)
        return
    shown = table("Id", "Name", "Country", "Tier", "Accounts", "Do not contact")
    for creator in creators:
        name = creator["profile"]["name"] if creator["profile"] else "(not shown)"
        accounts = ", ".join(f"{one['platform']} @{one['handle']}" for one in creator["accounts"])
        row = (creator["id"], name, creator["country"], creator["tier"], accounts, creator["do_not_contact"])
        shown.add_row(*row)
    console.print(shown)
