"""How often one sender may try: sliding windows in the memory of one process.

They keep noise down; nothing is safe because of them. With several processes each counts for itself, so the
limit is that many times higher; a proxy in front is the place for a stricter one. An address is shared by
many people on mobile networks, so the limits on addresses are generous and the ones on links are not.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from threading import Lock
from typing import Final

from domain.errors import Refused

_MOST_KEYS: Final = 50_000


class Window:
    """At most `most` tries of one key within `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def wait(self, key: str, now: float | None = None) -> float:
        """Count one try. 0.0 when it is allowed, else the seconds until the next one is."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            tries = self._tries.setdefault(key, deque())
            self._tries.move_to_end(key)
            while tries and tries[0] <= moment - self.seconds:
                tries.popleft()
            if len(tries) >= self.most:
                return tries[0] + self.seconds - moment
            tries.append(moment)
            if len(self._tries) > _MOST_KEYS:
                self._tries.popitem(last=False)
            return 0.0


class TooBusy(Refused):
    """Too many tries. `seconds` says how long to wait."""

    code = "too_many"
    status = 429

    def __init__(self, seconds: float) -> None:
        super().__init__("too many tries; wait a moment")
        self.seconds = max(1, round(seconds))


def hold_to(*waits: float) -> None:
    """Raise `TooBusy` for the longest of these waits, unless all are nothing."""
    longest = max(waits, default=0.0)
    if longest > 0:
        raise TooBusy(longest)
