"""`handsel audit`: prove the audit log, make a root now, print the key that roots are signed with."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli.api import AsJson, console, fail, show_json
from infra.cli.serve import checked_settings
from infra.settings import Settings

app = typer.Typer(help="Prove the audit log.", no_args_is_help=True)
IN_STORE = "store"


@app.callback()
def _audit() -> None:
    """Prove the audit log."""


@app.command()
def verify(
    brand: Annotated[str, typer.Option(help="Only this brand; empty: all.")] = "",
    against: Annotated[
        str,
        typer.Option(
            help="Roots kept outside the database: `store` for the object store, or a file or folder of"
            " root documents that were mailed or copied."
        ),
    ] = "",
    processes: Annotated[
        int,
        typer.Option(
            help="Processes that share the work; 0: one for every two cores, at most four.", min=0, max=64
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Recompute every line of every brand's chain; exits with 1 and names each place that differs."""
    from infra.audit.signing import Signer
    from infra.audit.verify import unsound
    from infra.audit.verify import verify as verify_log

    settings = checked_settings()
    outside = _roots(settings, against, brand)
    keys = Signer(settings.vault_keys).public_keys
    report = verify_log(settings.database_url, brand, outside, processes=processes or _processes())
    problems = [*report.problems, *unsound([*report.roots, *outside], keys)]
    if as_json:
        show_json(
            {"lines": report.lines, "roots": len(outside), "problems": [one._asdict() for one in problems]}
        )
    else:
        for name, count in report.lines.items():
            console.print(f"{name}: {count:,} lines", highlight=False)
        if against:
            console.print(f"held against {len(outside)} roots from outside", highlight=False)
        for one in problems:
            place = " ".join(part for part in (one.brand_id, one.subject) if part)
            console.print(f"[red]{place}[/red]: {one.message}", soft_wrap=True, highlight=False)
        console.print("All is as it was sealed." if not problems else f"{len(problems)} problems.")
    raise typer.Exit(1 if problems else 0)


@app.command()
def root(
    brand: Annotated[str, typer.Argument(help="Whose chain.")],
    as_json: AsJson = False,
) -> None:
    """Make a root of everything so far and store it outside, without waiting for the day's own."""
    from infra.audit.roots import Roots
    from infra.audit.signing import Signer
    from infra.database import make_engine, make_sessions
    from infra.objects import ObjectStore

    settings = checked_settings()
    engine = make_engine(settings)
    try:
        roots, now = Roots(make_sessions(engine), Signer(settings.vault_keys)), datetime.now(UTC)
        made = roots.make(brand, now)
        if made is None:
            fail(f"{brand} has no events.")
        roots.store(ObjectStore(settings), now)
    finally:
        engine.dispose()
    if as_json:
        show_json(made.document)
        return
    console.print(f"line {made.sequence:,}: {made.hash}", highlight=False, soft_wrap=True)
    console.print(f"stored as {made.object_key}", highlight=False, soft_wrap=True)


@app.command()
def key() -> None:
    """Print the public keys (Ed25519, hex) that roots of this installation are signed with, newest first."""
    from infra.audit.signing import Signer

    for one in Signer(checked_settings().vault_keys).public_keys:
        typer.echo(one)


def _processes() -> int:
    """The database server works as hard as a process that recomputes, so that each needs two cores."""
    return max(1, min((os.cpu_count() or 1) // 2, 4))


def _roots(settings: Settings, against: str, brand_id: str) -> list[dict[str, Any]]:
    """Root documents from outside."""
    if not against:
        return []
    if against == IN_STORE:
        return _stored(settings, brand_id)
    path = Path(against)
    if not path.exists():
        fail(f"--against: there is no {against}")
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    found = []
    for file in files:
        try:
            document = json.loads(file.read_bytes())
            int(document["sequence"]), int(document["first_sequence"]), str(document["hash"])
        except (ValueError, KeyError, TypeError):
            fail(f"--against: {file} is not a root")
        found.append(document)
    return [one for one in found if brand_id in ("", one.get("brand_id"))]


def _stored(settings: Settings, brand_id: str) -> list[dict[str, Any]]:
    from infra.audit.roots import FOLDER
    from infra.objects import ObjectStore

    objects = ObjectStore(settings)
    keys = objects.keys(f"{FOLDER}/{brand_id}/" if brand_id else f"{FOLDER}/")
    bodies = [objects.read(one) for one in keys]
    return [json.loads(body) for body in bodies if body is not None]
