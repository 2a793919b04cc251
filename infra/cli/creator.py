"""`handsel creator`: erase one creator; after a restore, erase again who was erased before."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import Defect
from infra.cli.api import Api, AsJson, console, fail, show_json
from infra.cli.serve import checked_settings

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


@app.command("erase-again")
def erase_again(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """After a restore: erase again every creator whom a certificate in the object store names.

    Works on the database and the object store; run it before the front and the workers start.
    """
    from infra.database import make_engine, make_sessions
    from infra.erasure.again import Repeats
    from infra.objects import ObjectStore

    settings = checked_settings()
    engine = make_engine(settings)
    try:
        repeats = Repeats(make_sessions(engine), ObjectStore(settings))
        waiting = repeats.waiting()
        if waiting and not yes and not typer.confirm(f"Erase {', '.join(waiting)} again?"):
            fail("Nothing was done.")
        certificates: list[dict[str, Any]] = []
        unsound: list[str] = []
        for creator_id, key in waiting.items():
            try:
                erasure = repeats.repeat(creator_id, key, datetime.now(UTC))
                certificates.append(erasure.certificate or {})
            except Defect as defect:
                unsound.append(defect.message)
    finally:
        engine.dispose()
    if as_json:
        show_json({"erased": certificates, "unsound": unsound})
    else:
        for one in certificates:
            console.print(f"{one['creator_id']} was erased again.", highlight=False)
        for words in unsound:
            console.print(f"[red]{words}[/red]", soft_wrap=True, highlight=False)
        if not waiting:
            console.print("Nobody who was erased is back.")
    raise typer.Exit(1 if unsound else 0)
