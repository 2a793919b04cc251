"""The pace of calls to Stripe, shared by all workers: one row says when the next call may begin.

Stripe counts the calls of the account, not of a process, and a queue's rate lets bursts through: twice its
rate came in one second when many payments were due at once. Slots of equal distance have no bursts.
"""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

_TAKE: Final = text("""
    INSERT INTO stripe_pace AS p (name, next_at)
    VALUES ('calls', clock_timestamp() + make_interval(secs => :distance))
    ON CONFLICT (name) DO UPDATE
        SET next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :distance)
    RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - :distance
""")


class SharedPace:
    """Waits for the next slot; `per_second` above 0. A lost database raises: nothing was sent then."""

    def __init__(self, sessions: sessionmaker[Session], per_second: float) -> None:
        self._sessions = sessions
        self._distance = 1 / per_second

    def __call__(self) -> None:
        """Return when the call may begin."""
        with self._sessions.begin() as session:
            wait: float = session.execute(_TAKE, {"distance": self._distance}).scalar_one()
        if wait > 0:
            time.sleep(wait)
