"""`handsel ledger check`: what a person sees, and the exit code that a timer can act on."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

from sqlalchemy import Engine, text

from tests.conftest import RunningStack
from tests.program import program
from tests.records.office import Office


def _handsel(stack: RunningStack, url: str, *words: str) -> CompletedProcess[str]:
    return program({**stack.variables, "HANDSEL_DATABASE_URL": url}, "ledger", *words)


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
    assert "receipt_missing" in good.stdout, "this office paid in March, and Stripe never said what arrived"
    (warning,) = json.loads(_handsel(stack, own_database_url, "check", "--json").stdout)["warnings"]
    assert warning["rule"] == "receipt_missing"
    with owner.begin() as connection:
        connection.execute(text("UPDATE payout_attempts SET finished_at = now()"))
    assert "receipt_missing" not in _handsel(stack, own_database_url, "check").stdout
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
