"""The demo on the terminal: what happens while it happens, and the report at the end."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from domain.money import exponent
from domain.stages import ENDS, Stage
from infra.demo.opening import BRAND
from infra.demo.play import Moment
from infra.demo.report import Happening, Report

_LINE_EVERY = 5.0
"""Seconds between two lines where the terminal cannot be drawn on."""
_WIDTH = 100


class Screen:
    """Draws on a terminal, and prints a line now and then where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self._last = -_LINE_EVERY
        self._doing = ""

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, moment: Moment) -> None:
        """Show how things stand."""
        if self._live is not None:
            self._live.update(picture(moment, min(_WIDTH, self._console.width)), refresh=True)
        elif moment.doing != self._doing or moment.seconds - self._last >= _LINE_EVERY:
            self._console.print(line(moment), highlight=False, soft_wrap=True)
            self._last = moment.seconds
        self._doing = moment.doing


def line(moment: Moment) -> str:
    """One line of progress."""
    if not moment.everybody:
        return f"{moment.seconds:5.0f} s  {moment.doing}"
    open_ = {stage: count for stage, count in moment.stages.items() if stage not in ENDS}
    busiest = ", ".join(f"{count} {_plain(stage)}" for stage, count in _sorted(open_))
    return (
        f"{moment.seconds:5.0f} s  {moment.ended} of {moment.everybody} ended, {moment.mails} mails, "
        f"{sum(moment.parcels.values())} parcels, {_amount(moment.paid)} paid"
        + (f"; {busiest}" if busiest else "")
    )


def picture(moment: Moment, width: int) -> RenderableType:
    """The whole progress as a panel."""
    if not moment.everybody:
        return Panel(moment.doing, title=f"{moment.seconds:.0f} s", width=width)
    stages = Table(box=None, show_header=False, padding=(0, 1))
    stages.add_column(width=20)
    stages.add_column(width=5, justify="right")
    stages.add_column()
    for stage, count in _sorted(moment.stages):
        style = "green" if stage == Stage.COMPLETED else "dim" if stage in ENDS else "bold"
        bar = ProgressBar(total=moment.everybody, completed=count, width=max(10, width - 40))
        stages.add_row(Text(_plain(stage), style), Text(str(count), style), bar)
    parcels = ", ".join(f"{count} {_plain(state)}" for state, count in sorted(moment.parcels.items()))
    facts = Table(box=None, show_header=False, padding=(0, 1))
    facts.add_row("Mails", f"{moment.mails} sent")
    facts.add_row("Parcels", parcels or "none yet")
    money = f"{_amount(moment.held)} promised, {_amount(moment.owed)} owed, {_amount(moment.paid)} paid"
    facts.add_row("Money", money)
    title = f"{moment.seconds:.0f} s, {moment.ended} of {moment.everybody} collaborations ended"
    return Panel(Group(stages, "", facts), title=title, width=width)


def story(report: Report) -> Iterable[RenderableType]:
    """The report, part by part."""
    yield _campaigns(report)
    yield _happenings(report.happenings)
    yield _two_columns("E-mails", "sent", _mails(report))
    yield _two_columns("Parcels", "count", list(report.parcels.items()))
    yield _two_columns("Posts by verdict, first to last", "posts", list(report.posts.items()))
    yield _money(report)
    yield _books(report)
    if report.not_ended:
        yield _open(report)
    if report.stumbles:
        yield Text("\nThe demo's people stumbled", "bold yellow")
        yield "\n".join(f"  {one}" for one in report.stumbles)


def _campaigns(report: Report) -> RenderableType:
    table = _table("Collaborations by outcome", "Campaign", "Outcome", "Count")
    for campaign in report.campaigns:
        name = f"{campaign.name} ({campaign.type}, {campaign.status})"
        for stage, count in campaign.stages.items():
            table.add_row(name, _plain(stage), str(count))
            name = ""
    return table


def _happenings(happenings: list[Happening]) -> RenderableType:
    table = _table("What happened on the way", "A creator, or the brand", "Times", "How they ended")
    for one in happenings:
        ended = ", ".join(f"{count} {_plain(stage)}" for stage, count in one.ended.items())
        table.add_row(one.what, str(one.times), ended)
    return table


def _mails(report: Report) -> list[tuple[str, int | str]]:
    rows: list[tuple[str, int | str]] = []
    for kind, states in report.mails.items():
        others = ", ".join(f"{count} {state}" for state, count in states.items() if state != "sent")
        rows.append((_plain(kind), f"{states.get('sent', 0)}" + (f" ({others})" if others else "")))
    arrived = f"{report.mails_in_mailbox} ({report.mails_twice} twice)"
    return [*rows, ("together in the mailbox", arrived)]


def _money(report: Report) -> RenderableType:
    table = _table("Money", "", "Amount", "")
    for one in report.money:
        rows = {
            "Budget": (one.budget, ""),
            "Promised at acceptance": (one.promised, "held for the creator"),
            "Returned": (one.returned, "to the budget: nothing came of it"),
            "Earned": (one.earned, "by a verified post"),
            "Paid": (one.paid, f"by {report.stripe.payouts_sent} payouts"),
            "Owed still": (one.owed, ""),
        }
        for name, (amount, note) in rows.items():
            table.add_row(name, _amount(amount, one.currency), note)
    at_stripe = report.stripe
    twice = f"{at_stripe.payouts_with_two_transfers} payouts with more than one transfer"
    lost = (
        f"; {at_stripe.answers_lost} answer of Stripe was lost on the way" if at_stripe.answers_lost else ""
    )
    said = f"{at_stripe.transfers} transfers, {twice}{lost}"
    table.add_row("At Stripe", _amount(at_stripe.amount), said)
    return table


def _books(report: Report) -> RenderableType:
    table = _table("Trial balance", "Accounts", "Balance", "")
    for one in report.trial_balance:
        table.add_row(one.kind, _amount(one.amount, one.currency), "")
    verdict = "ledger check: no problem" if not report.ledger_problems else "ledger check:"
    for currency in sorted({one.currency for one in report.trial_balance}):
        total = sum(one.amount for one in report.trial_balance if one.currency == currency)
        table.add_row("together", _amount(total, currency), verdict)
    for problem in report.ledger_problems:
        table.add_row("", "", Text(problem, "red"))
    return table


def _open(report: Report) -> RenderableType:
    table = _table("Not ended", "Collaboration", "Stands at", "Waits for")
    for one in report.not_ended:
        table.add_row(one.collaboration_id, f"{_plain(one.stage)} since {one.since}", _plain(one.attention))
    return table


def _two_columns(title: str, unit: str, rows: list[tuple[str, int | str]]) -> RenderableType:
    table = _table(title, "", unit.capitalize())
    for name, count in rows:
        table.add_row(_plain(name), str(count))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 1))
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place == 1 and len(columns) == 2 else "left")
    return table


def _sorted(stages: dict[str, int]) -> list[tuple[str, int]]:
    """In the order of a collaboration's life."""
    order = [stage.value for stage in Stage]
    return sorted(stages.items(), key=lambda item: order.index(item[0]))


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _amount(minor: int, currency: str = BRAND.currency) -> str:
    """An amount as people write it, with the currency's own decimals."""
    decimals = exponent(currency)
    return f"{currency} {minor / 10**decimals:,.{decimals}f}"
