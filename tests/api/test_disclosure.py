"""Captions checked over the API: the same words as the shell's, and clear refusals."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from domain.roles import Role
from tests.api.conftest import Tenant

CASES = Path(__file__).parents[1] / "disclosure" / "us_cases.jsonl"


def caption(text: str = "Soup, finally. @kelpiekettles #ad", **changes: Any) -> dict[str, Any]:
    return {
        "id": "draft-7",
        "platform": "instagram",
        "format": "post",
        "jurisdiction": "US",
        "relationship": "paid",
        "brand": {"name": "Kelpie Kettles", "handle": "@kelpiekettles"},
        "caption": text,
        "language": "en",
        **changes,
    }


def test_a_caption_gets_the_verdict_and_the_words_that_decided(brand: Tenant) -> None:
    answer = brand.post("/disclosure/check", caption("Ad: soup, finally."), status=200)
    assert (answer["id"], answer["verdict"], answer["reason"]) == ("draft-7", "pass", "ok")
    (found,) = answer["evidence"]
    assert (found["surface"], found["text"]) == ("caption", "Ad")
    assert answer["pack_version"]
    missing = brand.post("/disclosure/check", caption("Soup, finally."), status=200)
    assert (missing["verdict"], missing["reason"]) == ("fail", "missing")
    assert missing["change"]


def test_every_role_may_ask_and_nothing_is_kept(brand: Tenant) -> None:
    for role in Role:
        assert brand.call("POST", "/disclosure/check", role, json=caption()).status_code == 200


def test_api_and_shell_give_the_same_answer(brand: Tenant) -> None:
    lines = [line for line in CASES.read_text().splitlines() if line.strip()][::40]
    shell = subprocess.run(
        [sys.executable, "-m", "infra.cli.disclosure", "check", "-"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=CASES.parents[2],
        check=True,
    )
    for line, told in zip(lines, shell.stdout.splitlines(), strict=True):
        assert brand.post("/disclosure/check", json.loads(line), status=200) == json.loads(told)


def test_the_strictest_of_several_jurisdictions_decides(brand: Tenant) -> None:
    body = caption("Ad: soup.", jurisdictions=["US", "AQ"])
    del body["jurisdiction"]
    answer = brand.post("/disclosure/check", body, status=200)
    assert (answer["verdict"], answer["reason"]) == ("needs_review", "no_rule_pack")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"platform": "myspace"}, "platform"),
        ({"jurisdiction": "usa"}, "jurisdiction"),
        ({"relationship": "friends"}, "relationship"),
        ({"brand": {"name": ""}}, "brand.name"),
        ({"caption": "x" * 20_001}, "caption"),
        ({"captoin": "x"}, "captoin"),
        ({"jurisdictions": ["US"]}, "body"),
    ],
)
def test_a_wrong_field_is_named(brand: Tenant, change: dict[str, Any], field: str) -> None:
    answer = brand.call("POST", "/disclosure/check", json=caption() | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert answer.headers["content-type"] == "application/problem+json"
