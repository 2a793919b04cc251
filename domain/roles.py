"""Who may act: kinds of actors in a collaboration, and roles of people and keys in a brand."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from domain.compact import Compact


class Role(StrEnum):
    """What a member or an API key may do for its brand."""

    OWNER = "owner"
    OPS = "ops"
    FINANCE = "finance"
    VIEWER = "viewer"


MEANING: Final[dict[Role, str]] = {
    Role.OWNER: "everything, and alone: people, API keys, the brand itself",
    Role.OPS: "products, creators, campaigns, invitations, parcels, drafts and posts",
    Role.FINANCE: "read everything; approve, hold and settle payments",
    Role.VIEWER: "read everything but creators' names and addresses",
}
"""What each role may do, in a line."""


class ActorKind(StrEnum):
    """Whose hand gave a command."""

    BRAND = "brand"
    CREATOR = "creator"
    CARRIER = "carrier"
    STRIPE = "stripe"
    CLOCK = "clock"
    HANDSEL = "handsel"


class Actor(Compact):
    """Kind and id (a member, key, creator or event; empty for the clock and the program itself)."""

    kind: ActorKind
    id: str = ""


CLOCK = Actor(kind=ActorKind.CLOCK)
HANDSEL = Actor(kind=ActorKind.HANDSEL)
