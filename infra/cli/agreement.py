"""How verdicts compare with the labels that people gave: figures, and how they are shown.

A wrong pass is the worst error and is always listed. Nothing here judges a post.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from domain.disclosure import Outcome, Verdict

ORDER: Final = tuple(outcome.value for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class Compared:
    """One labelled record with the verdict that was reached."""

    name: str
    record: dict[str, Any]
    verdict: Verdict

    @property
    def expected(self) -> str:
        """The verdict that a person gave."""
        return str(self.record["expected"])

    @property
    def given(self) -> str:
        """The verdict that the engine gave."""
        return self.verdict.verdict.value

    @property
    def reason(self) -> str:
        """The reason that a person gave, or the engine's where they gave none."""
        return str(self.record.get("reason") or self.verdict.reason.value)

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.name,
            "jurisdiction": self.verdict.jurisdiction,
            "expected": self.expected,
            "expected_reason": self.reason,
            "verdict": self.given,
            "reason": self.verdict.reason.value,
            "rule": self.verdict.rule,
        }


@dataclass
class Agreement:
    """Counts over many records."""

    seconds: float = 0.0
    all: list[Compared] = field(default_factory=list)

    def add(self, compared: Compared) -> None:
        """Count one record."""
        self.all.append(compared)

    @property
    def judged(self) -> int:
        """How many records were judged."""
        return len(self.all)

    @property
    def wrong(self) -> list[Compared]:
        """Records whose verdict differs."""
        return [each for each in self.all if each.given != each.expected]

    @property
    def wrong_passes(self) -> list[Compared]:
        """Records that were passed and should not have been."""
        return [each for each in self.wrong if each.verdict.verdict is Outcome.PASS]

    @property
    def other_reasons(self) -> list[Compared]:
        """Records whose verdict agrees and whose reason does not."""
        same = [each for each in self.all if each.given == each.expected]
        return [each for each in same if each.verdict.reason.value != each.reason]

    def matrix(self) -> Counter[tuple[str, str]]:
        """How often each expected verdict met each given one."""
        return Counter((each.expected, each.given) for each in self.all)

    def by(self, key: str) -> dict[str, tuple[int, int]]:
        """Agreeing and all records by 'jurisdiction' or by expected 'reason'."""
        counts: dict[str, list[int]] = {}
        for each in self.all:
            name = each.verdict.jurisdiction if key == "jurisdiction" else each.reason
            pair = counts.setdefault(name, [0, 0])
            pair[0] += each.given == each.expected
            pair[1] += 1
        return {name: (pair[0], pair[1]) for name, pair in sorted(counts.items())}

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        agree = self.judged - len(self.wrong)
        return {
            "posts": self.judged,
            "agree": agree,
            "agreement": round(agree / self.judged, 4) if self.judged else None,
            "verdict_and_reason_agree": agree - len(self.other_reasons),
            "posts_a_second": round(self.judged / max(self.seconds, 1e-9)),
            "confusion": {
                expected: {given: self.matrix()[expected, given] for given in ORDER} for expected in ORDER
            },
            "by_jurisdiction": {n: {"agree": a, "posts": b} for n, (a, b) in self.by("jurisdiction").items()},
            "by_reason": {n: {"agree": a, "posts": b} for n, (a, b) in self.by("reason").items()},
            "wrong_passes": [each.as_data() for each in self.wrong_passes],
            "wrong": [each.as_data() for each in self.wrong],
            "other_reasons": [each.as_data() for each in self.other_reasons],
        }


def show(found: Agreement, console: Console) -> None:
    """Print figures, confusion, shares and every disagreement."""
    if not found.judged:
        console.print("No labelled post.")
        return
    agree = found.judged - len(found.wrong)
    console.print(
        f"{found.judged} posts, verdict agrees in {_share(agree, found.judged)}, "
        f"verdict and reason in {_share(agree - len(found.other_reasons), found.judged)}; "
        f"{found.judged / max(found.seconds, 1e-9):,.0f} posts a second on one core."
    )
    matrix = Table("expected \\ verdict", *ORDER)
    for expected in ORDER:
        matrix.add_row(expected, *(str(found.matrix()[expected, given]) for given in ORDER))
    console.print(matrix)
    for key in ("jurisdiction", "reason"):
        table = Table(key, "agree", "posts", "share")
        for name, (right, all_) in found.by(key).items():
            table.add_row(name, str(right), str(all_), f"{right / all_:.1%}")
        console.print(table)
    console.print(f"Wrong passes: {len(found.wrong_passes)}")
    for each in [*found.wrong_passes, *(w for w in found.wrong if w not in found.wrong_passes)]:
        console.print(
            f"{each.name}: {each.given}({each.verdict.reason.value}) instead of "
            f"{each.expected}({each.reason}), by {each.verdict.rule}",
            markup=False,
        )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})"
