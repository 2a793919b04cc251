"""How often one sender may try something on the creator's pages (`api/limits.py` counts)."""

from __future__ import annotations

from api.limits import Window


class Limits:
    """The windows of the creator's pages."""

    def __init__(self) -> None:
        self.acts_by_address = Window(6000, 60)
        """POSTs from one IP address: a whole office or a mobile network may stand behind it."""
        self.acts_by_link = Window(60, 60)
        """POSTs through one link."""
        self.guesses_by_address = Window(30, 60)
        """Tokens that are none, from one IP address."""
        self.links_by_address = Window(10, 3600)
        """Fresh links asked for from one IP address."""
