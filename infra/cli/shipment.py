"""`handsel shipment`: the pick list out, tracking in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.api import Api, AsJson, console, fail, find_campaign, show_json, table

app = typer.Typer(help="Parcels.", no_args_is_help=True)


@app.command()
def export(
    campaign: Annotated[str, typer.Argument(help="Name or id of the campaign.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; none: print it.")] = None,
    state: Annotated[str, typer.Option(help="Parcels in this state.")] = "preparing",
) -> None:
    """What to pack and where to send it, as CSV. Holds names and addresses."""
    api = Api()
    text = api.text(f"/campaigns/{find_campaign(api, campaign)}/shipments.csv", state=state)
    if output is None:
        sys.stdout.write(text)
        return
    output.touch(mode=0o600)
    output.write_text(text, encoding="utf-8", newline="")
    console.print(f"{text.count(chr(10)) - 1} parcels in {output}.", highlight=False)


@app.command()
def tracking(
    file: Annotated[Path, typer.Argument(help="CSV: shipment_id, carrier, tracking_number; also costs.")],
    as_json: AsJson = False,
) -> None:
    """Say which parcels went to the carrier; creators get their tracking."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)
    report = Api().post("/shipments/tracking", content=content)
    if as_json:
        show_json(report)
        return
    console.print(f"{report['shipped']} shipped, {report['refused']} refused.", highlight=False)
    rows = [one for one in report["results"] if one["result"] not in ("shipped", "unchanged")]
    if rows:
        shown = table("Line", "Parcel", "Result", "Why")
        for one in rows:
            shown.add_row(str(one["line"]), one["shipment_id"], one["result"], one["message"])
        console.print(shown)
