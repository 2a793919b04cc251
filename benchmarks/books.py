"""The books: entries a second with and without contention, and a reconciliation of 100,000 rows.

Postings go through `activities.ledger.post`, each in a transaction of its own, from four processes. Stripe's
rows are written into the simulator's file beforehand; copying them goes over HTTP like everything else.
"""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from activities.compare import compare
from activities.ledger import post
from activities.stripe_rows import copy_rows, settled_totals
from benchmarks.yard import Yard, counting_house
from domain.ledger import Deal, budget_declared, fee_held
from domain.money import Money
from domain.roles import HANDSEL
from infra.database import engine_at, make_sessions
from infra.ids import new_id
from infra.ledger_check import check
from infra.worker import stripe_gateway

PROCESSES = 4
CAMPAIGNS = 2_000
FEE = Money(amount=100, currency="USD")
RICH = Money(amount=10**12, currency="USD")


# --- entries a second -------------------------------------------------------------------------------


def _post_for(url: str, brand_id: str, campaigns: list[str], seconds: float, answers: Any) -> None:
    engine = engine_at(url, pool=1, overflow=0)
    sessions, count, end = make_sessions(engine), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        deal = Deal(campaigns[count % len(campaigns)], new_id("collaboration"), new_id("creator"))
        with sessions.begin() as session:
            post(
                session,
                fee_held(deal, FEE).model_copy(update={"collaboration_id": None}),
                brand_id=brand_id,
                actor=HANDSEL,
                at=datetime.now(UTC),
            )
        count += 1
    engine.dispose()
    answers.put(count)


def _rate(place: Yard, campaigns: list[list[str]], seconds: float) -> float:
    answers: Any = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(
            target=_post_for, args=(place.settings.database_url, place.brand_id, mine, seconds, answers)
        )
        for mine in campaigns
    ]
    for worker in workers:
        worker.start()
    total = sum(int(answers.get(timeout=seconds + 60)) for _ in workers)
    for worker in workers:
        worker.join(30)
    return total / seconds


def measure_entries(seconds: float) -> list[dict[str, Any]]:
    """Entries a second from four processes: each on its own campaigns, then all on one."""
    with counting_house() as place:
        campaigns = [new_id("campaign") for _ in range(CAMPAIGNS)]
        with place.sessions.begin() as session:
            for campaign in campaigns:
                entry = budget_declared(campaign, RICH)
                post(session, entry, brand_id=place.brand_id, actor=HANDSEL, at=datetime.now(UTC))
        spread = _rate(place, [campaigns[at::PROCESSES] for at in range(PROCESSES)], seconds)
        contended = _rate(place, [campaigns[:1]] * PROCESSES, seconds)
        with place.sessions() as session:
            began = time.perf_counter()
            problems = check(session)
            took = time.perf_counter() - began
            entries = session.scalar(text("SELECT count(*) FROM entries")) or 0
        if problems:
            raise RuntimeError(f"the books are not whole: {problems[:3]}")
    return [
        {"what": f"ledger entries over {CAMPAIGNS} campaigns", "value": spread, "unit": "/s"},
        {"what": "ledger entries on one campaign", "value": contended, "unit": "/s"},
        {"what": f"ledger check of {entries} entries", "value": took, "unit": "s"},
    ]


# --- reconciliation -----------------------------------------------------------------------------------


def measure_reconciliation(rows: int) -> list[dict[str, Any]]:
    """Copy so many transactions, compare them with as many attempts, and once more with nothing new."""
    with counting_house() as place:
        _seed_attempts(place, rows)
        _seed_stripe(place, rows)
        gateway, sessions = stripe_gateway(place.settings, place.sessions), place.sessions
        timings: list[tuple[str, float]] = []

        def timed(what: str, work: Any) -> Any:
            began = time.perf_counter()
            found = work()
            timings.append((what, time.perf_counter() - began))
            return found

        later = datetime.now(UTC) + timedelta(hours=2)
        copied = timed(f"copy {rows:,} rows", lambda: copy_rows(sessions, gateway, _quiet))
        totals = timed("add up to Stripe's balance", lambda: settled_totals(sessions, gateway, _quiet))
        first = timed(f"compare {rows:,} rows", lambda: compare(sessions, later, totals, _quiet))
        again = timed("compare again, nothing new", lambda: compare(sessions, later, totals, _quiet))
    if (copied, first.matched, first.open_items, again.matched) != (rows, rows, 0, 0):
        raise RuntimeError(f"not what was seeded: {copied} copied, {first}, {again}")
    whole = {"what": f"reconcile {rows:,} rows, all of it", "value": sum(took for _, took in timings[:3])}
    return [
        {**whole, "unit": "s"},
        *({"what": what, "value": took, "unit": "s"} for what, took in timings),
    ]


