"""How fast the audit log is chained and verified, at the size of a million events.

Events and lines are written as the product writes them (same hashes, same triggers for the small run), but
the million is generated straight into the tables, since playing it would take hours.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.yard import Yard, counting_house
from domain.audit import event_content, link_hash, moment
from domain.chain import canonical, event_body, event_hash
from domain.ids import derived_id
from domain.roles import HANDSEL
from infra.audit.append import append_audit
from infra.audit.roots import Roots
from infra.audit.sequencer import sequence_all
from infra.audit.signing import Signer
from infra.audit.verify import verify

PER_COLLABORATION = 25
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHANGE = {"report_id": "gates_01m8ae42qre5har6vw9kkm6d5a", "amount": 22_000, "currency": "USD"}


def measure_audit(events: int, seconds: float) -> list[dict[str, Any]]:
    """What appending costs with and without a lock of the brand, lines sequenced and verified a second.

    `seconds` is how long the writers append, each way.
    """
    with counting_house() as place:
        results = [*_appending(place.sessions, place.brand_id, seconds)]
        filled = _fill(place, place.brand_id, events)
        Roots(place.sessions, Signer(place.settings.vault_keys)).make(place.brand_id, datetime.now(UTC))
        return results + [_verified(place, filled, processes) for processes in (1, 2)]


def _verified(place: Yard, filled: int, processes: int) -> dict[str, Any]:
    began = time.perf_counter()
    report = verify(place.settings.database_url, place.brand_id, processes=processes)
    took = time.perf_counter() - began
    if report.problems:
        raise SystemExit(f"the generated log does not verify: {report.problems[:3]}")
    return {
        "what": f"verify {filled:,} lines, {processes} process{'es' if processes > 1 else ''}",
        "value": took * 1_000_000 / filled,
        "unit": "s for a million",
        "goal": "below 60",
        "took": took,
        "lines": report.lines[place.brand_id],
    }


def _appending(sessions: sessionmaker[Session], brand_id: str, seconds: float) -> Iterator[dict[str, Any]]:
    """Eight writers append: as it is, and as it would be under a lock of the brand."""

    def run(lock: bool) -> float:
        until, counts = time.perf_counter() + seconds, [0] * 8

        def write(number: int) -> None:
            while time.perf_counter() < until:
                with sessions.begin() as session:
                    if lock:
                        session.execute(
                            text("SELECT id FROM brands WHERE id = :id FOR UPDATE"), {"id": brand_id}
                        )
                    append_audit(session, brand_id, "bench", "bench_1", "counted", HANDSEL, START, CHANGE)
                    session.execute(text("SELECT pg_sleep(0.003)"))  # the rest of a change
                counts[number] += 1

        threads = [Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / seconds

    with sessions.begin() as session:
        append_audit(session, brand_id, "bench", "bench_1", "begun", HANDSEL, START)
    sequence_all(sessions)
    locked = run(True)
    yield {
        "what": "append, 8 writers of one brand, changes of 3 ms",
        "value": run(False),
        "unit": "changes/s",
        "under a lock of the brand": locked,
    }
    began = time.perf_counter()
    count = sequence_all(sessions)
    yield {
        "what": f"sequence {count:,} queued events",
        "value": count / (time.perf_counter() - began),
        "unit": "lines/s",
    }


def _fill(place: Yard, brand_id: str, events: int) -> int:
    """Generate a log of so many events behind the lines that are there, as the owner of the tables."""
    url = place.settings.migration_url.replace("+psycopg", "", 1)
    with psycopg.connect(url) as connection:
        head = connection.execute(
            "SELECT sequence, hash FROM audit_heads WHERE brand_id = %s FOR UPDATE", (brand_id,)
        ).fetchone()
        sequence, previous = head or (0, "")
        campaign = derived_id("campaign", "bench")
        connection.execute(
            "INSERT INTO campaigns (id, brand_id, name, type, status, currency, budget_amount, brief, offer,"
            " policy) VALUES (%s, %s, 'audit', 'paid', 'live', 'USD', 0, '{}', '{}', '{}')",
            (campaign, brand_id),
        )
        connection.execute("ALTER TABLE events DISABLE TRIGGER queue_for_audit")
        connection.execute("SET session_replication_role = replica")
        people = range(events // PER_COLLABORATION)
        rows: list[Any] = []
        lines: list[Any] = []
        with connection.cursor() as cursor:
            collaborations = [derived_id("collaboration", "bench", number) for number in people]
            heads: dict[str, str] = dict.fromkeys(collaborations, "")
            for place_, of in ((p, one) for p in range(1, PER_COLLABORATION + 1) for one in collaborations):
                at = START + timedelta(seconds=sequence)
                data = CHANGE | {"report_id": f"gates_{sequence:026}"}
                body = event_body(
                    collaboration_id=of, sequence=place_, request_id=f"clock:{place_}", name="parcel_scanned",
                    stage="shipped", command="scan", actor_kind="carrier", actor_id=f"evt_{sequence}",
                    at=at, data=data,
                )  # fmt: skip
                sealed = event_hash(heads[of], body)
                rows.append((of, place_, f"clock:{place_}", "parcel_scanned", "shipped", "scan", "carrier",
                             f"evt_{sequence}", at, json.dumps(data), heads[of], sealed))  # fmt: skip
                content = event_content(
                    brand_id=brand_id, collaboration_id=of, event="parcel_scanned", event_sequence=place_,
                    event_hash=sealed, actor_kind="carrier", actor_id=f"evt_{sequence}", at=at,
                )  # fmt: skip
                digest = hashlib.sha256(canonical(content)).hexdigest()
                heads[of], sequence = sealed, sequence + 1
                link = link_hash(sequence, previous, digest)
                lines.append((brand_id, sequence, of, place_, None, digest, previous, link))
                previous = link
                if len(rows) >= 20_000:
                    _copy(cursor, rows, lines)
            _copy(cursor, rows, lines)
            with cursor.copy(
                "COPY collaborations (id, brand_id, campaign_id, creator_id, offer_id, stage, since,"
                " sequence, head, state) FROM STDIN"
            ) as copy:
                for of, sealed in heads.items():
                    copy.write_row((of, brand_id, campaign, of, "offer_x", "shipped", moment(START),
                                    PER_COLLABORATION, sealed, "{}"))  # fmt: skip
        connection.execute(
            "UPDATE audit_heads SET sequence = %s, hash = %s WHERE brand_id = %s",
            (sequence, previous, brand_id),
        )
        connection.commit()
        connection.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER queue_for_audit")
        connection.commit()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return sequence


def _copy(cursor: psycopg.Cursor[Any], rows: list[Any], lines: list[Any]) -> None:
    with cursor.copy(
        "COPY events (collaboration_id, sequence, request_id, name, stage, command, actor_kind, actor_id, at,"
        " data, previous_hash, hash) FROM STDIN"
    ) as copy:
        for row in rows:
            copy.write_row(row)
    with cursor.copy(
        "COPY audit_lines (brand_id, sequence, collaboration_id, event_sequence, fact_id, digest,"
        " previous_hash, hash) FROM STDIN"
    ) as copy:
        for line in lines:
            copy.write_row(line)
    rows.clear()
    lines.clear()
