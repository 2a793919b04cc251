"""`handsel doctor`: what is wrong here, in plain words, and how to mend it."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from infra.doctor import CHECKS, Finding, Patient, examine
from infra.local.folder import StackFolder
from infra.settings import Settings, env_name


def doctor(
    state_dir: Annotated[
        Path, typer.Option("--state-dir", envvar="HANDSEL_STATE_DIR", help="Folder of the stack.")
    ] = Path(".handsel"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say what is wrong here and how to mend it. Exits with 1 when something is wrong."""
    os.environ["HANDSEL_STATE_DIR"] = str(state_dir)
    findings = _findings(state_dir)
    wrong = [finding for finding in findings if finding.weight == "wrong"]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings, bool(wrong))
    raise typer.Exit(1 if wrong else 0)


def _findings(state_dir: Path) -> list[Finding]:
    try:
        settings = Settings()
    except ValidationError as error:
        return [
            Finding(_setting(one["loc"]), f"cannot be used: {one['msg']}", "correct it")
            for one in error.errors(include_input=False)
        ]
    return examine(Patient(settings, StackFolder(state_dir), lambda: datetime.now(UTC)))


def _setting(place: tuple[int | str, ...]) -> str:
    name = str(place[0]) if place else ""
    return env_name(name) if name in Settings.model_fields else name


def _show(findings: list[Finding], is_wrong: bool) -> None:
    console = Console(highlight=False)
    for finding in findings:
        sign = "[red]✗[/]" if finding.weight == "wrong" else "[yellow]![/]"
        console.print(sign, end=" ")
        console.print(f"{finding.about} {finding.words}.", markup=False)
        console.print(f"  Mend: {finding.mend}.", markup=False, style="dim")
    if not is_wrong:
        console.print(f"[green]✓[/] Nothing is wrong ({len(CHECKS)} checks).")
