"""`handsel export`: files of the books, and the account codes of the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from infra.cli.api import Api, AsJson, console, show_json, table
from infra.cli.moments import moment

app = typer.Typer(help="Files of the books, and account codes.", no_args_is_help=True)

_Format = Annotated[str, typer.Option("--format", help="csv, jsonl or parquet.")]
_Month = Annotated[str, typer.Option(help="A month of the brand's zone, as 2026-11.")]
_From = Annotated[str, typer.Option("--from", help="A moment, or a day (its beginning).")]
_To = Annotated[str, typer.Option("--to", help="A moment, or a day (its end).")]
_Zone = Annotated[str, typer.Option(help="utc, or brand: how moments are written.")]
_Output = Annotated[Path | None, typer.Option("--output", "-o", help="File; none: named by what it is.")]

_HELP: Final = {
    "payouts": "What was earned, and what became of it.",
    "ledger": "Every line of every entry.",
    "reconciliation": "Differences between Stripe's rows and ours.",
    "audit": "The audit log of the brand.",
    "journal": "Debits and credits under your own account codes.",
}


def _download(
    name: str, form: str, month: str, since: str, until: str, zone: str, output: Path | None, **more: Any
) -> None:
    api = Api()
    file = output or Path(f"{name}{'-' + month if month else ''}.{form}")
    query = {
        "format": form,
        "month": month or None,
        "since": moment(api, since, "first"),
        "until": moment(api, until, "next"),
        "zone": zone,
        **more,
    }
    rows = api.download(f"/exports/{name}", file, **query)
    console.print(f"{rows} rows in {file}", highlight=False, soft_wrap=True)


def _command(name: str) -> None:
    @app.command(name, help=_HELP[name])
    def export(
        form: _Format = "csv",
        month: _Month = "",
        since: _From = "",
        until: _To = "",
        zone: _Zone = "utc",
        output: _Output = None,
    ) -> None:
        _download(name, form, month, since, until, zone, output)


for _name in _HELP:
    _command(_name)


@app.command()
def statement(
    account: Annotated[str, typer.Argument(help="Name of the account, as in docs/ledger.md.")],
    form: _Format = "csv",
    month: _Month = "",
    since: _From = "",
    until: _To = "",
    zone: _Zone = "utc",
    output: _Output = None,
) -> None:
    """One account: opening balance, lines, closing balance."""
    _download("statement", form, month, since, until, zone, output, account=account)


@app.command()
def codes(as_json: AsJson = False) -> None:
    """The account codes of the journal."""
    _show(Api().get("/exports/account-codes")["items"], as_json=as_json)


@app.command()
def code(
    account: Annotated[str, typer.Argument(help="Kind of account, as `handsel export codes` lists it.")],
    number: Annotated[str, typer.Argument(help="Its code; empty takes it away.")],
    name: Annotated[str, typer.Option(help="Its name in your accounting.")] = "",
    as_json: AsJson = False,
) -> None:
    """Set the code of one kind of account."""
    body = {"codes": [{"account": account, "code": number, "name": name}]}
    _show(Api().patch("/exports/account-codes", body)["items"], as_json=as_json)


def _show(items: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(items)
        return
    shown = table("Account", "Code", "Name")
    for one in items:
        shown.add_row(one["account"], one["code"] or "-", one["name"])
    console.print(shown)
