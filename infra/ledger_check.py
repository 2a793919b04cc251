"""Proves that the books, the promises and the histories are whole, and names every row that is not.

Reads only; never mends anything: a difference is for a person. Run it as
`handsel ledger check`; the lifecycle and fault tests end with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Row, func, select, text
from sqlalchemy.orm import Session

from domain.chain import Sealed, event_body, first_broken
from domain.ledger import kind_of
from domain.stages import ENDS
from infra.books import digest_of
from infra.books import trial_balance as trial_balance_of
from infra.ledger_content import changed_entries
from infra.ledger_rules import ENTRIES, GOODS, STRIPE
from infra.tables import Account, Collaboration, Event, Period

_PAGE: Final = 2000


class Problem(NamedTuple):
    """One broken promise: which rule, which row, and what is wrong in a plain sentence."""

    rule: str
    subject: str
    message: str


class Balance(NamedTuple):
    """What all accounts of one kind hold together in one currency, minor units."""

    kind: str
    currency: str
    amount: int


def check(session: Session) -> list[Problem]:
    """Every problem, ordered by rule; an empty list when all is well.

    While others write, use `check_snapshot`: the rules must look at one moment.
    """
    return [problem for rule in RULES for problem in rule(session)]


def check_snapshot(engine: Engine) -> tuple[list[Problem], list[Balance]]:
    """Every problem and the trial balance, both as of one moment."""
    with Session(engine.execution_options(isolation_level="REPEATABLE READ")) as session:
        return check(session), trial_balance(session)


def trial_balance(session: Session) -> list[Balance]:
    """Accounts summed by kind (`creator:owed`, `world`, ...) and currency; each currency sums to zero."""
    totals: dict[tuple[str, str], int] = {}
    for row in session.execute(select(Account.name, Account.currency, Account.balance)):
        key = (kind_of(row.name), row.currency)
        totals[key] = totals.get(key, 0) + row.balance
    return [Balance(*key, amount) for key, amount in sorted(totals.items())]


def verify_chain(session: Session, collaboration_id: str) -> list[Problem]:
    """Whether one collaboration's history is what was sealed, up to what its row remembers."""
    if session.get(Collaboration, collaboration_id) is None:
        return [Problem("chain", collaboration_id, "there is no such collaboration")]
    return list(_histories(session, [collaboration_id]))


# --- rules in SQL: each gives (subject, message) of what breaks it ----------------------------------

_QUERIES: dict[str, str] = {
    "trial_balance": """
        SELECT currency, 'all accounts together hold ' || sum(balance) || ', not 0'
        FROM accounts GROUP BY currency HAVING sum(balance) <> 0""",
    "balance_is_sum": """
        SELECT a.name, 'the balance says ' || a.balance || ', the movements ' || coalesce(m.total, 0)
        FROM accounts a
        LEFT JOIN (
            SELECT name, sum(amount) AS total FROM (
                SELECT destination AS name, amount FROM movements
                UNION ALL SELECT source, -amount FROM movements
            ) lines GROUP BY name
        ) m ON m.name = a.name
        WHERE a.balance <> coalesce(m.total, 0)""",
    "covered": """
        SELECT name, 'the balance is ' || balance
        FROM accounts WHERE balance < 0 AND (NOT may_go_negative OR name NOT LIKE 'world:%')""",
    "one_currency": """
        SELECT m.entry_id, 'a line in ' || m.currency || ' touches ' || a.name || ' in ' || a.currency
        FROM movements m JOIN accounts a ON a.name IN (m.source, m.destination)
        WHERE a.currency <> m.currency""",
    "entry_has_lines": """
        SELECT e.key, 'the entry has no line'
        FROM entries e WHERE NOT EXISTS (SELECT FROM movements m WHERE m.entry_id = e.id)""",
    "sent_once": """
        SELECT p.id, 'the payout is ' || p.state || ' with ' || count(a.number) || ' sent attempts, '
            || count(a.stripe_transfer_id) || ' transfer ids and ' || count(e.id) || ' sent entries'
        FROM payouts p
        LEFT JOIN payout_attempts a ON a.payout_id = p.id AND a.state = 'sent'
        LEFT JOIN entries e ON e.key = 'sent/' || p.id || '/' || a.number
            AND e.reason = a.stripe_transfer_id
        GROUP BY p.id, p.state
        HAVING count(a.number) <> (p.state IN ('sent', 'confirmed'))::int
            OR count(a.stripe_transfer_id) <> count(a.number) OR count(e.id) <> count(a.number)""",
    "one_attempt_under_way": """
        SELECT p.id, 'the payout is ' || p.state || ' with ' || count(a.number) || ' attempts under way'
        FROM payouts p
        LEFT JOIN payout_attempts a ON a.payout_id = p.id AND a.state IN ('open', 'unknown')
        GROUP BY p.id, p.state
        HAVING count(a.number) <> (p.state IN ('sending', 'unknown'))::int""",
    "in_transit": """
        SELECT p.id, 'the payout is ' || p.state || ' and ' || coalesce(a.balance, 0) || ' is in transit'
        FROM payouts p LEFT JOIN accounts a ON a.name = 'payout:' || p.id || ':in_transit'
        WHERE coalesce(a.balance, 0)
            <> CASE WHEN p.state IN ('sending', 'unknown') THEN p.amount ELSE 0 END""",
    "owed": """
        SELECT coalesce(a.name, p.name), 'the account owes ' || coalesce(a.balance, 0)
            || ', the ready payouts ' || coalesce(p.total, 0)
        FROM (SELECT name, balance FROM accounts WHERE name LIKE 'creator:%:owed:%') a
        FULL JOIN (
            SELECT 'creator:' || creator_id || ':owed:' || currency AS name, sum(amount) AS total
            FROM payouts WHERE state = 'ready' GROUP BY 1
        ) p ON p.name = a.name
        WHERE coalesce(a.balance, 0) <> coalesce(p.total, 0)""",
    "stock": """
        SELECT v.id, v.reserved || ' pieces are promised, the parcels say ' || coalesce(s.total, 0)
        FROM variants v
        LEFT JOIN (
            SELECT variant_id,
                sum((kind <> 'resent')::int - (state = 'cancelled')::int) AS total
            FROM shipments GROUP BY variant_id
        ) s ON s.variant_id = v.id
        WHERE v.reserved <> coalesce(s.total, 0)""",
    "state_is_row": """
        SELECT id, 'the columns differ from the state'
        FROM collaborations
        WHERE stage <> state->>'stage' OR sequence <> (state->>'sequence')::int
            OR attention IS DISTINCT FROM state->>'attention'""",
}

