"""Connections to PostgreSQL: one engine a process, short sessions, one transaction a piece of work.

Sync SQLAlchemy on psycopg 3. Every connection speaks UTC and gives up on a lock or a forgotten
transaction instead of hanging, so that whoever retries gets its turn. Values never enter an error's text.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from infra.settings import Settings

NOTICES_CHANNEL: Final = "notices"
"""Told when an e-mail was queued."""
STAFF_MAILS_CHANNEL: Final = "staff_mails"
"""Told when an e-mail to a member was queued."""
INBOX_CHANNEL: Final = "inbox"
"""Told when a message from outside was stored."""

_SESSION_OPTIONS: Final = {
    "timezone": "UTC",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
}


def psycopg_url(url: str) -> str:
    """The same address with psycopg 3 named as the driver."""
    head, mark, rest = url.partition("://")
    return f"postgresql+psycopg{mark}{rest}" if head in ("postgres", "postgresql") else url


def engine_at(url: str, *, pool: int = 5, overflow: int = 10) -> Engine:
    """An engine for this address. A connection that a restarted server dropped is replaced unseen."""
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION_OPTIONS.items())
    return create_engine(
        psycopg_url(url),
        pool_size=pool,
        max_overflow=overflow,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": options, "application_name": "handsel", "connect_timeout": 10},
    )


def make_engine(settings: Settings) -> Engine:
    """The engine of this process, sized by its settings."""
    return engine_at(
        settings.database_url,
        pool=settings.database_pool,
        overflow=settings.database_pool_overflow,
    )


def make_sessions(source: Settings | Engine) -> sessionmaker[Session]:
    """Where sessions come from: `with sessions.begin() as session:` is one transaction."""
    engine = source if isinstance(source, Engine) else make_engine(source)
    return sessionmaker(engine, expire_on_commit=False)


def notify(session: Session, channel: str, payload: str = "") -> None:
    """Wake who listens on this channel, once this transaction is committed (PostgreSQL NOTIFY)."""
    session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})
