"""The blind corpus is data that other tests and reports lean on, so its files are held to their own schema.

Nothing here runs the engine: whether the engine agrees is another test's question. This one must never
let a caption in twice, an unknown reason, a verdict that its reason cannot have, or a jurisdiction
without cases of each kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "corpus"
FILES = sorted(HERE.glob("*.jsonl"))
JURISDICTIONS = (
    *("US", "GB", "IE", "CA", "AU", "EU", "DE", "AT", "FR", "IT", "ES", "NL"),
    *("BE", "SE", "DK", "NO", "FI", "PL", "IN", "JP", "KR", "BR", "SG", "NZ"),
)
FORMATS = {
    "instagram": {"post", "reel", "story", "live"},
    "tiktok": {"video", "story", "live"},
    "youtube": {"video", "short", "live"},
}
# Which verdicts the rules give each reason; a pass always has the reason "ok".
VERDICTS = {
    "ok": {"pass"},
    "missing": {"fail"},
    "ambiguous_label": {"fail", "needs_review"},
    "below_fold": {"fail", "needs_review"},
    "buried_in_hashtags": {"fail", "needs_review"},
    "end_of_caption": {"needs_review"},
    "wrong_language": {"fail", "needs_review"},
    "denial": {"fail"},
    "platform_label_only": {"fail", "needs_review"},
    "not_in_video": {"fail", "needs_review"},
    "partial_in_video": {"needs_review"},
    "not_superimposed": {"fail"},
    "not_repeated": {"fail", "needs_review"},
    "obfuscated_label": {"needs_review"},
    "label_other_brand": {"needs_review"},
}
INPUTS = {"platform", "format", "jurisdiction", "language", "relationship", "brand", "caption"} | {
    "platform_label",
    "spoken_disclosure",
    "overlay_text",
}
FIELDS = INPUTS | {"id", "expected", "reason", "difficulty", "rationale"}


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


CASES = [case for path in FILES for case in read(path)]


def jurisdictions(case: dict[str, Any]) -> list[str]:
    value = case["jurisdiction"]
    return value if isinstance(value, list) else [value]


def faults(case: dict[str, Any]) -> list[str]:
    reasons = [case["reason"], *case.get("reason_also", [])]
    wrong = {
        "fields": set(case) - {"reason_also"} != FIELDS,
        "format": case["format"] not in FORMATS[case["platform"]],
        "jurisdiction": not jurisdictions(case) or not set(jurisdictions(case)) <= set(JURISDICTIONS),
        "language": case["language"] is not None and not re.fullmatch("[a-z]{2}", case["language"]),
        "relationship": case["relationship"] not in {"paid", "gift", "gift_and_paid", "affiliate"},
        "brand": set(case["brand"]) != {"name", "handle"} or not case["brand"]["name"].strip(),
        "handle": not re.fullmatch(r"@[a-z0-9._]+", case["brand"]["handle"]),
        "caption": not isinstance(case["caption"], str),
        "platform_label": not isinstance(case["platform_label"], bool),
        "spoken": case["spoken_disclosure"] not in {True, False, None},
        "spoken on a post or story": case["format"] in {"post", "story"}
        and case["spoken_disclosure"] is not None,
        "overlay": case["overlay_text"] is not None and not case["overlay_text"].strip(),
        "verdict": any(case["expected"] not in VERDICTS[reason] for reason in reasons),
        "difficulty": case["difficulty"] not in {"plain", "hard"},
        "rationale": len(case["rationale"]) < len("Only a code."),
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_caption_has_every_field_and_a_verdict_its_reason_can_have(path: Path) -> None:
    assert {case["id"]: faults(case) for case in read(path) if faults(case)} == {}


def test_no_caption_is_there_twice() -> None:
    ids = Counter(case["id"] for case in CASES)
    assert [name for name, times in ids.items() if times > 1] == []
    whole = Counter(json.dumps({field: case[field] for field in sorted(INPUTS)}) for case in CASES)
    assert [text for text, times in whole.items() if times > 1] == []


def test_every_jurisdiction_has_each_verdict_plain_and_hard() -> None:
    for jurisdiction in JURISDICTIONS:
        mine = [case for case in CASES if jurisdiction in jurisdictions(case)]
        assert {case["expected"] for case in mine} == {"pass", "fail", "needs_review"}, jurisdiction
        assert {case["difficulty"] for case in mine} == {"plain", "hard"}, jurisdiction
        assert len(mine) >= 30, jurisdiction


def test_the_corpus_is_as_large_as_the_product_asks() -> None:
    assert len(CASES) >= 1000


def test_every_reason_comes_with_every_verdict_it_can_have() -> None:
    there = {(case["reason"], case["expected"]) for case in CASES}
    assert there == {(reason, verdict) for reason, verdicts in VERDICTS.items() for verdict in verdicts}


def test_the_page_about_the_corpus_counts_right() -> None:
    page = (HERE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)\.jsonl` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    stated = {name: tuple(map(int, numbers)) for name, *numbers in rows}
    counted = {}
    for path in FILES:
        verdicts = Counter(case["expected"] for case in read(path))
        counted[path.stem] = (verdicts.total(), verdicts["pass"], verdicts["fail"], verdicts["needs_review"])
    assert stated == counted
