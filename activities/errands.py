"""What a message of the outside leads to: commands, or a try later."""

from __future__ import annotations

from dataclasses import dataclass

from domain.commands import Command
from domain.stages import Stage


class Later(Exception):
    """What the message speaks of is not there yet; try again."""


@dataclass(frozen=True)
class Errand:
    """One command that a message leads to, and the stages at which it is merely early."""

    collaboration_id: str
    command: Command
    early_at: tuple[Stage, ...] = ()
