"""`handsel reconcile`: Stripe's rows beside ours."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from domain.money import Money, as_decimal
from infra.cli.api import Api, AsJson, console, fail, show_json, table

app = typer.Typer(help="Stripe's rows beside ours.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(help="Id of the difference: diff_...")]
_PATIENCE: Final = 300.0


@app.command()
def status(as_json: AsJson = False) -> None:
    """Up to when everything is compared, and what is open."""
    _status(Api().get("/reconciliation"), as_json=as_json)


@app.command()
def run(as_json: AsJson = False) -> None:
    """Compare now, and wait until it is done."""
    api = Api()
    asked = datetime.fromisoformat(api.post("/reconciliation/runs")["asked_at"])
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found = api.get("/reconciliation")
        if found["complete_at"] and datetime.fromisoformat(found["complete_at"]) > asked:
            _status(found, as_json=as_json)
            return
        time.sleep(0.5)
    fail("It is still being worked; see `handsel reconcile status`. Do workers run?", 3)


@app.command("list")
def list_differences(
    state: Annotated[str, typer.Option(help="open, settled or cleared.")] = "open",
    as_json: AsJson = False,
) -> None:
    """Differences with their owner and age."""
    found = list(Api().pages("/reconciliation/differences", state=state))
    if as_json:
        show_json(found)
        return
    shown = table("Id", "List", "What", "Ours", "Stripe's", "Age", "Owner", "Note or reason")
    for one in found:
        amounts = (_money(one[name], one["currency"]) for name in ("our_amount", "their_amount"))
        why = one["reason"] or one["note"]
        age = f"{one['age_days']} d"
        shown.add_row(one["id"], one["list"], one["subject"], *amounts, age, one["owner"], why)
    console.print(shown)
    console.print(f"{len(found)} {state}.", highlight=False)


@app.command()
def take(
    difference: _Id,
    owner: Annotated[str | None, typer.Option(help="Member or key who looks after it.")] = None,
    note: Annotated[str | None, typer.Option(help="A note; no personal data.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say who looks after a difference, or note something."""
    changes = {name: value for name, value in (("owner", owner), ("note", note)) if value is not None}
    if not changes:
        fail("Give --owner or --note.", 2)
    _one(Api().patch(f"/reconciliation/differences/{difference}", changes), as_json=as_json)


@app.command()
def settle(
    difference: _Id,
    reason: Annotated[str, typer.Option(help="Why; stays in the record.")],
    as_json: AsJson = False,
) -> None:
    """Settle a difference with a reason. It moves no money."""
    answer = Api().post(f"/reconciliation/differences/{difference}/settle", {"reason": reason})
    _one(answer, as_json=as_json)


def _one(item: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(item)
        return
    console.print(f"{item['id']} ({item['subject']}) is {item['state']}", highlight=False)


def _status(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    console.print(f"compared up to {found['complete_at'] or '(never)'}", highlight=False)
    console.print(f"{found['rows']} rows of Stripe, {found['unmatched']} not in order", highlight=False)
    for name, count in found["open"].items():
        console.print(f"{name:<24}{count}", highlight=False)


def _money(amount: int | None, currency: str) -> str:
    if amount is None:
        return "-"
    sign = "-" if amount < 0 else ""
    return f"{sign}{as_decimal(Money(amount=abs(amount), currency=currency)):,f} {currency}"
