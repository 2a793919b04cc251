"""Waiting for PostgreSQL to say that there is something to do, instead of asking all the time."""

from __future__ import annotations

from types import TracebackType

import psycopg
from psycopg import sql

from infra.settings import Settings


class Listener:
    """One connection that listens on a channel; a lost connection only makes waiting a plain pause."""

    def __init__(self, settings: Settings, channel: str) -> None:
        self._url = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._channel = channel
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def __enter__(self) -> Listener:
        self._connection = psycopg.connect(self._url, autocommit=True)
        self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        return self

    def wait(self, seconds: float) -> None:
        """Return at the next notification, or after so many seconds."""
        if self._connection is None:
            raise RuntimeError("the listener is not open")
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()
