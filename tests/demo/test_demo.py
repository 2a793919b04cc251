"""`handsel demo` as somebody who tries it runs it: one command, and what its report says at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.demo.report import Report
from infra.local.folder import StackFolder
from infra.local.part import is_setting
from infra.local.processes import end, marked_with

PROJECT = Path(__file__).resolve().parents[2]
CREATORS = 16
BOUND = 170.0
"""Seconds for everything, the start of the stack included."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("demo")
    yield path
    left = marked_with(StackFolder(path / "state").path)
    end(left, 5.0)
    assert not left, f"the demo left processes behind: {left}"


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    """The report of one run with a few creators."""
    words = [sys.executable, "-m", "infra.cli", "demo", "--state-dir", str(folder / "state")]
    words += ["--creators", str(CREATORS), "--report", str(folder / "report.json")]
    own = {name: value for name, value in os.environ.items() if not is_setting(name)}
    done = subprocess.run(
        words, cwd=PROJECT, env=own, capture_output=True, text=True, timeout=BOUND, check=False
    )
    assert (folder / "report.json").exists(), done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every collaboration has ended" in done.stdout
    return Report.model_validate_json((folder / "report.json").read_text())


pytestmark = [pytest.mark.stack, pytest.mark.timeout(BOUND + 30)]


def times(report: Report, what: str) -> int:
    return sum(one.times for one in report.happenings if one.what == what)


def test_everybody_comes_to_an_end(report: Report) -> None:
    assert report.not_ended == []
    assert sum(sum(one.stages.values()) for one in report.campaigns) == CREATORS
    assert {one.status for one in report.campaigns} == {"completed"}
    assert report.stumbles == []


def test_what_goes_wrong_in_life_goes_wrong_here_and_is_mended(report: Report) -> None:
    for what in (
        "said no",
        "did not answer",
        "parcel was lost, and replaced",
        "parcel came back, and was sent again",
        "parcel came broken, and was replaced",
        "disclosure was missing or weak",
        "post was taken down too early",
        "payment waited for the creator's account",
        "transfer was refused",
    ):
        assert times(report, what) >= 1, what
    mended = next(one for one in report.happenings if one.what == "disclosure was missing or weak")
    assert mended.ended.get("completed", 0) >= 1
    refused = next(one for one in report.happenings if one.what == "transfer was refused")
    assert refused.times == 1
    assert refused.ended == {"completed": 1}


def test_money_goes_out_once(report: Report) -> None:
    paid = sum(one.stages.get("completed", 0) for one in report.campaigns if one.type == "gifting_paid")
    assert report.stripe.transfers == report.stripe.payouts_sent == paid > 0
    assert report.stripe.payouts_with_two_transfers == 0
    assert report.stripe.answers_lost == 1
    [money] = report.money
    assert money.promised == money.returned + money.earned
    assert money.earned == money.paid == report.stripe.amount
    assert money.owed == 0


def test_the_books_are_whole(report: Report) -> None:
    assert report.ledger_problems == []
    assert sum(line.amount for line in report.trial_balance) == 0


def test_every_mail_comes_once(report: Report) -> None:
    sent = sum(states.get("sent", 0) for states in report.mails.values())
    assert report.mails_in_mailbox == sent
    assert report.mails_twice == 0
    assert all("failed" not in states for states in report.mails.values())
    assert report.mails["invitation"]["sent"] == CREATORS
    looked = times(report, "no rules for the country: a person looked")
    accepted = report.mails.get("post_accepted", {}).get("sent", 0)
    assert accepted == looked  # nobody is told twice about the same post
