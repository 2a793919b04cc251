"""`handsel demo`: a whole campaign on the local stack, with a world that lives, and a report at the end.

It starts the stack and ends it again, unless it is told to keep it. Whatever ends the demo ends every process
that it started. What the demo itself needs is imported when the stack is up: the first line is shown at once.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from infra.cli.up import Screen as StackScreen
from infra.cli.up import StateDir
from infra.demo import LONGEST
from infra.local.folder import AlreadyRunning
from infra.local.stack import Stack, StackFailed

if TYPE_CHECKING:
    from infra.demo.play import Played
    from infra.settings import Settings

PLACES = {
    "Console": ("api", "main", "/console"),
    "Pages and API": ("api", "main", "/docs/errors"),
    "Mailbox": ("mail", "web", ""),
    "Temporal": ("temporal", "ui", ""),
    "Social network": ("social", "main", ""),
    "Carrier": ("carrier", "main", ""),
}
"""Title to part, port and path."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the demo, and the stack with it."""


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
    for number in ENDING:
        signal.signal(number, _interrupt)
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
        _tell(console, played, report_file)
        _show_places(console, stack, played, keep)
        if keep:
            _wait(console)
    except KeyboardInterrupt:
        console.print("\nInterrupted.")
        raise typer.Exit(130) from None
    finally:
        for number in ENDING:  # whoever is impatient must not leave processes behind
            signal.signal(number, signal.SIG_IGN)
        console.print("Ending the stack.")
        stack.stop()
    console.print(f"Ended after {time.monotonic() - began:.0f} s. Everything stays in {stack.folder.path}.")
    if not played.report.good:
        raise typer.Exit(1)


def _wait(console: Console) -> None:
    """Stay until Ctrl-C."""
    console.print("\nEverything goes on running. Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        signal.pause()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(console: Console, stack: Stack, creators: int, longest: float) -> Played:
    from infra.demo.play import play
    from infra.demo.screen import Screen
    from infra.settings import settings_from

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
    from infra.cli.api import KEY_FILE, keep_key
    from infra.demo.opening import BRAND

    try:
        known = json.loads((settings.state_dir / KEY_FILE).read_text())["brand"]
    except (OSError, ValueError, KeyError):
        known = BRAND.name
    if known == BRAND.name:
        keep_key(settings, played.opened.brand_id, BRAND.name, played.opened.owner_key)


def _tell(console: Console, played: Played, report_file: Path | None) -> None:
    from infra.demo.screen import story

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


def _show_places(console: Console, stack: Stack, played: Played, keep: bool) -> None:
    folder = stack.folder.path
    elsewhere = "" if folder == Path(".handsel").absolute() else f"HANDSEL_STATE_DIR={folder} "
    name = played.opened.productions[0].file.name
    example = played.report.example
    words = [f'campaign status "{name}"', "collaboration list", "ledger check"]
    words += [f"collaboration show {example}"] if example else []
    console.print("\nWhere to look further", style="bold")
    if not keep:
        console.print(
            f"  `{elsewhere}handsel up` starts the stack again; `handsel demo --keep` leaves it running."
        )
    lines = {title: stack.url(part, port) + path for title, (part, port, path) in PLACES.items()}
    for title, text in (lines | {"Logs": str(folder / "logs")}).items():
        console.print(f"  {title:<16}{text}", highlight=False, soft_wrap=True)
    for command in words:
        console.print(f"  {'Shell':<16}{elsewhere}handsel {command}", highlight=False, soft_wrap=True)
    _show_staff(console)


def _show_staff(console: Console) -> None:
    """Who can sign in to the console."""
    from domain.roles import Role
    from infra.demo.opening import BRAND, FINANCE, STAFF

    console.print("\nWho can sign in to the console (codes arrive in the mailbox)", style="bold")
    owner = (BRAND.owner_name, BRAND.owner_email, Role.OWNER)
    for name, email, role in (owner, (FINANCE["name"], FINANCE["email"], Role.FINANCE), *STAFF):
        console.print(f"  {role.value:<16}{email}  ({name})", highlight=False, soft_wrap=True)
