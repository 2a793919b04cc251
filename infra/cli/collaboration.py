"""`handsel collaboration`: one creator in one campaign."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli.api import Api, AsJson, console, fail, find_campaign, show_json, table

app = typer.Typer(help="Collaborations.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Id of the collaboration.")]


@app.command("list")
def list_collaborations(
    campaign: Annotated[str, typer.Option(help="Only those of this campaign (name or id).")] = "",
    stage: Annotated[str | None, typer.Option(help="Only those at this stage; needs --campaign.")] = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Only those that a person must see.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Collaborations, exceptions first when asked for."""
    api = Api()
    if stage is not None and not campaign:
        fail("--stage needs --campaign.", 2)
    if campaign:
        path = f"/campaigns/{find_campaign(api, campaign)}/collaborations"
        rows = [row for row in api.pages(path, stage=stage) if row["attention"] or not attention]
    else:
        rows = list(api.pages("/collaborations", attention=attention))
    if as_json:
        show_json(rows)
        return
    shown = table("Id", "Stage", "Since", "Ball", "Attention", "Due")
    for row in rows:
        due = (row["due_at"] or "")[:16]
        shown.add_row(row["id"], row["stage"], row["since"][:16], row["ball"], row["attention"] or "", due)
    console.print(shown)


@app.command()
def show(collaboration_id: Id, as_json: AsJson = False) -> None:
    """One collaboration with its history, payment gates and ledger lines."""
    api = Api()
    path = f"/collaborations/{collaboration_id}"
    found = {
        "collaboration": api.get(path),
        "events": api.get(f"{path}/events")["items"],
        "ledger": api.get(f"{path}/ledger")["items"],
        "payouts": api.get(f"{path}/payouts")["items"],
        "notices": api.get(f"{path}/notices")["items"],
    }
    if as_json:
        show_json(found)
        return
    _head(found["collaboration"])
    _history(found["events"])
    _money(found["ledger"], found["payouts"])
    _mails(found["notices"])


def _head(one: dict[str, Any]) -> None:
    console.print(f"[bold]{one['id']}[/]  {one['stage']}: {one['meaning']}", highlight=False, soft_wrap=True)
    fee = one["fee"]
    facts = {
        "creator": one["creator_id"],
        "the ball has": one["ball"],
        "due": one["due_at"],
        "fee": f"{fee['amount']} {fee['currency']} (minor units)" if fee else None,
        "attention": one["attention"],
        "terms": f"version {one['offer']['version']}, SHA-256 {one['offer']['sha256']}",
    }
    for name, value in facts.items():
        if value:
            console.print(f"  {name:<14}{value}", highlight=False, markup=False, soft_wrap=True)


def _history(events: list[dict[str, Any]]) -> None:
    shown = table("#", "When", "What", "By", "Stage after")
    for event in events:
        actor = event["actor_kind"]
        shown.add_row(str(event["sequence"]), event["at"][:19], event["name"], actor, event["stage"])
    console.print("\n[bold]History[/]")
    console.print(shown)


def _money(entries: list[dict[str, Any]], payouts: list[dict[str, Any]]) -> None:
    if not entries:
        return
    shown = table("Entry", "From", "To", "Amount")
    for entry in entries:
        for line in entry["movements"]:
            amount = f"{line['amount']} {line['currency']}"
            shown.add_row(entry["kind"], line["source"], line["destination"], amount)
    console.print("\n[bold]Ledger[/] (minor units)")
    console.print(shown)
    for payout in payouts:
        tries = ", ".join(f"attempt {one['number']} {one['state']}" for one in payout["attempts"])
        console.print(f"Payout {payout['id']}: {payout['state']} {tries}", highlight=False)


def _mails(notices: list[dict[str, Any]]) -> None:
    shown = table("E-mail", "State", "Sent")
    for notice in notices:
        shown.add_row(notice["kind"], notice["state"], (notice["sent_at"] or "")[:19])
    console.print("\n[bold]E-mails[/]")
    console.print(shown)
