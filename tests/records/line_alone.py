"""The line of payments, alone: all brands of a database wait for one balance, and tests share databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from activities.gates import report
from activities.paying_balance import forget, remember
from domain.payout_line import ANSWER_IS_LATE
from infra.tables import PayoutAttempt, PayoutRunItem
from tests.records.office import Office


@contextmanager
def line_alone(sessions: sessionmaker[Session]) -> Iterator[None]:
    """Nothing that other tests left waits before these payments, and nothing of these stays."""
    _clear(sessions)
    yield
    _clear(sessions)
    forget(sessions)


def _clear(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        waiting = update(PayoutRunItem).where(PayoutRunItem.state == "waiting")
        session.execute(waiting.values(state="left", ended_at=datetime.now(UTC)))


def at_hand(office: Office, amount: int) -> None:
    """A look at the balance that leaves so much after what other tests have under way. Minor units of USD."""
    now = datetime.now(UTC)
    sent = (PayoutAttempt.state == "sent") & (PayoutAttempt.finished_at >= now)
    under_way = PayoutAttempt.finished_at.is_(None) & (PayoutAttempt.opened_at > now - ANSWER_IS_LATE)
    kept_back = select(func.coalesce(func.sum(PayoutAttempt.amount), 0)).where(
        PayoutAttempt.currency == "USD", sent | (PayoutAttempt.state.in_(["open", "unknown"]) & under_way)
    )
    with office.sessions() as session:
        elsewhere = int(session.scalars(kept_back).one())
    remember(office.sessions, "USD", elsewhere + amount, now)


def look(office: Office, collaborations: list[str]) -> None:
    """The gates of these are assessed, one after the other."""
    for of in collaborations:
        report(office.sessions, of, office.state(of).sequence)
