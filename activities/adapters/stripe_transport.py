"""The SDK's own transport, which waits for its turn before each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import stripe

Pace = Callable[[], None]
"""Returns when the next call may begin. What it raises is raised by the call, of which nothing was sent."""


def at_once() -> None:
    """No pace: for processes that call Stripe when a person clicks."""


class PacedClient(stripe.RequestsClient):
    """Each call, a repeat too, takes its turn."""

    def __init__(self, pace: Pace, *, timeout: float, proxy: Any) -> None:
        super().__init__(timeout=timeout, proxy=proxy)
        self._pace = pace

    def request(self, *args: Any, **options: Any) -> Any:
        """Wait for the turn, and call."""
        self._pace()
        return super().request(*args, **options)
