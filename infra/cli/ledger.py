"""`handsel ledger`: prove the books, the promises and the histories. Reads only; mends nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.money import Money, as_decimal
from infra.cli.api import console, show_json, table
from infra.cli.serve import checked_settings
from infra.database import make_engine, make_sessions
from infra.ledger_check import Balance, Problem, check_snapshot, verify_chain

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
    finally:
        engine.dispose()
    if as_json:
        show_json(
            {
                "problems": [problem._asdict() for problem in problems],
                "balances": [balance._asdict() for balance in balances],
            }
        )
    else:
        _show_balances(balances)
        _show_problems(problems)
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


def _show_balances(balances: list[Balance]) -> None:
    shown = table("accounts", "currency", "balance")
    shown.columns[2].justify = "right"
    sums = [
        Balance("together", currency, sum(one.amount for one in balances if one.currency == currency))
        for currency in sorted({balance.currency for balance in balances})
    ]
    for balance in [*balances, *sums]:
        shown.add_row(balance.kind, balance.currency, _written(balance))
    console.print(shown)


def _written(balance: Balance) -> str:
    sign = "-" if balance.amount < 0 else ""
    money = Money(amount=abs(balance.amount), currency=balance.currency)
    return f"{sign}{as_decimal(money):,f}"


def _show_problems(problems: list[Problem]) -> None:
    for problem in problems:
        console.print(f"[red]{problem.rule}[/red] {problem.subject}: {problem.message}", soft_wrap=True)
    console.print("All adds up." if not problems else f"{len(problems)} problems.")
