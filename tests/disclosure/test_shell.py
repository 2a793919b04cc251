"""`handsel disclosure` as a person types it."""

import json
from pathlib import Path
from subprocess import CompletedProcess

from tests.program import program

CASES = Path(__file__).parent / "us_cases.jsonl"
RECORD = {
    "id": "one",
    "platform": "instagram",
    "format": "post",
    "jurisdiction": "US",
    "language": "en",
    "relationship": "paid",
    "brand": {"name": "Kelpie Kettles", "handle": "@kelpiekettles"},
    "caption": "#spon tea",
    "platform_label": False,
    "spoken_disclosure": None,
    "overlay_text": None,
}


def handsel(*words: str, given: str = "") -> CompletedProcess[str]:
    return program({}, "disclosure", *words, given=given)


def test_check_reads_stdin_and_prints_one_object_a_line() -> None:
    other = RECORD | {"id": "two", "jurisdiction": "AQ"}
    done = handsel("check", "-", given="\n".join([json.dumps(RECORD), "", json.dumps(other)]))
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["id"], first["verdict"], first["reason"]) == ("one", "fail", "ambiguous_label")
    assert first["evidence"] == [{"surface": "caption", "start": 0, "end": 5, "text": "#spon"}]
    assert "Ad:" in first["change"]
    assert (second["verdict"], second["reason"]) == ("needs_review", "no_rule_pack")


def test_evaluate_prints_agreement_and_wrong_passes(tmp_path: Path) -> None:
    wrong = RECORD | {"id": "mislabelled", "caption": "#ad tea", "expected": "fail", "reason": "missing"}
    file = tmp_path / "labelled.jsonl"
    file.write_text(CASES.read_text() + json.dumps(wrong) + "\n")
    done = handsel("evaluate", str(file))
    assert done.returncode == 0, done.stderr
    count = len(CASES.read_text().splitlines())
    assert f"{count} of {count + 1}" in done.stdout
    data = json.loads(handsel("evaluate", "--json", str(file)).stdout)
    assert (data["posts"], data["agree"]) == (count + 1, count)
    assert data["confusion"]["fail"]["pass"] == 1
    assert data["by_jurisdiction"] == {"US": {"agree": count, "posts": count + 1}}
    assert [each["id"] for each in data["wrong_passes"]] == ["mislabelled"]
    assert "Wrong passes: 1" in done.stdout
    assert "mislabelled: pass(ok) instead of fail(missing), by US/label/en.ad" in done.stdout


def test_a_bad_line_is_named_with_its_field() -> None:
    done = handsel("check", "-", given=json.dumps(RECORD | {"platform": "myspace"}))
    assert done.returncode == 2
    assert "line 1 (one): platform:" in done.stderr
    assert "Traceback" not in done.stderr
    done = handsel("check", "-", given="{nonsense")
    assert (done.returncode, "line 1: not JSON" in done.stderr) == (2, True)
    done = handsel("check", "nowhere.jsonl")
    assert done.returncode == 2
    assert "nowhere.jsonl" in done.stderr
