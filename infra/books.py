"""Reads the books of one brand: trial balance, statement of an account, balance at any moment.

Everything is added up from the movements, never from the balance that a lock protects, so that the past can
be asked as well as the present. A balance at a moment counts what is dated up to and including it; a
statement counts from its first moment on and up to, not including, its last. Reads only.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.ledger import kind_of

By = Literal["kind", "account"]


class TrialLine(NamedTuple):
    """What one account, or all accounts of one kind, took, gave and hold. Minor units."""

    account: str
    currency: str
    taken: int
    given: int

    @property
    def balance(self) -> int:
        """What is there."""
        return self.taken - self.given


class StatementLine(NamedTuple):
    """One entry as an account sees it. `amount` is below zero for what it gave."""

    entry_id: str
    number: int
    at: datetime
    kind: str
    key: str
    collaboration_id: str | None
    actor: str
    reason: str
    reverses_id: str | None
    others: list[str]
    amount: int
    balance: int


class Statement(NamedTuple):
    """An account between two moments."""

    account: str
    currency: str
    since: datetime | None
    until: datetime | None
    opening: int
    lines: list[StatementLine]
    closing: int
    more: bool
    """Whether lines follow; the closing balance counts them all the same."""


_TRIAL: Final = text("""
    SELECT name, currency, sum(taken) AS taken, sum(given) AS given FROM (
        SELECT m.destination AS name, m.currency, m.amount AS taken, 0 AS given
        FROM movements m JOIN entries e ON e.id = m.entry_id
        WHERE e.brand_id = :brand_id AND (CAST(:at AS timestamptz) IS NULL OR e.at <= :at)
        UNION ALL
        SELECT m.source, m.currency, 0, m.amount
        FROM movements m JOIN entries e ON e.id = m.entry_id
        WHERE e.brand_id = :brand_id AND (CAST(:at AS timestamptz) IS NULL OR e.at <= :at)
    ) sides GROUP BY name, currency ORDER BY name, currency
""")

_CURRENCY: Final = text("""
    SELECT m.currency FROM movements m JOIN entries e ON e.id = m.entry_id
    WHERE e.brand_id = :brand_id AND (m.source = :account OR m.destination = :account) LIMIT 1
""")

# Amounts are added up as numeric; whole minor units all the same.
_SUM: Final = """
    SELECT coalesce(sum(CASE WHEN m.destination = :account THEN m.amount ELSE -m.amount END), 0)
    FROM movements m JOIN entries e ON e.id = m.entry_id
    WHERE e.brand_id = :brand_id AND (m.source = :account OR m.destination = :account)
"""

_LINES: Final = """
    SELECT e.id, e.number, e.at, e.kind, e.key, e.collaboration_id, e.actor, e.reason, e.reverses_id,
        array_agg(DISTINCT CASE WHEN m.destination = :account THEN m.source ELSE m.destination END) AS others,
        sum(CASE WHEN m.destination = :account THEN m.amount ELSE -m.amount END) AS amount
    FROM movements m JOIN entries e ON e.id = m.entry_id
    WHERE e.brand_id = :brand_id AND (m.source = :account OR m.destination = :account)
