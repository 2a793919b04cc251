"""Copies Stripe's balance transactions by cursor: never misses one, never doubles one, outlives a crash.

Rows and cursor are written together, page by page. The first time it works its way from the newest row back
to the oldest; from then on forward from a little before the newest, since Stripe may show a row late.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.payments_port import PaymentsGateway, RowGone, RowPage, StripeRow
from infra.tables import StripeCursor, StripeMovement

CURSOR: Final = "balance_transactions"
OVERLAP: Final = timedelta(minutes=10)
"""How far back a copy begins: a row that Stripe shows late lies within it."""
_CANDIDATES: Final = 5
"""Rows that a copy tries to begin from, when Stripe does not know them any more."""
_REFRESHED: Final = 500

# xmax is zero for a row that this statement inserted.
_WRITE: Final = text("""
    INSERT INTO stripe_movements
        (id, type, category, amount, fee, net, currency, source, transfer_group, status, created_at,
         available_on, copied_at, matched_to)
    SELECT
        id, type, category, amount, fee, net, currency, source, transfer_group, status, created,
        available_on, :now, ''
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told(
        id text, type text, category text, amount bigint, fee bigint, net bigint, currency text,
        source text, transfer_group text, status text, created timestamptz, available_on timestamptz
    )
    ON CONFLICT (id) DO UPDATE SET
        amount = excluded.amount, fee = excluded.fee, net = excluded.net, currency = excluded.currency,
        status = excluded.status,
        matched_at = CASE
            WHEN (stripe_movements.amount, stripe_movements.fee, stripe_movements.net,
                stripe_movements.currency)
                = (excluded.amount, excluded.fee, excluded.net, excluded.currency)
            THEN stripe_movements.matched_at
        END
    WHERE (stripe_movements.amount, stripe_movements.fee, stripe_movements.net, stripe_movements.currency,
            stripe_movements.status)
        <> (excluded.amount, excluded.fee, excluded.net, excluded.currency, excluded.status)
    RETURNING xmax = 0 AS is_new
""")

Beat = Callable[[], Any]

log = structlog.get_logger()


def copy_rows(sessions: sessionmaker[Session], gateway: PaymentsGateway, beat: Beat) -> int:
    """Copy what is new; how many rows that were. Raises what the gateway raises; call it again then."""
    with sessions.begin() as session:
        session.execute(insert(StripeCursor).values(_fresh()).on_conflict_do_nothing())
    try:
        copied = _copy_back(sessions, gateway, beat)
        return copied + _copy_forward(sessions, gateway, beat)
    except RowGone:
        log.warning("stripe_rows_gone")
        with sessions.begin() as session:  # nothing to hold on to: from the beginning, where nothing doubles
            cursor = session.get_one(StripeCursor, CURSOR)
            cursor.newest_id, cursor.oldest_id, cursor.reached_begin = "", "", False
        return _copy_back(sessions, gateway, beat)


def _fresh() -> dict[str, Any]:
    return {"name": CURSOR, "newest_id": "", "oldest_id": "", "reached_begin": False, "rows": 0}


def _copy_back(sessions: sessionmaker[Session], gateway: PaymentsGateway, beat: Beat) -> int:
    """From the newest row, or from where this stopped, to the oldest."""
    copied = 0
    while True:
        beat()
        with sessions() as session:
            cursor = session.get_one(StripeCursor, CURSOR)
        if cursor.reached_begin:
            return copied
        page = gateway.rows(older_than=cursor.oldest_id)
        copied += _keep(sessions, page, back=True)


def _copy_forward(sessions: sessionmaker[Session], gateway: PaymentsGateway, beat: Beat) -> int:
    """From a little before the newest row to the newest that there is."""
    starts = _starts(sessions)
    if not starts:  # Stripe had no row at all until now
        page = gateway.rows()
        copied = _keep(sessions, page, back=True)
        return copied + _copy_back(sessions, gateway, beat)
    page = _first_known(gateway, starts)
    copied = _keep(sessions, page)
    while page.more:
        beat()
        page = gateway.rows(newer_than=page.rows[0].id)
        copied += _keep(sessions, page)
    return copied


def _first_known(gateway: PaymentsGateway, starts: list[str]) -> RowPage:
    for start in starts[:-1]:
        try:
            return gateway.rows(newer_than=start)
        except RowGone:
            continue
    return gateway.rows(newer_than=starts[-1])


def _starts(sessions: sessionmaker[Session]) -> list[str]:
    """Rows to begin from, best first: the newest beyond the overlap and those before it, or the oldest."""
    at, id_ = StripeMovement.created_at, StripeMovement.id
    with sessions() as session:
        newest = session.scalar(select(func.max(at)))
        if newest is None:
            return []
        beyond = select(id_).where(at <= newest - OVERLAP).order_by(at.desc(), id_.desc()).limit(_CANDIDATES)
        cursor = session.get_one(StripeCursor, CURSOR)
        return [*session.scalars(beyond), cursor.oldest_id]


def _keep(sessions: sessionmaker[Session], page: RowPage, *, back: bool = False) -> int:
    """Write a page and how far it goes, together; how many rows were new."""
    with sessions.begin() as session:
        new = sum(_write(session, page.rows)) if page.rows else 0
        cursor = session.get_one(StripeCursor, CURSOR, with_for_update=True)
        cursor.rows += new
        if back:
            cursor.reached_begin = not page.more
            if page.rows:
                cursor.oldest_id = page.rows[-1].id
                cursor.newest_id = cursor.newest_id or page.rows[0].id
        elif page.rows:
            cursor.newest_id = page.rows[0].id
        return new


def _write(session: Session, rows: list[StripeRow]) -> list[bool]:
    """Insert rows; one that says something else than its copy is taken over, to be compared anew."""
    told = "[" + ",".join(row.model_dump_json() for row in rows) + "]"
    result = session.execute(_WRITE, {"rows": told, "now": datetime.now(UTC)})
    return [bool(row.is_new) for row in result]


def refresh_pending(sessions: sessionmaker[Session], gateway: PaymentsGateway, now: datetime) -> None:
    """Ask for rows that should be available by now."""
    due = (
        select(StripeMovement.id)
        .where(StripeMovement.status == "pending", StripeMovement.available_on <= now)
        .limit(_REFRESHED)
    )
    with sessions() as session:
        ids = list(session.scalars(due))
    for row_id in ids:
        row = gateway.row(row_id)
        if row is not None:
            with sessions.begin() as session:
                _write(session, [row])


def settled_totals(
    sessions: sessionmaker[Session], gateway: PaymentsGateway, beat: Beat
) -> dict[str, tuple[int, int]] | None:
    """By currency: what the copied rows add up to, and what Stripe says it holds. None while money moves."""
    for _ in range(3):
        before = gateway.whole_balance()
        if copy_rows(sessions, gateway, beat) == 0 and gateway.whole_balance() == before:
            query = select(StripeMovement.currency, func.sum(StripeMovement.net)).group_by(
                StripeMovement.currency
            )
            with sessions() as session:
                sums = {currency: int(total) for currency, total in session.execute(query)}
            return {name: (sums.get(name, 0), before.get(name, 0)) for name in sorted({*sums, *before})}
    return None
