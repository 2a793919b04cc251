"""Compares Stripe's copied rows with our attempts, books Stripe's fees, and keeps the items of differences.

`domain.reconciliation` judges each pair. No money is moved or mended here: a difference becomes an item for a
person, and an item whose difference is gone is cleared. Comparing again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.ledger import post
from activities.stripe_rows import CURSOR, Beat
from domain.costs import stripe_fee_booked
from domain.ids import derived_id
from domain.ledger import actor_text
from domain.money import Money
from domain.receipts import follows
from domain.reconciliation import (
    IN_TRANSIT_AT_MOST,
    Ours,
    Theirs,
    Which,
    fee_of,
    judge,
)
from domain.roles import HANDSEL
from infra.audit.append import append_audit
from infra.tables import Brand, ReconciliationItem, StripeCursor

_PAGE: Final = 20_000
_BALANCE: Final = "balance:"

# What of ours moves Stripe's balance, by the id of what moved it there; out is below zero: transfers of
# attempts, and reversals that took money back.
_OURS: Final = """
    SELECT a.payout_id || '/' || a.number AS key, a.stripe_transfer_id AS source, -a.amount AS amount,
        a.currency, a.finished_at AS at, p.brand_id, p.collaboration_id
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    WHERE a.stripe_transfer_id IS NOT NULL
    UNION ALL
    SELECT c.payout_id || '/clawback/' || c.number, c.reversal_id, c.amount, c.currency, c.finished_at,
        p.brand_id, p.collaboration_id
    FROM clawbacks c JOIN payouts p ON p.id = c.payout_id
    WHERE c.reversal_id IS NOT NULL
"""
_PAIRS: Final = text(f"""
    SELECT m.id, m.type, m.amount, m.fee, m.currency, m.source, m.created_at,
        o.key, o.amount AS our_amount, o.currency AS our_currency, o.at,
        coalesce(o.brand_id, g.brand_id) AS brand_id,
        coalesce(o.collaboration_id, g.collaboration_id) AS collaboration_id
    FROM stripe_movements m
    LEFT JOIN ({_OURS}) o ON o.source = m.source
    LEFT JOIN payouts g ON m.transfer_group <> '' AND g.id = m.transfer_group
    WHERE m.matched_at IS NULL AND m.id > :after
    ORDER BY m.id LIMIT :most
""")  # noqa: S608 - the query above
_MATCH: Final = text("""
    UPDATE stripe_movements SET matched_to = v.matched_to, matched_at = :now
    FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[])) AS v(id, matched_to)
    WHERE stripe_movements.id = v.id
""")
_ALONE: Final = text(f"""
    SELECT o.* FROM ({_OURS}) o
    WHERE NOT EXISTS (SELECT FROM stripe_movements m WHERE m.source = o.source)
""")  # noqa: S608 - the query above
_SLOW_ATTEMPTS: Final = text("""
    SELECT a.payout_id || '/' || a.number AS subject, a.amount, a.currency, a.opened_at AS since, p.brand_id
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    WHERE a.state IN ('open', 'unknown') AND a.opened_at < :before
""")
_SLOW_ROWS: Final = text("""
    SELECT m.id AS subject, m.net AS amount, m.currency, m.available_on AS since, p.brand_id
    FROM stripe_movements m
    LEFT JOIN payout_attempts a ON a.stripe_transfer_id = m.source
    LEFT JOIN payouts p ON p.id = a.payout_id
    WHERE m.status = 'pending' AND m.available_on < :before
""")


_RECEIPTS: Final = text("""
    SELECT a.stripe_transfer_id AS transfer_id, a.amount AS sent, a.currency AS sent_currency, r.amount,
        r.currency, r.exchange_rate, r.at, p.brand_id
    FROM transfer_receipts r
    JOIN payout_attempts a ON a.stripe_transfer_id = r.transfer_id
    JOIN payouts p ON p.id = r.payout_id
    WHERE CASE WHEN r.exchange_rate = '' THEN (r.amount, r.currency) <> (a.amount, a.currency)
        ELSE abs(r.amount - a.amount * CAST(r.exchange_rate AS numeric)) > 1 END