_QUERIES |= GOODS | STRIPE | ENTRIES

_HELD: Final = text(r"""
    SELECT c.id, c.stage, coalesce(a.balance, 0) AS balance,
        CASE WHEN c.stage = ANY(:ends) OR h.id IS NULL OR v.id IS NOT NULL THEN 0
            ELSE (c.state->'fee'->>'amount')::bigint - coalesce(e.amount, 0) END AS expected
    FROM collaborations c
    LEFT JOIN accounts a ON a.name = 'collaboration:' || c.id || '\:held'
    LEFT JOIN entries h ON h.key = 'held/' || c.id
    LEFT JOIN entries v ON v.key = 'voided/' || c.id
    LEFT JOIN (
        SELECT earned.collaboration_id, sum(m.amount) AS amount
        FROM entries earned JOIN movements m ON m.entry_id = earned.id
        WHERE earned.kind = 'fee_earned'
            AND NOT EXISTS (SELECT FROM entries back WHERE back.reverses_id = earned.id)
        GROUP BY earned.collaboration_id
    ) e ON e.collaboration_id = c.id
""")


def _held(session: Session) -> Iterator[Problem]:
    """Each part of the fee is held from acceptance until it is earned, and nothing is held for who ended."""
    for row in session.execute(_HELD, {"ends": [stage.value for stage in ENDS]}):
        if row.balance != row.expected:
            message = f"{row.balance} is held at stage {row.stage}, {row.expected} should be"
            yield Problem("held", row.id, message)


def _content(session: Session) -> Iterator[Problem]:
    """Every entry says what it said when it was posted."""
    for key, message in changed_entries(session):
        yield Problem("entry_content", key, message)


def _periods(session: Session) -> Iterator[Problem]:
    """The books at the end of a closed month are those that it was closed with."""
    for period in session.scalars(select(Period).where(Period.state == "closed")):
        at = period.ends_at - timedelta(microseconds=1)
        if digest_of(trial_balance_of(session, period.brand_id, at=at, by="account")) != period.digest:
            subject = f"{period.brand_id}/{period.month}"
            yield Problem("period_frozen", subject, "the books differ from those it was closed with")


def _query(rule: str, sql: str) -> Callable[[Session], Iterator[Problem]]:
    def rows(session: Session) -> Iterator[Problem]:
        for subject, message in session.execute(text(sql.replace(":", r"\:"))):
            yield Problem(rule, subject, message)

    return rows


# --- histories ----------------------------------------------------------------------------------


def _chains(session: Session) -> Iterator[Problem]:
    """Every history, page by page."""
    after = ""
    while True:
        page = (
            select(Collaboration.id).where(Collaboration.id > after).order_by(Collaboration.id).limit(_PAGE)
        )
        last = session.scalar(select(func.max(page.subquery().c.id)))
        if last is None:
            return
        yield from _histories(session, page)
        after = last


def _histories(session: Session, which: Any) -> Iterator[Problem]:
    rows = session.execute(
        select(
            Collaboration.id, Collaboration.head, Collaboration.sequence.label("newest"), *Event.__table__.c
        )
        .outerjoin(Event, Event.collaboration_id == Collaboration.id)
        .where(Collaboration.id.in_(which))
        .order_by(Collaboration.id, Event.sequence)
        .execution_options(yield_per=_PAGE)
    )
    for collaboration_id, lines in groupby(rows, key=lambda row: row.id):
        history = list(lines)
        events = [_sealed(row) for row in history if row.sequence is not None]
        newest, broken = history[0].newest, first_broken(events, history[0].head)
        if broken is not None:
            message = f"the history is not what was sealed, from event {broken}"
            yield Problem("chain", collaboration_id, message)
        elif newest != len(events):
            message = f"the history has {len(events)} events, the row says {newest}"
            yield Problem("chain", collaboration_id, message)


def _sealed(row: Row[Any]) -> Sealed:
    body = event_body(
        collaboration_id=row.collaboration_id,
        sequence=row.sequence,
        request_id=row.request_id,
        name=row.name,
        stage=row.stage,
        command=row.command,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        at=row.at,
        data=row.data,
    )
    return Sealed(body, row.previous_hash, row.hash)


RULES: Final[list[Callable[[Session], Iterator[Problem]]]] = [
    *(_query(rule, sql) for rule, sql in _QUERIES.items()),
    _held,
    _content,
    _periods,
    _chains,
]
"""Every rule."""
NAMES: Final = (*_QUERIES, "held", "entry_content", "period_frozen", "chain")
"""Their names; docs/ledger.md explains each."""
