"""The line of payments that wait for the same balance, and the runs in which they go.

A payment takes its place when nothing is in its way but money or the hour, before its hour has come: so the
first that wakes at the hour of the run sees all of them, and whoever is due first gets the money, in whatever
order they wake. All writing happens under the lock of the balance's row; the caller holds the collaboration's
row before, as the record does. Nothing here moves money, and nothing asks Stripe.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.money import Money
from domain.payout_line import ANSWER_IS_LATE, Standing
from infra.ids import new_id
from infra.tables import PayingBalance, PayoutRunItem, PayoutRunRow

_LINE: Final = text("""
    WITH line AS (
        SELECT i.payout_id, i.brand_id,
            sum(i.amount) OVER (ORDER BY i.granted_at IS NULL, i.pay_by, i.payout_id) AS upto,
            row_number() OVER (
                PARTITION BY i.brand_id ORDER BY i.granted_at IS NULL, i.pay_by, i.payout_id
            ) AS place
        FROM payout_run_items i JOIN payouts p ON p.id = i.payout_id
        WHERE i.currency = :currency AND i.state = 'waiting' AND i.due_at <= :now AND p.state = 'ready'
    )
    SELECT count(*), count(*) FILTER (WHERE upto > :spendable), CAST(coalesce(max(upto), 0) AS bigint),
        max(place) FILTER (WHERE payout_id = :payout_id),
        CAST(max(upto) FILTER (WHERE payout_id = :payout_id) AS bigint)
    FROM line WHERE brand_id = :brand_id
""")
"""What the brand's part of the line needs. A payment to which the money was promised is before all others,
and one of another brand that is due before counts as what it is: in the way to the same money."""
_KEPT_BACK: Final = text("""
    SELECT coalesce(sum(amount), 0) AS amount, coalesce(bool_or(opened_at <= :seen_at), false) AS unsure
    FROM payout_attempts
    WHERE currency = :currency AND (
        (finished_at >= :seen_at AND state = 'sent')
        OR (finished_at IS NULL AND opened_at > :late AND state IN ('open', 'unknown'))
    )
""")
_SWEEP: Final = text("""
    UPDATE payout_run_items i SET state = 'left', ended_at = :now
    FROM payouts p
    WHERE p.id = i.payout_id AND i.run_id = :run_id AND i.state = 'waiting'
        AND p.state NOT IN ('ready', 'sending', 'unknown')
""")
_COUNT: Final = text("""
    UPDATE payout_runs r SET
        due_count = c.due_count, due_total = c.due_total,
        paid_count = c.paid_count, paid_total = c.paid_total,
        parked_count = least(coalesce(:parked, r.parked_count), c.waiting),
        shortage = CASE WHEN c.waiting = 0 THEN 0 ELSE coalesce(:shortage, r.shortage) END,
        state = CASE
            WHEN c.waiting = 0 THEN 'finished'
            WHEN coalesce(:parked, r.parked_count) > 0 THEN 'parked' ELSE 'open' END,
        told_at = CASE
            WHEN c.waiting = 0 OR coalesce(:parked, r.parked_count) = 0 THEN NULL ELSE r.told_at END,
        balance_seen = coalesce(:balance, r.balance_seen),
        balance_seen_at = coalesce(:balance_at, r.balance_seen_at),
        ended_at = CASE WHEN c.waiting = 0 THEN CAST(:now AS timestamptz) END
    FROM (
        SELECT count(*) FILTER (WHERE state <> 'left') AS due_count,
            coalesce(sum(amount) FILTER (WHERE state <> 'left'), 0) AS due_total,
            count(*) FILTER (WHERE state = 'paid') AS paid_count,
            coalesce(sum(amount) FILTER (WHERE state = 'paid'), 0) AS paid_total,
            count(*) FILTER (WHERE state = 'waiting') AS waiting
        FROM payout_run_items WHERE run_id = :run_id
    ) c
    WHERE r.id = :run_id
""")


class Waiting(NamedTuple):
    """One payment that nothing but money or the hour is in the way of."""

    payout_id: str
    brand_id: str
    amount: Money
    pay_by: datetime
    due_at: datetime | None
    """The hour of its run, when it is still to come; None: it may go now."""


class _Line(NamedTuple):
    """The brand's part of the line, in the order of the columns of `_LINE`. Minor units."""

    size: int
    parked: int
    needed: int
    """What the balance has to be for all of them."""
    place: int
    upto: int
    """What it has to be for this payment and everything before it."""


class _Spendable(NamedTuple):
    """What is left of the balance as seen; None when nobody knows."""

    amount: int | None
    certain: bool
    seen: PayingBalance


def take_place(session: Session, one: Waiting) -> Standing | None:
    """Put a payment into the line, and say where it stands. None while its hour has not come."""
    balance = _lock(session, one.amount.currency)
    now = _moment(session)
    _enter(session, one, now)
    if one.due_at is not None:
        return None
    run_id = _open_run(session, one, now)
    spendable = _spendable(session, balance)
    line = _line(session, one, spendable, now)
    standing = _standing(line, one, spendable)
    if standing.covered:
        _grant(session, one.payout_id, now)
    _count(session, run_id, now, line if spendable.certain else None, spendable)
    return standing


def leave(session: Session, payout_id: str, now: datetime) -> None:
    """Take a payment out of the line, because something else is in its way now."""
    _end(session, payout_id, "left", now)


def note_paid(session: Session, payout_id: str, now: datetime) -> None:
    """The payment was made."""
    _end(session, payout_id, "paid", now)


