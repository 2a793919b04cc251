"""Short captions in every language by those who wrote the lexicons: labels, denials, other people.

They say the verdict only. They are no measure of how well the engine does, since its writers wrote them; they
hold what it once could.
"""

from __future__ import annotations

import json
from pathlib import Path

from domain.disclosure import check, from_record

CASES = [json.loads(line) for line in (Path(__file__).parent / "own_cases.jsonl").read_text().splitlines()]


def test_every_verdict() -> None:
    assert len(CASES) >= 600
    wrong = [
        f"{case['id']}: {verdict.verdict}({verdict.reason}), not {case['expected']}: {case['caption']}"
        for case in CASES
        if (verdict := check(from_record(case))).verdict != case["expected"]
    ]
    assert wrong == []
