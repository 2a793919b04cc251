"""What the actors could not do as they meant to, for the report: nothing goes wrong unseen."""

from __future__ import annotations

from typing import Final

MOST: Final = 200


class Diary:
    """One for the whole world."""

    def __init__(self) -> None:
        self.stumbles: list[str] = []

    def stumble(self, who: str, error: Exception) -> None:
        """Note that somebody could not do something, and why."""
        if len(self.stumbles) < MOST:
            words = str(error) or type(error).__name__
            self.stumbles.append(f"{who}: {words[:200]}")