""")
"""Receipts that do not plainly follow from what was sent; `domain.receipts` has the last word."""


class Difference(NamedTuple):
    """One line of a list."""

    which: Which
    subject: str
    currency: str
    ours: int | None
    theirs: int | None
    at: datetime
    brand_id: str | None

    @property
    def id(self) -> str:
        """The item: what differs, and by how much."""
        by = (self.theirs or 0) - (self.ours or 0)
        return derived_id("difference", self.which.value, self.subject, by)


class Compared(NamedTuple):
    """What a comparison did."""

    matched: int
    open_items: int


def compare(
    sessions: sessionmaker[Session],
    now: datetime,
    totals: Mapping[str, tuple[int, int]] | None,
    beat: Beat,
) -> Compared:
    """Judge everything that is not in order yet, as of `now`.

    `totals` is by currency what the copied rows add up to and what Stripe holds; None when unknown.
    """
    with sessions() as session:
        house = session.scalar(select(Brand.id).order_by(Brand.created_at, Brand.id).limit(1))
    found: list[Difference] = []
    matched, after = 0, ""
    while True:
        beat()
        with sessions.begin() as session:
            rows = session.execute(_PAIRS, {"after": after, "most": _PAGE}).all()
            matched += _judge_page(session, rows, now, house, found)
        if len(rows) < _PAGE:
            break
        after = rows[-1].id
    with sessions.begin() as session:
        found += _ours_alone(session, now)
        found += _slow(session, now)
        found += _misread(session)
        found += _unequal(session, totals or {}, now)
        open_items = _keep(session, found, now, house, balances_known=totals is not None)
    return Compared(matched, open_items)


def _judge_page(
    session: Session, rows: Any, now: datetime, house: str | None, found: list[Difference]
) -> int:
    ids, names = [], []
    for row in rows:
        theirs = Theirs(row.id, row.type, row.amount, row.fee, row.currency, row.created_at)
        ours = None
        if row.key is not None:
            ours = Ours(row.key, row.our_amount, row.our_currency, row.at)
        verdict = judge(ours, theirs, now)
        if verdict.matched_to:
            ids.append(row.id)
            names.append(verdict.matched_to)
            _book_fee(session, theirs, row, house)
        elif verdict.which is not None:
            subject = row.source or row.id
            amount = None if ours is None else ours.amount
            found.append(
                Difference(
                    verdict.which, subject, row.currency, amount, row.amount, row.created_at, row.brand_id
                )
            )
    if ids:
        session.execute(_MATCH, {"ids": ids, "names": names, "now": now})
    return len(ids)


def _book_fee(session: Session, theirs: Theirs, row: Any, house: str | None) -> None:
    fee, brand_id = fee_of(theirs), row.brand_id or house
    if fee > 0 and brand_id is not None:
        money = Money(amount=fee, currency=theirs.currency)
        entry = stripe_fee_booked(brand_id, theirs.id, money, row.collaboration_id)
        post(session, entry, brand_id=brand_id, actor=HANDSEL, at=theirs.at)


def _ours_alone(session: Session, now: datetime) -> Iterator[Difference]:
    for row in session.execute(_ALONE):
        verdict = judge(Ours(row.key, row.amount, row.currency, row.at), None, now)
        if verdict.which is not None:
            yield Difference(verdict.which, row.source, row.currency, row.amount, None, row.at, row.brand_id)


def _slow(session: Session, now: datetime) -> Iterator[Difference]:
    before = {"before": now - IN_TRANSIT_AT_MOST}
    for row in session.execute(_SLOW_ATTEMPTS, before):
        yield Difference(
            Which.IN_TRANSIT, row.subject, row.currency, -row.amount, None, row.since, row.brand_id
        )
    for row in session.execute(_SLOW_ROWS, before):
        yield Difference(
            Which.IN_TRANSIT, row.subject, row.currency, None, row.amount, row.since, row.brand_id
        )


def _misread(session: Session) -> Iterator[Difference]:
    """What arrived does not follow from what was sent and Stripe's own rate."""
    for row in session.execute(_RECEIPTS):
        sent = Money(amount=row.sent, currency=row.sent_currency)
        if not follows(sent, row.exchange_rate, Money(amount=row.amount, currency=row.currency)):
            by_rate = int(row.sent * Decimal(row.exchange_rate or 1))
            subject = f"receipt:{row.transfer_id}"
            yield Difference(Which.AMOUNT, subject, row.currency, by_rate, row.amount, row.at, row.brand_id)


