"""Stored checks made again under other rules: what would change is seen before the rules are in force."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from domain.disclosure import CheckInput, Pack, check
from domain.disclosure.pack_files import PackFile
from domain.disclosure.packs import compile_pack, load_pack
from infra.replay import judge, replay
from tests.conftest import RunningStack
from tests.pages.studio import Studio
from tests.program import program

ROOT = Path(__file__).resolve().parents[2]
US = ROOT / "domain" / "disclosure" / "packs" / "us.toml"
ACCEPTED = '{concept = "en.sponsored", standing = "accepted"'
CAPTION = "Sponsored. Soup, finally."


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The pack of the United States in which a bare "sponsored" is not enough."""
    text = US.read_text()
    assert ACCEPTED in text
    file = tmp_path / "us.toml"
    file.write_text(text.replace(ACCEPTED, ACCEPTED.replace("accepted", "insufficient")))
    return file


def pack_of(file: Path) -> Pack:
    return compile_pack(PackFile.model_validate(tomllib.loads(file.read_text())))


def seen(caption: str = CAPTION) -> dict[str, Any]:
    return {
        "url": Studio.post_url,
        "platform": "instagram",
        "format": "post",
        "jurisdictions": ["US"],
        "relationship": "paid",
        "brand": {"name": "Kelpie Kettles", "handles": ["kelpiekettles"]},
        "caption": caption,
        "language": "en",
    }


def stored(studio: Studio, pack: Pack | None = None, caption: str = CAPTION) -> None:
    """A check that was made under this pack, or under the one of this version."""
    fields = {name: value for name, value in seen(caption).items() if name != "url"}
    asked = CheckInput.model_validate(fields)
    verdict = check(asked) if pack is None else judge(asked, {"US": pack})
    finding = {"reason": verdict.reason.value, "verdict": verdict.model_dump(mode="json")}
    studio.check(studio.posted(studio.campaign()), verdict.verdict.value, finding, seen(caption))


def test_nothing_changes_under_the_same_rules(studio: Studio) -> None:
    stored(studio)
    stored(studio, caption="Soup.")
    found = replay(studio.sessions, brand_id=studio.brand_id)
    assert (found.judged, found.same, found.differences) == (2, 2, [])


def test_a_stricter_pack_shows_what_would_fail(studio: Studio, stricter: Path) -> None:
    stored(studio)
    found = replay(studio.sessions, packs={"US": pack_of(stricter)}, brand_id=studio.brand_id)
    (one,) = found.differences
    assert (one.before, one.caption) == ("pass", CAPTION)
    assert one.after != "pass"
    assert found.towards_pass == []
    assert load_pack("US") is not None
    assert check(CheckInput.model_validate({k: v for k, v in seen().items() if k != "url"})).verdict == "pass"


def test_what_would_pass_now_is_shown_first_and_fails_the_command(
    studio: Studio, stricter: Path, stack: RunningStack
) -> None:
    stored(studio, pack_of(stricter))

    def run(*more: str) -> CompletedProcess[str]:
        return program(stack.variables, "disclosure", "replay", "--brand", studio.brand_id, *more)

    plain = run()
    assert plain.returncode == 0, plain.stderr
    assert "1 would pass now and did not" in plain.stdout
    failed = run("--fail-on", "wrong-pass", "--json")
    assert failed.returncode == 1
    (line,) = failed.stdout.splitlines()
    assert json.loads(line)["towards_pass"] is True
    assert run("--fail-on", "any", "--pack", str(stricter)).returncode == 0
    assert run("--since", "2999-01-01", "--fail-on", "any").returncode == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--since", "yesterday"], "since:"),
        (["--fail-on", "rain"], "fail-on:"),
        (["--pack", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_what_is_wrong_is_named(words: list[str], sentence: str) -> None:
    done = program({}, "disclosure", "replay", *words)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
