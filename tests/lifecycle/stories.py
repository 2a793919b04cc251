"""How a story becomes a test: what it needs is said beside it, and all stories are lived at the same time.

A story is a coroutine about one creator (or several) in one campaign. The first test that runs sets all of
them going; each test then waits for the end of its own and fails as it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.lifecycle.playing import Playing

Script = Callable[..., Coroutine[Any, Any, None]]

CALM: dict[str, Any] = {
    "respond_within": "1h",
    "invitation_reminders": [],
    "address_within": "1h",
    "ship_within": "1h",
    "silent_after": "1h",
    "lost_after": "2h",
    "content_within": "1h",
    "content_reminders": [],
    "grace": "1h",
    "review_within": "1h",
    "revise_within": "1h",
    "post_within": "1h",
    "extension_max": "2h",
    "extension_auto": "10m",
    "remedy_within": "1h",
    "live_for": "0s",
    "pay_within": "1h",
    "payment_reminders": [],
    "retry_payment": "2s",
    "confirm_within": "3s",
}
"""Clocks that strike in no test, but for the looks at a payment. A story names those that it is about."""
FEE = 22_000


@dataclass(frozen=True, eq=False)
class Story:
    """One story, and the campaign it wants. Equal wishes share a campaign unless `alone`."""

    script: Script
    kind: str
    people: int
    country: str
    stock: int
    budget: int
    currency: str
    alone: bool
    act: int
    """1: all at once. 2: afterwards, one after the other, since the weather at Stripe is one for all."""
    policy: dict[str, Any] = field(default_factory=dict)
    tail: str = ""
    """How long the post has to stay live for the last fifth of the fee; empty: all of it is for the post."""

    @property
    def name(self) -> str:
        return self.script.__name__

    @property
    def wants(self) -> str:
        """The same text for stories that can share a campaign."""
        own = self.name if self.alone else ""
        return f"{self.kind} {self.currency} {self.tail} {sorted(self.policy.items())} {own}"


def story(
    kind: str,
    *,
    people: int = 1,
    country: str = "US",
    stock: int = 200,
    budget: int = FEE * 200,
    currency: str = "USD",
    alone: bool = False,
    act: int = 1,
    tail: str = "",
    **policy: Any,
) -> Callable[[Script], Callable[[Playing], None]]:
    """A test that lives a story in a campaign of this kind, with these clocks instead of calm ones."""

    def told(script: Script) -> Callable[[Playing], None]:
        mine = Story(script, kind, people, country, stock, budget, currency, alone, act, CALM | policy, tail)

        @pytest.mark.stack
        @pytest.mark.timeout(420)
        def test(playing: Playing) -> None:
            playing.ending_of(mine)

        test.__name__ = test.__qualname__ = script.__name__
        test.__doc__, test.__module__ = script.__doc__, script.__module__
        test.story = mine  # type: ignore[attr-defined]
        return test

    return told
