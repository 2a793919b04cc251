"""`handsel campaign`: from a file to a running campaign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from domain.campaign import NewCampaign
from domain.errors import Invalid
from infra.cli.api import Api, AsJson, console, fail, find_campaign, show_json, table
from infra.csv_text import read_csv
from infra.yaml_file import FileRefused, read_yaml

app = typer.Typer(help="Campaigns.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name or id of the campaign.")]
_AT_ONCE: Final = 10_000


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="YAML file; see examples/campaign.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Create a draft campaign from a file."""
    try:
        new = read_yaml(file, NewCampaign)
    except FileRefused as refused:
        fail(f"{file}:\n{refused}")
    campaign = Api().post("/campaigns", new.model_dump(mode="json"))
    if as_json:
        show_json(campaign)
        return
    console.print(f"{campaign['name']} is {campaign['id']}, a draft.", highlight=False, markup=False)
    console.print("Next: `handsel campaign invite`, then `handsel campaign launch`.")


@app.command("list")
def list_campaigns(as_json: AsJson = False) -> None:
    """Every campaign."""
    campaigns = list(Api().pages("/campaigns"))
    if as_json:
        show_json(campaigns)
        return
    shown = table("Id", "Name", "Type", "Status", "Budget")
    for one in campaigns:
        budget = f"{one['budget']} {one['currency']} (minor units)" if one["budget"] else ""
        shown.add_row(one["id"], one["name"], one["type"], one["status"], budget)
    console.print(shown)


@app.command()
def status(name: Name, as_json: AsJson = False) -> None:
    """Where a campaign and its collaborations stand."""
    api = Api()
    campaign = api.get(f"/campaigns/{find_campaign(api, name)}")
    if as_json:
        show_json(campaign)
        return
    console.print(
        f"[bold]{campaign['name']}[/]: {campaign['status']}, {campaign['collaborations']} collaborations",
        highlight=False,
    )
    shown = table("Stage", "Collaborations")
    for stage, count in sorted(campaign["counts"].items(), key=lambda item: -item[1]):
        shown.add_row(stage, str(count))
    console.print(shown)


@app.command()
def invite(
    name: Name,
    everybody: Annotated[bool, typer.Option("--all", help="Every creator of the brand.")] = False,
    csv: Annotated[
        Path | None, typer.Option(help="CSV with a column creator_id or email: who to invite.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Invite creators: they wait for the launch, or are mailed at once when the campaign is live."""
    if everybody == (csv is not None):
        fail("Give either --all or --csv.", 2)
    api = Api()
    campaign_id = find_campaign(api, name)
    creators = list(api.pages("/creators"))
    chosen = [one["id"] for one in creators] if csv is None else _chosen(csv, creators)
    reports = [
        api.post(f"/campaigns/{campaign_id}/invitations", {"creator_ids": ids}) for ids in _groups(chosen)
    ]
    if as_json:
        show_json(reports)
        return
    console.print(f"{sum(one['invited'] for one in reports)} invited.")
    skipped = [row for one in reports for row in one["skipped"]]
    if skipped:
        shown = table("Creator left out", "Why")
        for row in skipped:
            shown.add_row(row["creator_id"], row["reason"])
        console.print(shown)


def _chosen(file: Path, creators: list[Any]) -> list[str]:
    """The ids of the creators that a file names."""
    try:
        found = read_csv(file.read_bytes(), required=())
        rows = list(found.rows)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)
    except Invalid as error:
        fail(f"{file}: {error.message}")
    if "creator_id" in found.columns:
        return [row.cells["creator_id"] for row in rows]
    if "email" not in found.columns:
        fail(f"{file} has neither a column creator_id nor a column email.")
    by_email = {one["profile"]["email"].casefold(): one["id"] for one in creators if one["profile"]}
    unknown = [str(row.number) for row in rows if row.cells["email"].casefold() not in by_email]
    if unknown:
        fail(f"{file}: no creator of yours has the address in line {', '.join(unknown[:20])}.")
    return [by_email[row.cells["email"].casefold()] for row in rows]


def _groups(ids: Iterable[str]) -> Iterator[list[str]]:
    source = iter(ids)
    while group := list(islice(source, _AT_ONCE)):
        yield group


def _steer(name: str, command: str, as_json: bool) -> None:
    api = Api()
    standing = api.post(f"/campaigns/{find_campaign(api, name)}/commands/{command}")
    if as_json:
        show_json(standing)
        return
    console.print(f"{name}: {standing['status']} ({standing['outcome']})", highlight=False, markup=False)


@app.command()
def launch(name: Name, as_json: AsJson = False) -> None:
    """Send the invitations."""
    _steer(name, "launch", as_json)


@app.command()
def pause(name: Name, as_json: AsJson = False) -> None:
    """Take no acceptances until it is resumed."""
    _steer(name, "pause", as_json)


@app.command()
def resume(name: Name, as_json: AsJson = False) -> None:
    """Take acceptances again."""
    _steer(name, "resume", as_json)


@app.command()
def close(name: Name, as_json: AsJson = False) -> None:
    """Withdraw open offers; what was accepted goes on."""
    _steer(name, "close", as_json)


@app.command()
def cancel(name: Name, as_json: AsJson = False) -> None:
    """Withdraw all that was not shipped; held money returns."""
    _steer(name, "cancel", as_json)
