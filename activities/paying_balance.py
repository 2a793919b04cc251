"""The paying balance at Stripe as it was last seen, one row a currency, so that pages need not ask Stripe.

One balance pays for all brands of an installation: the key to Stripe is one. Only the payments queue asks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.payments_port import PaymentsGateway
from infra.tables import PayingBalance


def look_if_old(
    sessions: sessionmaker[Session],
    gateway: PaymentsGateway,
    currency: str,
    at_most: timedelta,
) -> bool:
    """Ask Stripe for the balance, unless somebody did so lately; whether it was asked.

    Raises what the gateway raises.
    """
    began = datetime.now(UTC)
    if _is_fresh(sessions, currency, began, at_most):
        return False
    remember(sessions, currency, gateway.balance(currency), began)
    return True


def _is_fresh(sessions: sessionmaker[Session], currency: str, now: datetime, at_most: timedelta) -> bool:
    with sessions() as session:
        known = session.get(PayingBalance, currency)
    if known is None or known.available is None or known.seen_at is None:
        return False
    return now - known.seen_at < at_most


def remember(sessions: sessionmaker[Session], currency: str, available: int, seen_at: datetime) -> None:
    """Keep what was seen, unless something newer is kept. `seen_at`: before Stripe was asked."""
    seen = {"available": available, "seen_at": seen_at}
    with sessions.begin() as session:
        session.execute(
            insert(PayingBalance)
            .values(currency=currency, **seen)
            .on_conflict_do_update(
                index_elements=["currency"],
                set_=seen,
                where=or_(PayingBalance.seen_at.is_(None), PayingBalance.seen_at <= seen_at),
            )
        )


def forget(sessions: sessionmaker[Session]) -> None:
    """What is known is too old: money came, or went another way. Whoever needs it asks again."""
    with sessions.begin() as session:
        session.execute(update(PayingBalance).values(available=None))
