"""`handsel payout`: payments, their gates, and what people decide about them.

Looking needs the shell's key. Deciding needs a person: `--as` names the member, for whom a session is opened
from this shell (it needs the database) and ended again; the sign-in log says that it came from the shell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from domain.errors import NotFound
from domain.money import Money, as_decimal
from infra.cli.api import Api, AsJson, console, fail, show_json, table
from infra.cli.serve import checked_settings
from infra.database import make_engine, make_sessions
from infra.persons import act_as
from infra.sessions import end_session

app = typer.Typer(help="Payments: look, approve, hold, release.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Id of the payout.")]
As = Annotated[str, typer.Option("--as", help="The member who decides: id or e-mail address.")]
Reason = Annotated[str, typer.Option(help="A short code, for example amount_unclear.")]
Remark = Annotated[str, typer.Option(help="In your own words.")]


@contextmanager
def _person(who: str) -> Iterator[Api]:
    """The API as this member, for as long as the command runs."""
    settings = checked_settings()
    brand_id = str(Api(settings).get("/brand")["id"])
    engine = make_engine(settings)
    sessions = make_sessions(engine)
    try:
        try:
            with sessions.begin() as session:
                opened = act_as(session, settings, brand_id, who, datetime.now(UTC))
        except NotFound as error:
            fail(error.message)
        try:
            yield Api(settings, session=opened.secret)
        finally:
            with sessions.begin() as session:
                end_session(session, opened.session_id, datetime.now(UTC))
    finally:
        engine.dispose()


@app.command("list")
def list_payouts(
    state: Annotated[str | None, typer.Option(help="ready, sending, unknown, sent, ...")] = None,
    waiting_on: Annotated[str | None, typer.Option(help="finance or creator.")] = None,
    attention: Annotated[str | None, typer.Option(help="Flagged with this reason.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Only those that are held.")] = False,
    older_than: Annotated[str | None, typer.Option(help="Earned longer ago than this, such as 2d.")] = None,
    as_json: AsJson = False,
) -> None:
    """Payments, by state, by whom they wait for, by age."""
    rows = list(
        Api().pages(
            "/payouts",
            state=state,
            waiting_on=waiting_on,
            attention=attention,
            held=True if held else None,
            older_than=older_than,
        )
    )
    if as_json:
        show_json(rows)
        return
    shown = table("Id", "Amount", "State", "Waits for", "Why", "Pay by")
    shown.columns[0].no_wrap = True  # an id that is cut cannot be copied
    for row in rows:
        why = row["held"] or row["attention"] or ""
        shown.add_row(row["id"], _money(row), row["state"], row["waiting_on"] or "", why, row["pay_by"][:10])
    console.print(shown)


@app.command()
def show(payout_id: Id, as_json: AsJson = False) -> None:
    """One payment with its gates, decisions, holds and attempts."""
    found = Api().get(f"/payouts/{payout_id}")
    if as_json:
        show_json(found)
        return
    console.print(f"[bold]{found['id']}[/]  {_money(found)}  {found['state']}", highlight=False)
    gates = table("Gate", "Result", "Waits for", "Why")
    for gate in (found["gates"] or {"gates": []})["gates"]:
        gates.add_row(gate["name"], gate["result"], gate["waiting_on"], gate["detail"])
    console.print(gates)
    for one in found["decisions"]:
        console.print(f"{one['at'][:16]} {one['member']} {one['decision']} {one['reason']}", highlight=False)
    for one in found["holds"]:
        until = (one["released_at"] or "open")[:16]
        console.print(f"{one['held_at'][:16]} held ({one['reason']}) until {until}", highlight=False)
    for one in found["attempts"]:
        console.print(f"{one['opened_at'][:16]} attempt {one['number']} {one['state']}", highlight=False)


@app.command()
def approve(
    who: As,
    payout_ids: Annotated[list[str] | None, typer.Argument(help="Ids; none with --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait for an approval.")] = False,
    exception: Annotated[list[str] | None, typer.Option(help="Not this one, with --all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Approve, as a member. Ends with 1 when a line was refused."""
    body = {"payouts": payout_ids or [], "all_waiting": everything, "exceptions": exception or []}
    with _person(who) as api:
        report = api.post("/payouts/approvals", body)
    if as_json:
        show_json(report)
    else:
        for line in report["results"]:
            said = f"{line['message']} ({line['code']})" if line["code"] else ""
            console.print(f"{line['payout_id']} {line['result']} {said}", highlight=False, markup=False)
    raise typer.Exit(1 if report["refused"] else 0)


@app.command()
def refuse(payout_id: Id, who: As, reason: Reason, remark: Remark = "") -> None:
    """Refuse to approve: the payment is held."""
    _decide(who, payout_id, "refuse", {"reason": reason, "remark": remark})


@app.command()
def hold(
    payout_id: Id,
    who: As,
    reason: Reason,
    remark: Remark = "",
    owner: Annotated[str | None, typer.Option(help="Id of the member who looks after it.")] = None,
) -> None:
    """Stop the payment."""
    _decide(who, payout_id, "hold", {"reason": reason, "remark": remark, "owner": owner})


@app.command()
def release(payout_id: Id, who: As, reason: Reason, remark: Remark = "") -> None:
    """End the hold."""
    _decide(who, payout_id, "release", {"reason": reason, "remark": remark})


@app.command()
def override(
    payout_id: Id,
    who: As,
    gate: Annotated[str, typer.Option(help="Name of the gate.")],
    reason: Reason,
    remark: Annotated[str, typer.Option(help="In your own words; needed.")],
) -> None:
    """Answer for one gate that does not pass."""
    _decide(who, payout_id, "override", {"gate": gate, "reason": reason, "remark": remark})


@app.command()
def totals(
    year: Annotated[int, typer.Option(help="Calendar year in the brand's zone.")],
    warned: Annotated[bool, typer.Option("--warned", help="Only near or over a threshold.")] = False,
    as_json: AsJson = False,
) -> None:
    """What each creator got in a year, cash and gifts, with legal thresholds. Not advice."""
    found = Api().get("/yearly-totals", year=year, warned=warned)
    if as_json:
        show_json(found)
        return
    shown = table("Creator", "Country", "Cash", "Gifts", "Thresholds")
    for one in found["items"]:
        cash, gifts = (
            ", ".join(_money({"amount": amount, "currency": currency}) for currency, amount in sums.items())
            for sums in (one["cash"], one["gifts"])
        )
        thresholds = ", ".join(f"{each['rule']} {each['level']}" for each in one["warnings"])
        shown.add_row(one["creator_id"], one["country"], cash, gifts, thresholds)
    console.print(shown)


def _decide(who: str, payout_id: str, what: str, body: dict[str, Any]) -> None:
    with _person(who) as api:
        outcome = api.post(f"/payouts/{payout_id}/{what}", body)
    console.print(f"{outcome['outcome']}; the collaboration is {outcome['stage']}.", highlight=False)


def _money(row: dict[str, Any]) -> str:
    amount = Money(amount=row["amount"], currency=row["currency"])
    return f"{as_decimal(amount):,f} {amount.currency}"
