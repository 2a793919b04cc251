"""`handsel disclosure replay`: stored checks made again, under the rules of now or under a pack to be.

Reads only. What would pass now and did not is shown first, and can fail the command.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from domain.disclosure import Outcome, Pack
from domain.disclosure.pack_files import PackFile
from domain.disclosure.packs import compile_pack
from infra.database import make_engine, make_sessions
from infra.replay import Difference, Replayed, replay
from infra.settings import get_settings

_MOST_SHOWN = 60
_ORDER = tuple(one.value for one in Outcome)


def replay_checks(
    pack: Annotated[
        list[Path] | None, typer.Option(help="A pack (TOML) in the place of its country's; repeatable")
    ] = None,
    since: Annotated[str, typer.Option(help="Only checks from this day on, as 2026-11-01")] = "",
    brand: Annotated[str, typer.Option(help="Only checks of this brand (its id)")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a difference")] = False,
    fail_on: Annotated[
        str, typer.Option(help="Exit 1 on: nothing, wrong-pass (something would pass now), any")
    ] = "nothing",
) -> None:
    """Show which stored checks would come out otherwise."""
    if fail_on not in ("nothing", "wrong-pass", "any"):
        _refuse("fail-on: must be nothing, wrong-pass or any")
    packs = {one.code: one for one in map(_pack, pack or [])}
    first = _day(since)
    sessions = make_sessions(make_engine(get_settings()))
    found = replay(sessions, packs=packs, since=first, brand_id=brand)
    if as_json:
        for one in _first_the_dangerous(found):
            typer.echo(json.dumps(asdict(one) | {"towards_pass": one.towards_pass}, default=str))
    else:
        _show(found, Console())
    if (fail_on == "wrong-pass" and found.towards_pass) or (fail_on == "any" and found.differences):
        raise typer.Exit(1)


def _first_the_dangerous(found: Replayed) -> list[Difference]:
    return sorted(found.differences, key=lambda one: (not one.towards_pass, one.checked_at, one.check_id))


def _show(found: Replayed, console: Console) -> None:
    console.print(
        f"{found.judged} findings judged again, {found.same} as before, {len(found.differences)} otherwise; "
        f"{found.left_out} without a verdict left out."
    )
    table = Table("before \\ now", *_ORDER)
    for before in _ORDER:
        table.add_row(before, *(str(found.matrix[before, now]) for now in _ORDER))
    console.print(table)
    if found.towards_pass:
        console.print(f"[bold red]{len(found.towards_pass)} would pass now and did not: look at each.[/]")
    for one in _first_the_dangerous(found)[:_MOST_SHOWN]:
        mark = "!" if one.towards_pass else " "
        caption = " ".join(one.caption.split())[:60]
        console.print(
            f"{mark} {one.check_id} {one.kind} {one.before}({one.before_reason}) -> "
            f"{one.after}({one.after_reason}) by {one.rule}: {caption}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if len(found.differences) > _MOST_SHOWN:
        console.print(f"... and {len(found.differences) - _MOST_SHOWN} more; --json prints all")


def _pack(path: Path) -> Pack:
    try:
        return compile_pack(PackFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        _refuse(f"{path}: cannot be read ({error})")
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    except ValueError as error:
        _refuse(f"{path}: {error}")


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        _refuse("since: write it as 2026-11-01")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _refuse(sentence: str) -> NoReturn:
    typer.echo(f"Refused: {sentence}", err=True)
    raise typer.Exit(2)
