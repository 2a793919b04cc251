"""Every caption of our own US corpus gets the verdict, the reason and the words that a person gave it."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.disclosure import Outcome, check, from_record

CASES = [json.loads(line) for line in (Path(__file__).parent / "us_cases.jsonl").read_text().splitlines()]


def test_the_corpus_is_large_and_balanced() -> None:
    assert len(CASES) >= 120
    assert len({case["id"] for case in CASES}) == len(CASES)
    for verdict in Outcome:
        assert sum(case["expected"] == verdict for case in CASES) >= 30


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_verdict_and_reason(case: dict[str, Any]) -> None:
    verdict = check(from_record(case))
    assert (verdict.verdict, verdict.reason) == (case["expected"], case["reason"]), case["caption"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_answer_explains_itself(case: dict[str, Any]) -> None:
    post = from_record(case)
    verdict = check(post)
    assert verdict.explanation.endswith(".")
    assert "{" not in verdict.explanation
    assert verdict.rule.startswith("US/")
    assert verdict.pack_version
    for evidence in verdict.evidence:
        text = post.overlay_text if evidence.surface == "overlay_text" else post.caption
        assert text is not None
        assert text[evidence.start : evidence.end] == evidence.text
        assert evidence.text
    if verdict.verdict is Outcome.PASS:
        assert verdict.change is None
    else:
        assert verdict.change is not None
        assert verdict.change.words in verdict.change.sentence
        assert verdict.change.where in verdict.change.sentence
