"""`handsel ledger`: read the books, prove them, the promises and the histories. Mends nothing.

`check` and `chain` look into the database; the others ask the API and see the books of the key's brand.
"""

from __future__ import annotations

from typing import Annotated

import typer

from domain.money import Money, as_decimal
from infra.cli.api import Api, AsJson, console, show_json, table
from infra.cli.moments import moment
from infra.cli.serve import checked_settings
from infra.database import make_engine, make_sessions
from infra.ledger_check import Balance, Problem, check_snapshot, verify_chain
from infra.ledger_warnings import warnings_now

app = typer.Typer(help="Prove the books and the histories.", no_args_is_help=True)


@app.callback()
def _ledger() -> None:
    """Prove the books and the histories."""


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Look at everything in one moment; exits with 1 and names each row that does not add up."""
    engine = make_engine(checked_settings())
    try:
        problems, balances = check_snapshot(engine)
        warnings = warnings_now(engine)
    finally:
        engine.dispose()
    if as_json:
        show_json(
            {
                "problems": [problem._asdict() for problem in problems],
                "warnings": [warning._asdict() for warning in warnings],
                "balances": [balance._asdict() for balance in balances],
            }
        )
    else:
        _show_balances(balances)
        _show_problems(problems)
        _show_warnings(warnings)
    raise typer.Exit(1 if problems else 0)


@app.command()
def chain(
    collaboration_id: Annotated[str, typer.Argument(help="Whose history to verify.")],
) -> None:
    """Verify the hash chain of one collaboration's history."""
    engine = make_engine(checked_settings())
    try:
        with make_sessions(engine)() as session:
            problems = verify_chain(session, collaboration_id)
    finally:
        engine.dispose()
    _show_problems(problems)
    raise typer.Exit(1 if problems else 0)


_At = Annotated[str, typer.Option("--at", help="A moment, or a day (its end in the brand's zone).")]
_Account = Annotated[str, typer.Argument(help="Name of the account, as in docs/ledger.md.")]


@app.command("trial-balance")
def trial_balance(
    at: _At = "",
    accounts: Annotated[bool, typer.Option("--accounts", help="One line an account.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every account with what it took, gave and holds, now or at any moment."""
    api = Api()
    found = api.get("/ledger/trial-balance", at=moment(api, at, "last"), by="account" if accounts else "kind")
    if as_json:
        show_json(found)
        return
    shown = table("account", "currency", "taken", "given", "balance")
    for column in shown.columns[2:]:
        column.justify = "right"
    for line in found["items"]:
        amounts = (_money(line[name], line["currency"]) for name in ("taken", "given", "balance"))
        shown.add_row(line["account"], line["currency"], *amounts)
    for total in found["sums"]:
        shown.add_row("together", total["currency"], "", "", _money(total["balance"], total["currency"]))
    console.print(shown)


@app.command()
def balance(account: _Account, at: _At = "", as_json: AsJson = False) -> None:
    """What one account holds, or held at a moment."""
    api = Api()
    found = api.get("/ledger/balance", account=account, at=moment(api, at, "last"))
    if as_json:
        show_json(found)
        return
    console.print(f"{_money(found['balance'], found['currency'])} {found['currency']}", highlight=False)


@app.command()
def statement(
    account: _Account,
    since: Annotated[str, typer.Option("--from", help="A moment, or a day (its beginning).")] = "",
    until: Annotated[str, typer.Option("--to", help="A moment, or a day (its end).")] = "",
    as_json: AsJson = False,
) -> None:
    """Opening balance, lines with the running balance, closing balance."""
    api = Api()
    query = {"account": account, "since": moment(api, since, "first"), "until": moment(api, until, "next")}
    found = api.get("/ledger/statement", **query)
    cursor = found["next_cursor"]
    while cursor is not None:
        page = api.get("/ledger/statement", cursor=cursor, limit=200, **query)
        found["items"] += page["items"]
        cursor = found["next_cursor"] = page["next_cursor"]
    if as_json:
        show_json(found)
        return
    currency = found["currency"]
    shown = table("moment (UTC)", "entry", "other side", "amount", "balance")
    for column in shown.columns[3:]:
        column.justify = "right"
    shown.add_row(found["since"] or "", "opening", "", "", _money(found["opening"], currency))
    for line in found["items"]:
        amounts = (_money(line[name], currency) for name in ("amount", "balance"))
        shown.add_row(line["at"], line["kind"], ", ".join(line["others"]), *amounts)
    shown.add_row(found["until"] or "", "closing", "", "", _money(found["closing"], currency))
    console.print(shown)


def _show_balances(balances: list[Balance]) -> None:
    shown = table("accounts", "currency", "balance")
    shown.columns[2].justify = "right"
    sums = [
        Balance("together", currency, sum(one.amount for one in balances if one.currency == currency))
        for currency in sorted({balance.currency for balance in balances})
    ]
    for balance in [*balances, *sums]:
        shown.add_row(balance.kind, balance.currency, _money(balance.amount, balance.currency))
    console.print(shown)


def _money(amount: int, currency: str) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{as_decimal(Money(amount=abs(amount), currency=currency)):,f}"


def _show_problems(problems: list[Problem]) -> None:
    for problem in problems:
        console.print(f"[red]{problem.rule}[/red] {problem.subject}: {problem.message}", soft_wrap=True)
    console.print("All adds up." if not problems else f"{len(problems)} problems.")


def _show_warnings(warnings: list[Problem]) -> None:
    for warning in warnings:
        console.print(f"[yellow]{warning.rule}[/yellow] {warning.subject}: {warning.message}", soft_wrap=True)