def _quiet() -> None:
    """Nobody waits for a sign of life here."""


def _seed_attempts(place: Yard, count: int) -> None:
    """As many sent attempts: parts of the one fee of one collaboration, which is all that matters here."""
    _, (collaboration_id,) = place.campaign(place.creators(1))
    values = {"of": collaboration_id, "count": count, "brand": place.brand_id}
    passed = json.dumps([{"name": "fee_owed", "result": "pass"}])
    with place.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO payouts (id, brand_id, collaboration_id, part, kind, creator_id, amount, "
                "currency, state, pay_by, created_at) SELECT 'payout_' || n, :brand, :of, n, 'fee', "
                "'creator_1', 1000 + n, 'USD', 'sent', now(), now() FROM generate_series(1, :count) n"
            ),
            values,
        )
        session.execute(
            text(
                "INSERT INTO gate_reports (id, collaboration_id, sequence, payout_id, gates, all_pass, "
                "destination, amount, currency, at) SELECT 'gates_' || n, :of, 1, 'payout_' || n, "
                "CAST(:gates AS jsonb), true, 'acct_1', 1000 + n, 'USD', now() "
                "FROM generate_series(1, :count) n"
            ),
            values | {"gates": passed},
        )
        session.execute(
            text(
                "INSERT INTO payout_attempts (payout_id, number, state, amount, currency, destination, "
                "report_id, gates, stripe_transfer_id, failure_code, opened_at, finished_at) "
                "SELECT 'payout_' || n, 1, 'sent', 1000 + n, 'USD', 'acct_1', 'gates_' || n, '[]', "
                "'tr_bench' || n, '', now(), now() FROM generate_series(1, :count) n"
            ),
            values,
        )
    with place.sessions() as session:
        session.execute(text("ANALYZE"))
        session.commit()


def _seed_stripe(place: Yard, count: int) -> None:
    """As many transfers with their rows in the simulator's file, and the balance that they leave."""
    at = int(time.time()) - 7_200
    file = sqlite3.connect(place.stack.folder.path / "stripe.db", timeout=30)
    (owner,) = file.execute("SELECT value FROM facts WHERE name = 'platform'").fetchone()
    platform = json.loads(owner)

    def objects() -> Iterator[tuple[Any, ...]]:
        for number in range(1, count + 1):
            amount, made = 1000 + number, at + number * 7_000 // count
            transfer = {"id": f"tr_bench{number}", "object": "transfer", "transfer_group": f"payout_{number}"}
            yield transfer["id"], "transfer", platform, made, json.dumps(transfer), "{}"
            row = {
                "id": f"txn_bench{number:09}",
                "object": "balance_transaction",
                "amount": -amount,
                "available_on": made,
                "balance_type": "payments",
                "created": made,
                "currency": "usd",
                "description": None,
                "exchange_rate": None,
                "fee": 0,
                "fee_details": [],
                "net": -amount,
                "reporting_category": "transfer",
                "source": transfer["id"],
                "status": "available",
                "type": "transfer",
            }
            yield row["id"], "balance_transaction", platform, made, json.dumps(row), '{"payout": ""}'

    total = sum(1000 + number for number in range(1, count + 1))
    with file:
        file.executemany(
            "INSERT INTO objects (id, kind, owner, created, body, hidden) VALUES (?,?,?,?,?,?)", objects()
        )
        file.execute(
            "INSERT INTO balances (owner, currency, available, pending) VALUES (?, 'usd', ?, 0) "
            "ON CONFLICT (owner, currency) DO UPDATE SET available = available + excluded.available",
            (platform, -total),
        )
    file.close()
