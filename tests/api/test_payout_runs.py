"""Payout runs over the API and from the shell: what is due, what waits in which order, what is lacking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from domain.ledger import payout_id
from domain.roles import Role
from infra.settings import Settings
from tests.api.shell import shell_of
from tests.api.test_payouts import Desk
from tests.conftest import RunningStack
from tests.records.finance import waiting
from tests.records.line_alone import at_hand, line_alone, look


@pytest.fixture
def desk(
    web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings
) -> Iterator[Desk]:
    with line_alone(sessions):
        yield Desk(web, app, sessions, settings)


@pytest.fixture
def short(desk: Desk) -> list[str]:
    """Two payments of which the balance covers the first, and not the second."""
    office = desk.office
    made = [waiting(office), waiting(office)]
    for have in (0, 30_000):
        at_hand(office, have)
        look(office, made[::-1])
    return made


def test_a_run_says_what_it_lacks_and_who_is_next(desk: Desk, short: list[str]) -> None:
    (run,) = desk.tenant.get("/payout-runs?state=parked")["items"]
    assert (run["due_count"], run["due_total"], run["paid_count"]) == (2, 44_000, 0)
    assert (run["parked_count"], run["shortage"], run["currency"]) == (1, 14_000, "USD")
    assert run["balance_seen_at"] is not None
    detail = desk.tenant.get(f"/payout-runs/{run['id']}")
    assert [(one["place"], one["payout_id"]) for one in detail["payments"]] == [
        (1, payout_id(short[0])),
        (2, payout_id(short[1])),
    ]
    assert detail["left_out"] == 0
    assert desk.tenant.get("/payout-runs?state=finished")["items"] == []


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_look(desk: Desk, short: list[str], role: Role) -> None:
    del short
    assert desk.tenant.call("GET", "/payout-runs", role).status_code == 200


def test_a_state_that_is_none_is_refused(desk: Desk) -> None:
    assert desk.tenant.call("GET", "/payout-runs?state=nonsense").status_code == 422


def test_the_shell_shows_runs(
    desk: Desk,
    short: list[str],
    stack: RunningStack,
    address: str,
    tmp_path: Path,
) -> None:
    shell = partial(shell_of(stack, address, tmp_path, desk.tenant.keys[Role.VIEWER]), "payout", "runs")
    (shown,) = json.loads(shell("--state", "parked", "--json").stdout)
    assert shown["shortage"] == 14_000
    assert "140.00" in shell().stdout
    assert payout_id(short[1]) in shell(shown["id"]).stdout
