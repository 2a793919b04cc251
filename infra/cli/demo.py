"""`handsel demo`: a whole campaign on the local stack, with a world that lives, and a report at the end.

It starts the stack and ends it again, unless it is told to keep it. Whatever ends the demo ends every process
that it started.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from infra.cli.api import KEY_FILE, keep_key
from infra.cli.up import Screen as StackScreen
from infra.cli.up import StateDir
from infra.demo.opening import BRAND
from infra.demo.play import LONGEST, Played, play
from infra.demo.screen import Screen, story
from infra.local.folder import AlreadyRunning
from infra.local.stack import Stack, StackFailed
from infra.settings import Settings, settings_from

PLACES = {
    "Pages and API": ("api", "main", "/docs"),
    "Mailbox": ("mail", "web", ""),
    "Temporal": ("temporal", "ui", ""),
    "Social network": ("social", "main", ""),
    "Carrier": ("carrier", "main", ""),
}
"""Title to part, port and path."""


def demo(
    state_dir: StateDir = Path(".handsel"),
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    creators: Annotated[int, typer.Option(help="How many creators of the file; 0: all.", min=0)] = 0,
    longest: Annotated[float, typer.Option(help="Seconds after the launch at which it ends.")] = LONGEST,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Also write the report as JSON.")
    ] = None,
) -> None:
    """Run one campaign from the invitation to the payment, in about two minutes."""
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    stack = Stack(state_dir, announce=StackScreen(console).show)
    began = time.monotonic()
    try:
        stack.start()
    except (AlreadyRunning, StackFailed) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        console.print("`handsel doctor` says more.")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    try:
        console.print(f"The stack is up after {time.monotonic() - began:.1f} s. The demo begins.")
        played = _play(console, stack, creators, longest)
        _tell(console, stack, played, report_file)
        if keep:
            console.print("\nEverything goes on running. Ctrl-C ends it.")
            signal.pause()
    except KeyboardInterrupt:
        console.print("\nInterrupted.")
        raise typer.Exit(0 if keep else 130) from None
    finally:
        console.print("Ending the stack.")
        stack.stop()
    console.print(f"Ended after {time.monotonic() - began:.0f} s. Everything stays in {stack.folder.path}.")
    if not played.report.good:
        raise typer.Exit(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(console: Console, stack: Stack, creators: int, longest: float) -> Played:
    settings = settings_from(stack.env())
    addresses = {
        "mailbox": stack.url("mail", "web"),
        "social": stack.url("social"),
        "carrier": stack.url("carrier"),
        "stripe": stack.url("stripe"),
    }
    with Screen(console) as screen:
        played = asyncio.run(play(settings, addresses, screen.show, creators=creators, longest=longest))
    _keep_key(settings, played)
    return played


def _keep_key(settings: Settings, played: Played) -> None:
    """Let the shell's commands work for the demo's brand, unless they work for another one already."""
    try:
        known = json.loads((settings.state_dir / KEY_FILE).read_text())["brand"]
    except (OSError, ValueError, KeyError):
        known = BRAND.name
    if known == BRAND.name:
        keep_key(settings, played.opened.brand_id, BRAND.name, played.opened.owner_key)


def _tell(console: Console, stack: Stack, played: Played, report_file: Path | None) -> None:
    report = played.report
    if report_file is not None:
        report_file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for part in story(report):
        console.print()
        console.print(part)
    console.print()
    if report.not_ended:
        console.print(f"{len(report.not_ended)} collaborations did not end in time.", style="bold red")
    else:
        console.print(f"Every collaboration has ended, {report.seconds:.0f} s after the first call.")
    console.print("\nWhere to look further", style="bold")
    for title, (part, port, path) in PLACES.items():
        console.print(f"  {title:<16}{stack.url(part, port)}{path}", highlight=False, soft_wrap=True)
    name = played.opened.productions[0].file.name
    for command in (
        f'handsel campaign status "{name}"',
        "handsel collaboration list",
        "handsel ledger check",
    ):
        console.print(f"  {'Shell':<16}{command}", highlight=False)
    console.print(f"  {'Logs':<16}{stack.folder.path / 'logs'}", highlight=False, soft_wrap=True)
