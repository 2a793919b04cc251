"""Breaks a running stack: kills every part, round after round, and lets carriers and Stripe speak badly.

Bounded in time, on this machine only, and only processes that the stack itself started.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import httpx

from benchmarks.yard import Yard
from infra.local.stack import StackFailed

VICTIMS = (
    "worker-collaborations",
    "worker-payments",
    "api",
    "temporal",
    "postgres",
    "objects",
    "mail",
    "stripe",
    "social",
    "carrier",
)
MANNERS = ("normal", "duplicate", "reorder", "delay", "drop")


class Chaos:
    """Runs in a thread until `stop`, or for `seconds`; counts what it did."""

    def __init__(
        self, place: Yard, seed: int, pause: tuple[float, float] = (2.0, 5.0), seconds: float = 100
    ) -> None:
        self.kills: Counter[str] = Counter()
        self.manners: Counter[str] = Counter()
        self._place = place
        self._dice = random.Random(seed)
        self._pause = pause
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, wait until every part works again, and let the outside world speak normally."""
        self._over.set()
        self._thread.join(60)
        for part in VICTIMS:
            self._place.stack.wait_for(part, 90)
        self._speak("normal")

    def _run(self) -> None:
        end = time.monotonic() + self._seconds
        turn: list[str] = []
        while time.monotonic() < end and not self._over.wait(self._dice.uniform(*self._pause)):
            turn = turn or self._dice.sample(VICTIMS, len(VICTIMS))
            part = turn.pop()
            try:
                self._place.stack.kill(part, self._dice.uniform(0.0, 2.0))
                self.kills[part] += 1
            except (StackFailed, ProcessLookupError, KeyError):
                continue
            manner = self._dice.choice(MANNERS)
            if self._speak(manner):
                self.manners[manner] += 1

    def _speak(self, manner: str) -> bool:
        """How Stripe's simulator delivers its webhooks from now on."""
        end = time.monotonic() + (20 if manner == "normal" else 0)
        while True:
            try:
                self._place.stripe("/_sim/webhooks", {"mode": manner})
            except httpx.HTTPError:
                if time.monotonic() > end:
                    return False
                time.sleep(0.3)
            else:
                return True
