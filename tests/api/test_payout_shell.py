"""`handsel payout`: look with a key, decide as a named member."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.ledger import payout_id
from domain.roles import Role
from infra.settings import Settings
from infra.tables import SignIn, StaffSession
from tests.api.live import working
from tests.api.shell import Shell, shell_of
from tests.api.test_payouts import Desk
from tests.conftest import RunningStack
from tests.records.finance import ONE_APPROVAL, person, set_rules


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


@pytest.fixture
def shell(desk: Desk, stack: RunningStack, address: str, tmp_path: Path) -> Shell:
    """`handsel payout ...` with the brand's key."""
    return partial(shell_of(stack, address, tmp_path, desk.tenant.keys[Role.OWNER]), "payout")


def test_a_member_decides_from_the_shell_and_the_log_says_so(desk: Desk, shell: Shell) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    mo, ops = person(desk.office), person(desk.office, Role.OPS)
    assert payout_id(of) in shell("list", "--waiting-on", "finance").stdout
    assert "approvals_given" in shell("show", payout_id(of)).stdout
    assert "ops" in shell("approve", "--all", "--as", ops.id, ends=1).stderr
    assert "no member" in shell("approve", "--all", "--as", "nobody@hazel.example", ends=1).stderr
    nobody = shell("approve", "--all", ends=1).stderr
    assert "A person has to decide this" in nobody
    assert "/console/payouts" in nobody
    held = shell("hold", payout_id(of), "--as", mo.id, "--reason", "ask_first", "--remark", "Who is it?")
    assert "payout_held" in held.stdout
    assert payout_id(of) in shell("list", "--held").stdout
    shell("release", payout_id(of), "--as", mo.id, "--reason", "asked")
    said = shell("approve", payout_id(of), "--as", f"{mo.id}@hazel.example", "--json").stdout
    report, _ = json.JSONDecoder().raw_decode(said[said.index('{\n  "approved"') :])  # beside the logs
    assert report["approved"] == 1
    desk.paid(of)
    with desk.office.sessions() as session:
        log = session.scalars(select(SignIn.how).where(SignIn.member_id == mo.id)).all()
        assert set(log) == {"shell"}
        open_ = session.scalars(select(StaffSession.ended_at).where(StaffSession.member_id == mo.id)).all()
        assert open_
        assert None not in open_
