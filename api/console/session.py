"""Who is signed in: one person, in one brand, in one browser."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from domain.roles import Actor, ActorKind, Role
from infra.sessions import Recognised
from infra.settings import Settings

_SESSION: Final = "handsel_session"
_DOOR: Final = "handsel_door"


class Person(BaseModel):
    """A member of a brand who is signed in. An API key is never one: approvals need a person."""

    model_config = ConfigDict(frozen=True)

    member_id: str
    brand_id: str
    role: Role
    session_id: str
    name: str
    email: str
    brand_name: str

    @property
    def actor(self) -> Actor:
        """The person as the history names them."""
        return Actor(kind=ActorKind.BRAND, id=self.member_id)


def person_of(found: Recognised) -> Person:
    """The person of a live session."""
    return Person(
        member_id=found.member.id,
        brand_id=found.brand.id,
        role=Role(found.member.role),
        session_id=found.session.id,
        name=found.member.name,
        email=found.member.email,
        brand_name=found.brand.name,
    )


def is_https(settings: Settings) -> bool:
    """Whether people reach the pages by https; only the local stack does without."""
    return settings.public_url.startswith("https://")


def session_cookie(settings: Settings) -> str:
    """Name of the cookie of a session. `__Host-`: this host alone, https alone, no other path."""
    return f"__Host-{_SESSION}" if is_https(settings) else _SESSION


def door_cookie(settings: Settings) -> str:
    """Name of the cookie that tells browsers apart before anybody is signed in."""
    return f"__Host-{_DOOR}" if is_https(settings) else _DOOR
