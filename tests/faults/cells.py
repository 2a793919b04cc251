"""The cells of the fault matrix: where the worker dies, what Stripe does, how its messages come, who clicks.

Everything here is data. A default run takes every point a few times, while Stripe's answers, its messages and
the clicks take turns beside it (another seed, other pairs). `HANDSEL_FAULT_CELLS` is how often, or `all`:
every combination that can be reached.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

NOWHERE = "nowhere"
"""The worker lives."""
PAYMENT_POINTS = (
    NOWHERE,
    "gates.before",
    "gates.after",
    "open.before",
    "open.after",
    "call.before",
    "call.after",
    "settle.before",
    "settle.after",
    "confirm.before",
    "confirm.after",
)
"""Before and after: the gates' report is stored, the attempt is stored, Stripe is called, its answer is
stored, its confirmation is stored."""
CLAWBACK_POINTS = (
    NOWHERE,
    "ask.before",
    "ask.after",
    "grant.before",
    "grant.after",
    "call.before",
    "call.after",
    "settle.before",
    "settle.after",
)
ELSEWHERE_POINTS = (NOWHERE, "report.before", "report.after", "close.before", "close.after")
CLEAN = "clean"
CALLS = (
    CLEAN,
    "http_500",
    "http_429",
    "http_409",
    "reset_before_commit",
    "reset_after_commit",
    "timeout_after_commit",
    "http_500_after_commit",
)
"""What becomes of the first call; `..._after_commit` keep its effect, and the 500 is saved under its key."""
MESSAGES = ("once", "twice", "never", "before_answer", "out_of_order")
HANDS = ("one_by_one", "double_click", "at_once")
GAP_CALLS = ("reset_after_commit", "http_500_after_commit")

Kind = Literal["payment", "clawback", "elsewhere"]
WHOLE = os.environ.get("HANDSEL_FAULT_CELLS") == "all"
"""Every combination, instead of some for each point."""
TIMES = 1 if WHOLE else int(os.environ.get("HANDSEL_FAULT_CELLS", "1"))
A_POINT: dict[Kind, int] = {"payment": 2 * TIMES, "clawback": TIMES, "elsewhere": TIMES}
"""How many cells each point has in a run of some."""
SHORT_GAPS = ("open.after", "call.before", "call.after", "settle.before", "grant.after")
"""Points of the gaps in the shortest run."""


@dataclass(frozen=True)
class Cell:
    """One combination. `gap`: what died comes back after 25 hours, when Stripe has forgotten the key."""

    kind: Kind
    point: str
    call: str = CLEAN
    messages: str = "once"
    hands: str = "one_by_one"
    gap: bool = False
    wrong_word: bool = False
    """A person says of an attempt of unknown outcome that it was never made, though it was."""

    @property
    def name(self) -> str:
        """How a failure is told."""
        extra = [" 25 hours later"] * self.gap + [" a wrong word"] * self.wrong_word
        return f"{self.kind}: dies {self.point}, {self.call}, {self.messages}, {self.hands}{''.join(extra)}"

    @property
    def reachable(self) -> bool:
        """Whether the point is passed for sure: who hears of it first does not store the answer."""
        heard = self.messages not in ("never", "out_of_order")
        return not (self.kind == "payment" and self.point.startswith("settle") and heard)


def cells(kind: Kind, seed: int) -> list[Cell]:
    """The cells of one kind without a gap of a day."""
    chosen = list(_product(kind)) if WHOLE else _some(kind, seed)
    if kind == "payment":
        chosen.append(Cell("payment", "call.after", messages="never", wrong_word=True))
    return _wanted(chosen)


def gaps(kind: Kind) -> list[Cell]:
    """The cells in which 25 hours pass between a death and what comes after it."""
    points = PAYMENT_POINTS if kind == "payment" else CLAWBACK_POINTS
    found = [
        Cell(kind, point, messages="never" if point.startswith("settle") else "once", gap=True)
        for point in points[1:]
        if WHOLE or TIMES > 1 or point in SHORT_GAPS
    ]
    found += [Cell(kind, "call.after", call, "never", gap=True) for call in GAP_CALLS]
    return _wanted(found)


def _wanted(chosen: list[Cell]) -> list[Cell]:
    """Those that can be reached, and whose name has what `HANDSEL_FAULT_ONLY` asks for."""
    only = os.environ.get("HANDSEL_FAULT_ONLY", "")
    return [cell for cell in chosen if cell.reachable and only in cell.name]


def _dimensions(kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    if kind == "elsewhere":
        return ELSEWHERE_POINTS, (CLEAN,), ("never",)
    points = PAYMENT_POINTS if kind == "payment" else CLAWBACK_POINTS
    return points, CALLS, MESSAGES if kind == "payment" else MESSAGES[:4]


def _product(kind: Kind) -> Iterator[Cell]:
    for combination in itertools.product(*_dimensions(kind), HANDS):
        yield Cell(kind, *combination)


def _some(kind: Kind, seed: int) -> list[Cell]:
    """Every point with some manners of Stripe, messages and clicks, which all take their turns."""
    points, calls, messages = _dimensions(kind)
    dice = random.Random(seed)
    call, manner, hands = (_in_turn(values, dice) for values in (calls, messages, HANDS))
    found: list[Cell] = []
    for point in points * A_POINT[kind]:
        cell = Cell(kind, point, next(call), next(manner), next(hands))
        found.append(cell if cell.reachable else replace(cell, messages="never"))
    return found


def _in_turn(values: tuple[str, ...], dice: random.Random) -> Iterator[str]:
    """Each of them as often as the others, in another order every time."""
    while True:
        yield from dice.sample(values, len(values))