"""


def trial_balance(
    session: Session, brand_id: str, *, at: datetime | None = None, by: By = "kind"
) -> list[TrialLine]:
    """Every account (or kind of account) with what it took and gave up to `at`; sums to zero by currency."""
    totals: dict[tuple[str, str], list[int]] = {}
    for row in session.execute(_TRIAL, {"brand_id": brand_id, "at": at}):
        name = row.name if by == "account" else kind_of(row.name)
        total = totals.setdefault((name, row.currency), [0, 0])
        total[0] += int(row.taken)
        total[1] += int(row.given)
    return [TrialLine(*key, *total) for key, total in sorted(totals.items())]


def balance_at(session: Session, brand_id: str, account: str, at: datetime | None = None) -> tuple[int, str]:
    """What an account held at a moment, and its currency. Raises `NotFound` for no such account."""
    currency = _currency(session, brand_id, account)
    sql, values = _SUM, {"brand_id": brand_id, "account": account}
    if at is None:
        return int(session.scalar(text(sql), values) or 0), currency
    return int(session.scalar(text(f"{sql} AND e.at <= :at"), values | {"at": at}) or 0), currency


def statement(
    session: Session,
    brand_id: str,
    account: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Statement:
    """Opening balance, lines with the running balance, closing balance.

    `after` is the id of the entry after which the lines begin, `limit` how many there may be. Raises
    `NotFound` when the brand has no such account, or `after` is not on it.
    """
    currency = _currency(session, brand_id, account)
    whose = {"brand_id": brand_id, "account": account}
    opening = _sum_before(session, whose, since)
    closing = _sum_before(session, whose, until) if until else int(session.scalar(text(_SUM), whose) or 0)
    running, place = opening, None
    if after is not None:
        place = _place(session, whose, after)
        upto = f"{_SUM} AND (e.at, e.number) <= (:place_at, :place_number)"
        running = int(session.scalar(text(upto), whose | place) or 0)
    rows = _rows(session, whose, since, until, place, limit)
    lines = []
    for row in rows[:limit]:
        running += int(row.amount)
        lines.append(StatementLine._make((*row[:-1], int(row.amount), running)))
    more = limit is not None and len(rows) > limit
    return Statement(account, currency, since, until, opening, lines, closing, more)


def totals_of(lines: list[TrialLine]) -> list[dict[str, Any]]:
    """The trial balance by kind of account, as it is frozen."""
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (kind_of(line.account), line.currency)
        sums[key] = sums.get(key, 0) + line.balance
    return [
        {"account": account, "currency": currency, "balance": balance}
        for (account, currency), balance in sorted(sums.items())
    ]


def digest_of(lines: list[TrialLine]) -> str:
    """SHA-256 over the balance of every account that is not zero."""
    held = [[line.account, line.currency, line.balance] for line in lines if line.balance]
    return hashlib.sha256(json.dumps(held, separators=(",", ":")).encode()).hexdigest()


def _currency(session: Session, brand_id: str, account: str) -> str:
    found = session.scalar(_CURRENCY, {"brand_id": brand_id, "account": account})
    if found is None:
        raise NotFound("no entry of this brand touches such an account", field="account")
    return str(found)


def _sum_before(session: Session, whose: dict[str, Any], moment: datetime | None) -> int:
    if moment is None:
        return 0
    return int(session.scalar(text(f"{_SUM} AND e.at < :moment"), whose | {"moment": moment}) or 0)


def _place(session: Session, whose: dict[str, Any], entry_id: str) -> dict[str, Any]:
    query = text("SELECT at, number FROM entries WHERE id = :id AND brand_id = :brand_id")
    row = session.execute(query, {"id": entry_id, "brand_id": whose["brand_id"]}).one_or_none()
    if row is None:
        raise NotFound("no such entry", field="cursor")
    return {"place_at": row.at, "place_number": row.number}


def _rows(
    session: Session,
    whose: dict[str, Any],
    since: datetime | None,
    until: datetime | None,
    place: dict[str, Any] | None,
    limit: int | None,
) -> list[Any]:
    sql, values = _LINES, dict(whose)
    if since is not None:
        sql, values["since"] = f"{sql} AND e.at >= :since", since
    if until is not None:
        sql, values["until"] = f"{sql} AND e.at < :until", until
    if place is not None:
        sql, values = f"{sql} AND (e.at, e.number) > (:place_at, :place_number)", values | place
    sql += " GROUP BY e.id ORDER BY e.at, e.number"
    if limit is not None:
        sql, values["most"] = f"{sql} LIMIT :most", limit + 1
    return list(session.execute(text(sql), values).all())