def note_no_funds(session: Session, payout_id: str) -> None:
    """Stripe refused it for want of money: what was seen of the balance is wrong, the place is kept."""
    item = _waiting(session, payout_id)
    if item is None:
        return
    balance = _lock(session, item.currency)
    balance.available = None
    session.execute(
        update(PayoutRunItem)
        .where(PayoutRunItem.id == item.id)
        .values(granted_at=None)
        .execution_options(synchronize_session=False)
    )


def _lock(session: Session, currency: str) -> PayingBalance:
    """The balance's row, locked."""
    session.execute(insert(PayingBalance).values(currency=currency).on_conflict_do_nothing())
    return session.scalars(
        select(PayingBalance)
        .where(PayingBalance.currency == currency)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _moment(session: Session) -> datetime:
    """Now by the clock of the database, which all workers share, read under the lock: later than whoever held
    it before. By the clocks of two workers one could miss what the other has just put into the line."""
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def _enter(session: Session, one: Waiting, now: datetime) -> None:
    values = {
        "brand_id": one.brand_id,
        "currency": one.amount.currency,
        "amount": one.amount.amount,
        "pay_by": one.pay_by,
        "due_at": one.due_at or now,
        "granted_at": None,
    }
    session.execute(
        insert(PayoutRunItem)
        .values(payout_id=one.payout_id, state="waiting", **values)
        .on_conflict_do_update(
            index_elements=["payout_id"], index_where=PayoutRunItem.state == "waiting", set_=values
        )
    )


def _open_run(session: Session, one: Waiting, now: datetime) -> str:
    """The brand's open run, opened if there is none; everything of it that is due now belongs to it."""
    of = (PayoutRunRow.brand_id == one.brand_id, PayoutRunRow.currency == one.amount.currency)
    find = select(PayoutRunRow.id).where(*of, PayoutRunRow.ended_at.is_(None))
    run_id = session.scalar(find)
    if run_id is None:
        run_id = new_id("payout_run")
        session.execute(
            insert(PayoutRunRow).values(
                id=run_id,
                brand_id=one.brand_id,
                currency=one.amount.currency,
                state="open",
                opened_at=now,
            )
        )
    session.execute(
        update(PayoutRunItem)
        .where(
            PayoutRunItem.brand_id == one.brand_id,
            PayoutRunItem.currency == one.amount.currency,
            PayoutRunItem.state == "waiting",
            PayoutRunItem.due_at <= now,
            PayoutRunItem.run_id.is_(None),
        )
        .values(run_id=run_id)
        .execution_options(synchronize_session=False)
    )
    return run_id


def _spendable(session: Session, balance: PayingBalance) -> _Spendable:
    """The balance as seen, less what was sent since and what may have been sent."""
    if balance.available is None or balance.seen_at is None:
        return _Spendable(None, False, balance)
    kept = session.execute(
        _KEPT_BACK,
        {
            "currency": balance.currency,
            "seen_at": balance.seen_at,
            "late": balance.seen_at - ANSWER_IS_LATE,
        },
    ).one()
    return _Spendable(balance.available - int(kept.amount), not kept.unsure, balance)


def _line(session: Session, one: Waiting, spendable: _Spendable, now: datetime) -> _Line:
    asked = {
        "currency": one.amount.currency,
        "brand_id": one.brand_id,
        "payout_id": one.payout_id,
        "spendable": spendable.amount or 0,
        "now": now,
    }
    return _Line(*session.execute(_LINE, asked).one())


def _standing(line: _Line, one: Waiting, spendable: _Spendable) -> Standing:
    """Where it stands. With an unknown balance only who is alone may try: Stripe answers for the money."""
    have = one.amount.amount if spendable.amount is None else spendable.amount
    return Standing(
        place=line.place,
        of=line.size,
        lacking=max(0, line.upto - have),
        shortage=max(0, line.needed - have),
        certain=spendable.certain,
    )


def _grant(session: Session, payout_id: str, now: datetime) -> None:
    session.execute(
        update(PayoutRunItem)
        .where(PayoutRunItem.payout_id == payout_id, PayoutRunItem.state == "waiting")
        .values(granted_at=now)
        .execution_options(synchronize_session=False)
    )


def _waiting(session: Session, payout_id: str) -> PayoutRunItem | None:
    return session.scalar(
        select(PayoutRunItem).where(PayoutRunItem.payout_id == payout_id, PayoutRunItem.state == "waiting")
    )


def _end(session: Session, payout_id: str, state: str, now: datetime) -> None:
    item = _waiting(session, payout_id)
    if item is None:
        return
    _lock(session, item.currency)
    session.execute(
        update(PayoutRunItem)
        .where(PayoutRunItem.id == item.id)
        .values(state=state, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    if item.run_id is not None:
        _count(session, item.run_id, now, None, None)


def _count(
    session: Session,
    run_id: str,
    now: datetime,
    line: _Line | None,
    spendable: _Spendable | None,
) -> None:
    """Count the run anew. Without a line that is certain, what is parked stays as it was told last."""
    short = None
    if line is not None and spendable is not None and spendable.amount is not None:
        short = max(0, line.needed - spendable.amount)
    session.execute(_SWEEP, {"run_id": run_id, "now": now})
    session.execute(
        _COUNT,
        {
            "run_id": run_id,
            "now": now,
            "parked": None if short is None or line is None else line.parked,
            "shortage": short,
            "balance": None if spendable is None else spendable.seen.available,
            "balance_at": None if spendable is None else spendable.seen.seen_at,
        },
    )
