"""`handsel period`: months of the books."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli.api import Api, AsJson, console, show_json, table

app = typer.Typer(help="Months of the books.", no_args_is_help=True)

_Month = Annotated[str, typer.Argument(help="As 2026-11, in the brand's zone.")]


@app.command("list")
def list_periods(as_json: AsJson = False) -> None:
    """Every month from the first entry to the present one."""
    months = list(Api().pages("/periods"))
    if as_json:
        show_json(months)
        return
    shown = table("Month", "State", "Ends (UTC)", "Since", "By", "Why")
    for one in months:
        since = one["changed_at"] or ""
        shown.add_row(one["month"], one["state"], one["ends_at"], since, one["changed_by"], one["reason"])
    console.print(shown)


@app.command()
def show(month: _Month, as_json: AsJson = False) -> None:
    """One month, and what is in the way of closing it."""
    _show(Api().get(f"/periods/{month}"), as_json=as_json)


@app.command()
def close(month: _Month, as_json: AsJson = False) -> None:
    """Close a month: no entry is dated in it any more."""
    _show(Api().post(f"/periods/{month}/close"), as_json=as_json)


@app.command()
def reopen(
    month: _Month,
    reason: Annotated[str, typer.Option(help="Why; stays in the record.")],
    as_json: AsJson = False,
) -> None:
    """Open the newest closed month again (owners)."""
    _show(Api().post(f"/periods/{month}/reopen", {"reason": reason}), as_json=as_json)


def _show(period: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(period)
        return
    console.print(f"[bold]{period['month']}[/] is {period['state']}", highlight=False)
    for one in period["in_the_way"]:
        console.print(f"in the way: {one['detail']} ({one['code']})", highlight=False, markup=False)
    if not period["in_the_way"] and period["state"] != "closed":
        console.print("nothing is in the way of closing it", highlight=False)
