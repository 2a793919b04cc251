"""`handsel payout`: payments, their gates, and what people decide about them.

Looking needs the shell's key. Deciding needs a person: `--as` names the member (`infra/cli/persons.py`). What
comes after a payment, or beside it, is in `infra/cli/recovery.py`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli import recovery
from infra.cli.api import Api, AsJson, console, show_json, table
from infra.cli.persons import As, PayoutId, Reason, Remark, amount_text, as_person, decide

app = typer.Typer(help="Payments: look, approve, hold, release, take back.", no_args_is_help=True)
app.add_typer(recovery.clawback, name="clawback")
app.add_typer(recovery.off_platform, name="off-platform")
app.add_typer(recovery.reversal, name="reversal")


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
        shown.add_row(
            row["id"], amount_text(row), row["state"], row["waiting_on"] or "", why, row["pay_by"][:10]
        )
    console.print(shown)


@app.command()
def show(payout_id: PayoutId, as_json: AsJson = False) -> None:
    """One payment with its gates, decisions, holds and attempts."""
    found = Api().get(f"/payouts/{payout_id}")
    if as_json:
        show_json(found)
        return
    console.print(f"[bold]{found['id']}[/]  {amount_text(found)}  {found['state']}", highlight=False)
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
    payout_ids: Annotated[list[str] | None, typer.Argument(help="Ids; none with --all.")] = None,
    who: As = "",
    everything: Annotated[bool, typer.Option("--all", help="All that wait for an approval.")] = False,
    exception: Annotated[list[str] | None, typer.Option(help="Not this one, with --all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Approve, as a member. Ends with 1 when a line was refused."""
    body = {"payouts": payout_ids or [], "all_waiting": everything, "exceptions": exception or []}
    with as_person(who) as api:
        report = api.post("/payouts/approvals", body)
    if as_json:
        show_json(report)
    else:
        for line in report["results"]:
            said = f"{line['message']} ({line['code']})" if line["code"] else ""
            console.print(f"{line['payout_id']} {line['result']} {said}", highlight=False, markup=False)
    raise typer.Exit(1 if report["refused"] else 0)


@app.command()
def refuse(payout_id: PayoutId, reason: Reason, who: As = "", remark: Remark = "") -> None:
    """Refuse to approve: the payment is held."""
    decide(who, f"/payouts/{payout_id}/refuse", {"reason": reason, "remark": remark})


@app.command()
def hold(
    payout_id: PayoutId,
    reason: Reason,
    who: As = "",
    remark: Remark = "",
    owner: Annotated[str | None, typer.Option(help="Id of the member who looks after it.")] = None,
) -> None:
    """Stop the payment."""
    decide(who, f"/payouts/{payout_id}/hold", {"reason": reason, "remark": remark, "owner": owner})


@app.command()
def release(payout_id: PayoutId, reason: Reason, who: As = "", remark: Remark = "") -> None:
    """End the hold."""
    decide(who, f"/payouts/{payout_id}/release", {"reason": reason, "remark": remark})


@app.command()
def override(
    payout_id: PayoutId,
    gate: Annotated[str, typer.Option(help="Name of the gate.")],
    reason: Reason,
    remark: Annotated[str, typer.Option(help="In your own words; needed.")],
    who: As = "",
) -> None:
    """Answer for one gate that does not pass."""
    decide(who, f"/payouts/{payout_id}/override", {"gate": gate, "reason": reason, "remark": remark})


@app.command()
def runs(
    run_id: Annotated[str | None, typer.Argument(help="Id of one run; none for the list.")] = None,
    state: Annotated[str | None, typer.Option(help="open, parked or finished.")] = None,
    as_json: AsJson = False,
) -> None:
    """Payout runs: what is due and paid, and what the balance lacks in total; one with its payments."""
    found: list[dict[str, Any]] = (
        [Api().get(f"/payout-runs/{run_id}")] if run_id else list(Api().pages("/payout-runs", state=state))
    )
    if as_json:
        show_json(found[0] if run_id else found)
        return
    shown = table("Id", "Opened", "State", "Due", "Paid", "Waiting", "Lacking")
    shown.columns[0].no_wrap = True
    for one in found:
        due, paid, lacking = (
            amount_text({"amount": one[key], "currency": one["currency"]})
            for key in ("due_total", "paid_total", "shortage")
        )
        waiting = str(one["due_count"] - one["paid_count"])
        shown.add_row(one["id"], one["opened_at"][:16], one["state"], due, paid, waiting, lacking)
    console.print(shown)
    if run_id:
        _print_payments(found[0])


def _print_payments(run: dict[str, Any]) -> None:
    payments = table("Place", "Payment", "Amount", "State", "Pay by")
    payments.columns[1].no_wrap = True
    for one in run["payments"]:
        place = "" if one["place"] is None else str(one["place"])
        amount = amount_text({"amount": one["amount"], "currency": run["currency"]})
        payments.add_row(place, one["payout_id"], amount, one["state"], one["pay_by"][:10])
    console.print(payments)


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
            ", ".join(
                amount_text({"amount": amount, "currency": currency}) for currency, amount in sums.items()
            )
            for sums in (one["cash"], one["gifts"])
        )
        thresholds = ", ".join(f"{each['rule']} {each['level']}" for each in one["warnings"])
        shown.add_row(one["creator_id"], one["country"], cash, gifts, thresholds)
    console.print(shown)
