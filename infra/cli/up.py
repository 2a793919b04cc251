"""`handsel up` and `handsel down`: the local stack in one terminal.

`up` shows each part as it comes up, then the addresses, then waits. It must end every process it
started, whatever ends it.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.local.folder import AlreadyRunning, StackFolder
from infra.local.parts import BY_NAME
from infra.local.processes import Process, end, marked_with
from infra.local.stack import Stack, StackFailed
from infra.local.supervise import News, State

StateDir = Annotated[
    Path, typer.Option("--state-dir", envvar="HANDSEL_STATE_DIR", help="Folder of the stack.")
]
DOWN_GRACE = 60.0
"""Seconds `down` waits for the stack to end by itself."""

SIGNS = {
    State.WORKS: "[green]✓[/]",
    State.DONE: "[green]✓[/]",
    State.DOWN: "[red]✗[/]",
    State.FAILED: "[red]✗[/]",
    State.ELSEWHERE: "[blue]→[/]",
    State.WAITING: "[yellow]![/]",
    State.STOPPED: "[dim]·[/]",
}


class Screen:
    """Tells on the terminal what the stack does, a line a change."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._mutex = threading.Lock()
        self._began: dict[str, float] = {}
        self._deaths: set[str] = set()

    def show(self, news: News) -> None:
        """One line for a change that a person wants to know."""
        with self._mutex:
            if news.state is State.STARTING:
                self._began[news.part.name] = time.monotonic()
                return
            took = time.monotonic() - self._began.get(news.part.name, time.monotonic())
            sign = SIGNS.get(news.state, " ")
            self._console.print(f" {sign} {news.part.title:<24}{self._words(news, took)}", highlight=False)

    def _words(self, news: News, took: float) -> str:
        name = news.part.name
        if news.state is State.DOWN:
            self._deaths.add(name)
            return f"[red]{_plain(news.words)}[/]; starting it again"
        if news.state is State.FAILED:
            return f"[red]{_plain(news.words)}[/]"
        if news.state is State.WORKS:
            again = "again " if name in self._deaths else ""
            self._deaths.discard(name)
            return f"{news.words} [dim]{again}({took:.1f} s)[/]"
        if news.state is State.DONE:
            return f"[dim]({took:.1f} s)[/]"
        return _plain(news.words) or str(news.state)


def _plain(text: str) -> str:
    """Text that rich takes as it is."""
    return text.replace("[", r"\[")


def up(
    state_dir: StateDir = Path(".handsel"),
    only: Annotated[str, typer.Option(help="Parts to start, separated by commas; empty means all.")] = "",
    exit_with: Annotated[int, typer.Option(help="End when the process with this id ends.", hidden=True)] = 0,
) -> None:
    """Start the local stack and stay; Ctrl-C ends it.

    A part is not started when the environment names another: HANDSEL_DATABASE_URL,
    TEMPORAL_ADDRESS, HANDSEL_S3_ENDPOINT, HANDSEL_SMTP_URL, STRIPE_API_KEY, HANDSEL_POST_HOSTS.
    """
    console = Console(stderr=False)
    chosen = [name.strip() for name in only.split(",") if name.strip()] or None
    if chosen and (unknown := set(chosen) - set(BY_NAME)):
        raise typer.BadParameter(
            f"no such part: {', '.join(sorted(unknown))}; there are: {', '.join(BY_NAME)}"
        )
    if os.environ.get("HANDSEL_MODE", "local") != "local":
        raise typer.BadParameter("the local stack is for local mode; HANDSEL_MODE says otherwise")
    told = _listen_for_the_end()
    stack = Stack(state_dir, chosen, announce=Screen(console).show)
    began = time.monotonic()
    try:
        _start_unless_told(stack, told)
    except (AlreadyRunning, StackFailed) as error:
        console.print(f"[red]{_plain(str(error))}[/]", highlight=False)
        console.print("`handsel doctor` says more.")
        raise typer.Exit(1) from None
    try:
        if not told.is_set():
            if stack.leftovers:
                console.print(f"Ended {stack.leftovers} processes that a killed stack had left here.")
            console.print(f"Up after {time.monotonic() - began:.1f} s.")
            console.print(_addresses(stack))
            _say_where_to_set_up(console, stack)
            console.print("Ctrl-C ends the stack. Everything stays in", str(stack.folder.path))
            _wait(told, exit_with)
    finally:
        console.print("Ending the stack; a worker may take up to 30 s to finish what it began.")
        stack.stop()
    console.print("Ended. Nothing is lost; `handsel up` goes on from here.")


def _listen_for_the_end() -> threading.Event:
    """An event that Ctrl-C and the signals that end a program set."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tell)
    return told


def _start_unless_told(stack: Stack, told: threading.Event) -> None:
    """Start in a thread, so that Ctrl-C counts while parts come up."""
    problem: list[BaseException] = []

    def start() -> None:
        try:
            stack.start()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the main thread
            problem.append(error)

    thread = threading.Thread(target=start, name="start")
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
        if told.is_set():
            stack.cancel_start()
    if problem and not told.is_set():
        raise problem[0]


def _wait(told: threading.Event, exit_with: int) -> None:
    """Wait until told to end, or until the process `exit_with` is gone."""
    if not exit_with:
        told.wait()
        return
    try:
        companion = Process.of(exit_with)
    except ProcessLookupError:
        return
    while not told.wait(0.5) and companion.is_alive():
        pass


def _say_where_to_set_up(console: Console, stack: Stack) -> None:
    """Where there is no brand yet, the page that makes one."""
    if "api" not in stack.states():
        return
    from infra.settings import settings_from
    from infra.setup import where_to_set_up

    if page := where_to_set_up(settings_from(stack.env())):
        console.print("There is no brand yet. Set up here:", style="bold")
        console.print(page, highlight=False, soft_wrap=True, markup=False)


def _addresses(stack: Stack) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    shown = {
        "Console": ("api", "main", "/console"),
        "Pages and API": ("api", "main", ""),
        "Mailbox": ("mail", "web", ""),
        "Temporal": ("temporal", "ui", ""),
        "Stripe simulator": ("stripe", "main", ""),
        "Social network": ("social", "main", ""),
        "Carrier": ("carrier", "main", ""),
    }
    for title, (part, port, path) in shown.items():
        if part in stack.states():
            table.add_row(title, stack.url(part, port) + path)
    return table


def down(state_dir: StateDir = Path(".handsel")) -> None:
    """End the local stack that runs in this folder, also one whose terminal is gone."""
    console = Console()
    folder = StackFolder(state_dir)
    supervisor = folder.supervisor()
    if supervisor is not None and supervisor.pid != os.getpid():
        console.print(f"Asking the stack (process {supervisor.pid}) to end.")
        supervisor.send(signal.SIGTERM)
        until = time.monotonic() + DOWN_GRACE
        while supervisor.is_alive() and time.monotonic() < until:
            time.sleep(0.1)
    left = {*folder.processes().values(), *marked_with(folder.path)}
    if left:
        console.print(f"Ending {len(left)} processes that were left behind.")
        end(left, 10.0)
    if supervisor is None and not left:
        console.print(f"No stack runs in {folder.path}.")
    if supervisor is not None and supervisor.is_alive():
        console.print(f"[red]Process {supervisor.pid} does not end.[/]")
        sys.exit(1)
