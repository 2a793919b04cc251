"""`handsel ledger check`: what a person sees, and the exit code that a timer can act on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from sqlalchemy import Engine, text

from tests.conftest import RunningStack
from tests.records.office import Office


def _handsel(stack: RunningStack, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **stack.variables, "HANDSEL_DATABASE_URL": url, "COLUMNS": "200"}
    command = [sys.executable, "-m", "infra.cli", "ledger", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)


def test_the_books_are_shown_and_a_difference_is_named(
    office: Office, stack: RunningStack, own_database_url: str, owner: Engine
) -> None:
    office.open()
    of = office.sent()
    good = _handsel(stack, own_database_url, "check")
    assert good.returncode == 0, good.stderr
    assert "All adds up." in good.stdout
    assert ["creator:paid", "USD", "220.00"] in [line.split() for line in good.stdout.splitlines()]
    assert ["together", "USD", "0.00"] in [line.split() for line in good.stdout.splitlines()]
    with owner.begin() as connection:
        connection.execute(text("UPDATE accounts SET balance = 1 WHERE name LIKE 'creator:%:paid:%'"))
        connection.execute(text("UPDATE collaborations SET head = 'x'"))
    bad = _handsel(stack, own_database_url, "check", "--json")
    assert bad.returncode == 1
    found = {(one["rule"], one["subject"]) for one in json.loads(bad.stdout)["problems"]}
    creator = office.state(of).creator_id
    assert {("balance_is_sum", f"creator:{creator}:paid:USD"), ("chain", of)} <= found
    chain = _handsel(stack, own_database_url, "chain", of)
    assert chain.returncode == 1
    assert of in chain.stdout
    assert _handsel(stack, own_database_url, "chain", "collab_unknown").returncode == 1
