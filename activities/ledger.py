"""Posting to the ledger: the only code that writes accounts, entries and movements.

Accounts are made sure of and locked in sorted order before anything is taken from them; the balance that
the lock protects is kept beside the movements (docs/decisions/0002-balances-under-the-lock.md). The same key
counts once; the same key with other content is refused. Never post where a rollback is not possible.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from domain.errors import Defect, IdempotencyConflict, SoldOut
from domain.ledger import NewEntry, actor_text, is_budget, may_go_negative
from domain.roles import Actor
from infra.tables import Account, Entry, Movement


class Posted(NamedTuple):
    """The entry of a key, and whether it was there already."""

    entry_id: str
    repeated: bool


def post(session: Session, entry: NewEntry, *, brand_id: str, actor: Actor, at: datetime) -> Posted:
    """Post an entry in the session's transaction. `at` is aware.

    Raises `IdempotencyConflict` when its key was posted with other content, `SoldOut` (code `budget_short`)
    when a campaign's budget does not cover it, and `Defect` when any other account does not: after an error
    the transaction must be rolled back.
    """
    balances = _lock(session, entry)
    head = {"brand_id": brand_id, "actor": actor_text(actor), "at": at}
    if not _write_head(session, entry, head):
        return Posted(_first(session, entry), repeated=True)
    changes = entry.changes()
    for account, balance in balances.items():
        _require_cover(account, balance, changes[account])
    session.execute(insert(Movement), _movements(entry))
    session.execute(_CHANGE_BALANCES, {"names": list(changes), "amounts": list(changes.values())})
    return Posted(entry.id, repeated=False)


def balance_of(session: Session, account: str) -> int:
    """The balance of an account, minor units; zero when nothing was ever posted to it."""
    return session.scalar(select(Account.balance).where(Account.name == account)) or 0


_CHANGES = (
    select(
        func.unnest(bindparam("names", type_=ARRAY(Text))).label("name"),
        func.unnest(bindparam("amounts", type_=ARRAY(BigInteger))).label("amount"),
    )
).subquery("changes")
_CHANGE_BALANCES = (
    update(Account)
    .where(Account.name == _CHANGES.c.name)
    .values(balance=Account.balance + _CHANGES.c.amount)
    .execution_options(synchronize_session=False)
)


def _lock(session: Session, entry: NewEntry) -> dict[str, int]:
    """Make sure of the accounts, lock them in sorted order, and give their balances."""
    currency = {name: line.currency for line in entry.lines for name in (line.source, line.destination)}
    rows = [
        {"name": name, "currency": currency[name], "may_go_negative": may_go_negative(name), "balance": 0}
        for name in entry.accounts
    ]
    session.execute(postgresql.insert(Account).values(rows).on_conflict_do_nothing(index_elements=["name"]))
    found = session.execute(
        select(Account.name, Account.balance, Account.currency)
        .where(Account.name.in_(entry.accounts))
        .order_by(Account.name)
        .with_for_update()
    ).all()
    for row in found:
        if row.currency != currency[row.name]:
            raise Defect(f"{row.name} is kept in {row.currency}, not in {currency[row.name]}")
    return {row.name: row.balance for row in found}


def _write_head(session: Session, entry: NewEntry, head: dict[str, object]) -> bool:
    """Write the entry's own row; False when its key is taken."""
    written = session.scalar(
        postgresql.insert(Entry)
        .values(
            id=entry.id,
            key=entry.key,
            input_hash=entry.input_hash,
            kind=entry.kind,
            collaboration_id=entry.collaboration_id,
            reverses_id=entry.reverses_id,
            reason=entry.reason,
            **head,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Entry.id)
    )
    return written is not None


def _first(session: Session, entry: NewEntry) -> str:
    """The entry that has this key already; refuses other content under it."""
    first = session.execute(select(Entry.id, Entry.input_hash).where(Entry.key == entry.key)).one()
    if first.input_hash != entry.input_hash:
        raise IdempotencyConflict(
            f"the entry {entry.key} was posted with other content", code="entry_differs"
        )
    return str(first.id)


def _require_cover(account: str, balance: int, change: int) -> None:
    if balance + change >= 0 or may_go_negative(account):
        return
    if is_budget(account):
        raise SoldOut("the campaign's budget does not cover another fee", code="budget_short")
    raise Defect(f"{account} holds {balance} and {-change} is asked of it", code="account_short")


def _movements(entry: NewEntry) -> list[dict[str, object]]:
    return [
        {"entry_id": entry.id, "line": number, **line.model_dump()}
        for number, line in enumerate(entry.lines, 1)
    ]
