"""`handsel creator`: one creator; for now, their erasure."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli.api import Api, AsJson, console, fail, show_json

app = typer.Typer(help="One creator.", no_args_is_help=True)
PATIENCE = 120.0
"""Seconds that a certificate is waited for; the workers go on whether somebody waits or not."""


@app.callback()
def _creator() -> None:
    """One creator."""


@app.command()
def erase(
    creator: Annotated[str, typer.Argument(help="Which creator.")],
    rule: Annotated[
        str,
        typer.Option(help="creator_asked, no_longer_needed, authority_ordered or brand_leaves."),
    ] = "creator_asked",
    force: Annotated[
        bool, typer.Option(help="Although something is open; for authority_ordered only.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="File that the certificate is written to.", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Destroy everything that names a creator. It cannot be taken back; books and proofs stay."""
    if not yes and not typer.confirm(f"Erase {creator} for good?"):
        fail("Nothing was done.")
    api = Api()
    erasure = api.post(f"/creators/{creator}/erasure", {"rule": rule, "force": force})
    until = time.monotonic() + PATIENCE
    while erasure["certificate"] is None and time.monotonic() < until:
        time.sleep(0.5)
        erasure = api.get(f"/creators/{creator}/erasure")
    found: dict[str, Any] | None = erasure["certificate"]
    if found is None:
        fail("It was asked for and goes on by itself; ask again later, with the same command.")
    if certificate is not None:
        import json

        certificate.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    if as_json:
        show_json(found)
        return
    console.print(f"{creator} was erased, {erasure['destroyed_at']}.", highlight=False)
    for kind, count in found["destroyed"].items():
        console.print(f"  {kind.replace('_', ' '):<18}{count}", highlight=False)
    console.print(f"certificate {found['sha256']}", highlight=False, soft_wrap=True)
    console.print(f"line {found['audit']['sequence']} of the audit log", highlight=False)
