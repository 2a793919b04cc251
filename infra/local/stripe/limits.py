"""The rate limiter and the locks on single objects. Both are off unless the settings say so.

They live in memory only: a restart forgets them, as it would at Stripe.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from infra.local.stripe import errors


class RateLimit:
    """At most so many calls in any second of real time."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()

    def take(self, per_second: int) -> None:
        """Count one call, or refuse it with 429; 0 means no limit."""
        if not per_second:
            return
        now = time.monotonic()
        while self._calls and self._calls[0] <= now - 1:
            self._calls.popleft()
        if len(self._calls) >= per_second:
            raise errors.too_many("global-rate")
        self._calls.append(now)


class Locks:
    """Names that a write holds while it works; a second write on one of them is refused."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    @contextmanager
    def holding(self, key: tuple[str, str] | None, objects: Iterable[str]) -> Iterator[None]:
        """Hold an idempotency key (scope, key as sent) and objects, or refuse with 409 or 429."""
        names = set(objects)
        if key is not None and f"key:{key[0]}" in self._held:
            raise errors.key_in_use(key[1])
        if names & self._held:
            raise errors.locked()
        if key is not None:
            names.add(f"key:{key[0]}")
        self._held |= names
        try:
            yield
        finally:
            self._held -= names
