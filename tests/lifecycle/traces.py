"""What all those lives leave behind: whole books, one transfer each, one letter each, and no personal data.

These wait until every story of the run has ended. Where a story failed, that is its own test's matter.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from temporalio.client import Client

from infra.ledger_check import check, trial_balance
from tests.lifecycle.life import Life
from tests.lifecycle.people import Search
from tests.lifecycle.playing import Playing

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]

BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
NOT_HERE = ("mail", "objects", "postgres")
"""Folders of the stack that hold what creators were sent and uploaded; tables are searched row by row."""


@pytest.fixture(scope="module")
def played(playing: Playing) -> Playing:
    """The run after its last story."""
    playing.wait_for_all()
    return playing


@pytest.fixture(scope="module")
def search(played: Playing) -> Search:
    """A search for everything personal that was typed or imported in this run."""
    return Search(played.people)


def test_the_search_finds_what_is_there(played: Playing, search: Search) -> None:
    mails = b"".join(path.read_bytes() for path in _files(played, "mail"))
    found = search.finds(mails)
    assert {person.email for person in played.people} <= found


def test_no_workflow_history_holds_personal_data(played: Playing, search: Search) -> None:
    histories = played.do(_histories(played))
    collaborations = sum(len(lives) for lives in played.lives.values())
    assert sum(name.startswith("collaboration/") for name in histories) == collaborations
    assert sum(b'"offer_accepted"' in content for content in histories.values()) > 0  # they were opened
    leaks = {name: found for name, content in histories.items() if (found := search.finds(content))}
    assert leaks == {}


async def _histories(played: Playing) -> dict[str, bytes]:
    client = await Client.connect(
        played.settings.temporal_address, namespace=played.settings.temporal_namespace
    )
    found = {}
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        history = (await handle.fetch_history()).to_json()
        found[workflow.id] = b"\n".join([history.encode(), *_opened_texts(json.loads(history))])
    return found


def _opened_texts(node: Any) -> Iterator[bytes]:
    """Every text in a history that may be base64, decoded, whatever field it stands in."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _opened_texts(value)
    elif isinstance(node, str) and BASE64.fullmatch(node):
        with suppress(binascii.Error):  # a word that only looks like it
            yield base64.b64decode(node)


def test_no_log_and_no_file_of_the_stack_holds_personal_data(played: Playing, search: Search) -> None:
    logs = [path for path in _files(played) if path.suffix == ".log"]
    assert any(path.stem.startswith("api") for path in logs)
    assert any(path.stem.startswith("worker-collaborations") for path in logs)
    leaks = {
        str(path.relative_to(played.stack.folder.path)): found
        for path in _files(played)
        if path.relative_to(played.stack.folder.path).parts[0] not in NOT_HERE
        and (found := search.finds(path.read_bytes()))
    }
    assert leaks == {}


def _files(played: Playing, *below: str) -> Iterator[Any]:
    for path in sorted(played.stack.folder.path.joinpath(*below).rglob("*")):
        if path.is_file():
            yield path


def test_no_evidence_of_a_check_holds_personal_data(played: Playing, search: Search) -> None:
    evidence = [path for path in _files(played, "objects") if "evidence" in path.parts]
    assert evidence
    assert {found for path in evidence for found in search.finds(path.read_bytes())} == set()


def test_no_object_at_stripe_holds_personal_data(played: Playing, search: Search) -> None:
    place = played.place
    assert place is not None
    objects = {
        path: played.do(place.stripe_list(path))
        for path in (
            "/v2/core/accounts", "/v1/transfers", "/v1/events", "/v2/core/events", "/v1/balance_transactions",
            "/v1/payouts", "/v1/topups", "/v1/webhook_endpoints",
        )
    }  # fmt: skip
    assert len(objects["/v2/core/accounts"]) > 0
    assert len(objects["/v1/transfers"]) > 0
    assert len(objects["/v1/events"]) > 0
    leaks = {path: found for path, all_ in objects.items() if (found := search.finds(_json(all_)))}
    assert leaks == {}


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def test_no_table_holds_personal_data_in_clear(played: Playing, search: Search) -> None:
    leaks: dict[str, set[str]] = {}
    rows: Counter[str] = Counter()
    engine = create_engine(played.stack.env()["HANDSEL_DATABASE_OWNER_URL"])
    with engine.connect() as connection:
        tables = connection.scalars(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).all()
        for table in tables:
            for line in connection.scalars(text(f'select "{table}"::text from "{table}"')):  # noqa: S608 - own names
                rows[table] += 1
                if found := search.finds(_opened(line)):
                    leaks.setdefault(table, set()).update(found)
    engine.dispose()
    wanted = ("entries", "movements", "events", "inbox", "notices", "answers", "creators", "idempotent_calls")
    assert all(rows[table] for table in wanted), rows
    assert leaks == {}


def _opened(line: str) -> bytes:
    r"""A row as text, and its bytea columns (`\x...`) as the bytes that they are."""
    binary = [bytes.fromhex(digits) for digits in re.findall(r"\\x((?:[0-9a-f]{2})+)", line)]
    return b"\n".join([line.encode(), *binary])


def test_the_books_the_promises_and_the_histories_are_whole(played: Playing) -> None:
    with played.sessions() as session:
        assert check(session) == []
        totals: Counter[str] = Counter()
        for balance in trial_balance(session):
            totals[balance.currency] += balance.amount
    assert set(totals.values()) == {0}


def test_every_payment_is_one_transfer(played: Playing) -> None:
    place = played.place
    assert place is not None
    made = played.do(place.bank.transfers())
    assert made
    assert set(Counter(one["metadata"]["payout"] for one in made).values()) == {1}
    transfers = {one["metadata"]["collaboration"] for one in made}
    money = played.do(_for_each_life(played, "ledger"))
    assert transfers == {
        life.collaboration_id
        for life, entries in money
        if any(entry["kind"] == "attempt_sent" for entry in entries)
    }


async def _for_each_life(played: Playing, what: str) -> list[tuple[Life, list[dict[str, Any]]]]:
    """What the API lists of every collaboration of the run."""
    lives = [life for lives in played.lives.values() for life in lives]
    limit = asyncio.Semaphore(8)

    async def ask(life: Life) -> list[dict[str, Any]]:
        async with limit:
            page = await life.place.ops.get(f"/collaborations/{life.collaboration_id}/{what}")
            return list(page["items"])

    return list(zip(lives, await asyncio.gather(*map(ask, lives)), strict=True))


def test_no_letter_was_sent_twice_and_none_that_is_not_on_record(played: Playing) -> None:
    noted: Counter[str] = Counter()
    for life, notices in played.do(_for_each_life(played, "notices")):
        steps = Counter((notice["kind"], notice["step"]) for notice in notices)
        assert set(steps.values()) == {1}, (life.collaboration_id, steps)
        noted[life.person.email] = sum(notice["state"] == "sent" for notice in notices)
    messages = played.do(_mail(played))
    box = Counter(to for message in messages for to in message["to"])
    assert box == noted
    assert max(Counter(message["message_id"] for message in messages).values()) == 1


async def _mail(played: Playing) -> list[dict[str, Any]]:
    place = played.place
    assert place is not None
    found: list[dict[str, Any]] = []
    while True:
        since = {"since": found[-1]["id"]} if found else {}
        answer = await place.client.get(f"{place.stack.url('mail', 'web')}/messages.json", params=since)
        page: list[dict[str, Any]] = answer.json()["messages"]
        if not page:
            return found
        found += page