def _unequal(session: Session, totals: Mapping[str, tuple[int, int]], now: datetime) -> Iterator[Difference]:
    """Rows that do not add up to Stripe's balance: one was missed, or is gone. Since the last good moment."""
    since = session.scalar(select(StripeCursor.complete_at).where(StripeCursor.name == CURSOR)) or now
    for currency, (ours, theirs) in totals.items():
        if ours != theirs:
            subject = f"{_BALANCE}{currency}"
            yield Difference(Which.AMOUNT, subject, currency, ours, theirs, since, None)


def _keep(
    session: Session,
    found: list[Difference],
    now: datetime,
    house: str | None,
    *,
    balances_known: bool,
) -> int:
    """Write the items of what differs, clear those of what differs no more; how many are open."""
    items = {one.id: one for one in found if (one.brand_id or house) is not None}
    query = select(ReconciliationItem.id, ReconciliationItem.state).where(ReconciliationItem.id.in_(items))
    known = {row.id: row.state for row in session.execute(query)}
    if items:
        write = insert(ReconciliationItem)
        session.execute(
            write.on_conflict_do_update(
                index_elements=[ReconciliationItem.id],
                set_={
                    "last_seen_at": now,
                    "our_amount": write.excluded.our_amount,
                    "their_amount": write.excluded.their_amount,
                },
            ),
            [_values(one, now, one.brand_id or house) for one in items.values()],
        )
    back = [id_ for id_, state in known.items() if state == "cleared"]
    session.execute(
        update(ReconciliationItem)
        .where(ReconciliationItem.id.in_(back))
        .values(state="open", ended_at=None, ended_by="")
    )
    for id_ in [*(set(items) - set(known)), *back]:
        _record(session, items[id_].brand_id or house, id_, "difference_found", now)
    _clear(session, set(items), now, balances_known=balances_known)
    still_open = select(func.count()).where(ReconciliationItem.state == "open")
    return session.scalar(still_open) or 0


def _clear(session: Session, seen: set[str], now: datetime, *, balances_known: bool) -> None:
    gone = (
        update(ReconciliationItem)
        .where(ReconciliationItem.state == "open", ReconciliationItem.id.not_in(seen))
        .values(state="cleared", ended_at=now, ended_by=actor_text(HANDSEL))
        .returning(ReconciliationItem.id, ReconciliationItem.brand_id)
    )
    if not balances_known:
        gone = gone.where(ReconciliationItem.subject.not_like(f"{_BALANCE}%"))
    for row in session.execute(gone).all():
        _record(session, row.brand_id, row.id, "difference_cleared", now)


def _record(session: Session, brand_id: str | None, item_id: str, event: str, now: datetime) -> None:
    if brand_id is not None:
        append_audit(session, brand_id, "difference", item_id, event, HANDSEL, now)


def _values(one: Difference, now: datetime, brand_id: str | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "brand_id": brand_id,
        "list": one.which.value,
        "subject": one.subject,
        "currency": one.currency,
        "our_amount": one.ours,
        "their_amount": one.theirs,
        "occurred_at": one.at,
        "first_seen_at": now,
        "last_seen_at": now,
        "state": "open",
        "owner": "",
        "note": "",
        "reason": "",
        "ended_by": "",
    }
