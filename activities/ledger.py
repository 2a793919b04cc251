"""Posting to the ledger: the only code that writes accounts, entries and movements.

Accounts are made sure of and locked in sorted order before anything is taken from them; the balance that
the lock protects is kept beside the movements (docs/decisions/0002-balances-under-the-lock.md). The same key
counts once; the same key with other content is refused. Never post where a rollback is not possible.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import CursorResult, select, text
from sqlalchemy.orm import Session

from domain.errors import Defect, IdempotencyConflict, SoldOut
from domain.ledger import NewEntry, actor_text, is_budget, may_go_negative
from domain.roles import Actor
from infra.tables import Account, Entry

# Rows come in sorted order and are locked one after the other; the update changes nothing, it only waits for
# the lock and reads what the balance is then.
_LOCK: Final = text("""
    INSERT INTO accounts (name, currency, may_go_negative, balance)
    SELECT a.name, a.currency, a.may_go_negative, 0
    FROM unnest(CAST(:names AS text[]), CAST(:currencies AS text[]), CAST(:overdrafts AS boolean[]))
        WITH ORDINALITY AS a(name, currency, may_go_negative, place)
    ORDER BY a.place
    ON CONFLICT (name) DO UPDATE SET balance = accounts.balance
    RETURNING name, currency, balance
""")

# One statement, so that entry, lines and balances can only come together; nothing happens for a known key.
_POST: Final = text("""
    WITH head AS (
        INSERT INTO entries
            (id, key, input_hash, kind, brand_id, collaboration_id, reverses_id, reason, actor, at)
        VALUES
            (:id, :key, :input_hash, :kind, :brand_id, :collaboration_id, :reverses_id, :reason, :actor,
             -- What comes late for a month that is closed is dated at the beginning of the open one.
             GREATEST(CAST(:at AS timestamptz), (
                 SELECT max(ends_at) FROM periods WHERE brand_id = :brand_id AND state = 'closed'
             )))
        ON CONFLICT (key) DO NOTHING
        RETURNING id
    ), written AS (
        INSERT INTO movements (entry_id, line, source, destination, currency, amount)
        SELECT head.id, l.line, l.source, l.destination, l.currency, l.amount
        FROM head, unnest(
            CAST(:sources AS text[]), CAST(:destinations AS text[]),
            CAST(:line_currencies AS text[]), CAST(:amounts AS bigint[])
        ) WITH ORDINALITY AS l(source, destination, currency, amount, line)
    )
    UPDATE accounts SET balance = balance + change.amount
    FROM head, unnest(CAST(:names AS text[]), CAST(:changes AS bigint[])) AS change(name, amount)
    WHERE accounts.name = change.name
""")


class Posted(NamedTuple):
    """The entry of a key, and whether it was there already."""

    entry_id: str
    repeated: bool


def post(session: Session, entry: NewEntry, *, brand_id: str, actor: Actor, at: datetime) -> Posted:
    """Post an entry in the session's transaction. `at` is aware; in a closed month, the open one begins.

    Raises `IdempotencyConflict` when its key was posted with other content, `SoldOut` (code `budget_short`)
    when a campaign's budget does not cover it, and `Defect` when any other account does not: after an error
    the transaction must be rolled back.
    """
    balances, changes = _lock(session, entry), entry.changes()
    short = [name for name, balance in balances.items() if not _covers(name, balance + changes[name])]
    if not short and _write(session, entry, changes, brand_id=brand_id, actor=actor_text(actor), at=at):
        return Posted(entry.id, repeated=False)
    if _is_known(session, entry):
        return Posted(entry.id, repeated=True)
    raise _shortage(short[0], balances[short[0]], changes[short[0]])


def balance_of(session: Session, account: str) -> int:
    """The balance of an account, minor units; zero when nothing was ever posted to it."""
    return session.scalar(select(Account.balance).where(Account.name == account)) or 0


def _lock(session: Session, entry: NewEntry) -> dict[str, int]:
    """Make sure of the accounts, lock them in sorted order, and give their balances."""
    currency = {name: line.currency for line in entry.lines for name in (line.source, line.destination)}
    names = entry.accounts
    found = session.execute(
        _LOCK,
        {
            "names": names,
            "currencies": [currency[name] for name in names],
            "overdrafts": [may_go_negative(name) for name in names],
        },
    ).all()
    for row in found:
        if row.currency != currency[row.name]:
            raise Defect(f"{row.name} is kept in {row.currency}, not in {currency[row.name]}")
    return {row.name: row.balance for row in found}


def _write(session: Session, entry: NewEntry, changes: dict[str, int], **head: Any) -> bool:
    """Write entry, lines and balances together; False when the key is taken and nothing was written."""
    done = session.execute(
        _POST,
        {
            **head,
            "id": entry.id,
            "key": entry.key,
            "input_hash": entry.input_hash,
            "kind": entry.kind,
            "collaboration_id": entry.collaboration_id,
            "reverses_id": entry.reverses_id,
            "reason": entry.reason,
            "sources": [line.source for line in entry.lines],
            "destinations": [line.destination for line in entry.lines],
            "line_currencies": [line.currency for line in entry.lines],
            "amounts": [line.amount for line in entry.lines],
            "names": list(changes),
            "changes": list(changes.values()),
        },
    )
    return isinstance(done, CursorResult) and done.rowcount > 0


def _is_known(session: Session, entry: NewEntry) -> bool:
    """Whether this very entry is posted; refuses other content under its key."""
    posted = session.scalar(select(Entry.input_hash).where(Entry.key == entry.key))
    if posted is not None and posted != entry.input_hash:
        raise IdempotencyConflict(f"{entry.key} was posted with other content", code="entry_differs")
    return posted is not None


def _covers(account: str, balance: int) -> bool:
    return balance >= 0 or may_go_negative(account)


def _shortage(account: str, balance: int, change: int) -> Defect | SoldOut:
    if is_budget(account):
        return SoldOut("the campaign's budget does not cover another fee", code="budget_short")
    return Defect(f"{account} holds {balance} and {-change} is asked of it", code="account_short")
