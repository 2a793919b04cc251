"""A collaboration told to staff: every event, who did it, and what it says. Reads only.

Every kind of event has its words in `templates/console/texts/story.en.toml`; a test asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.console.naming import Actors
from api.console.wording import knows, say
from infra.tables import Event

TOLD: Final = ("reason", "number", "gate", "problem", "code", "carrier", "transfer_id", "span")
"""What an event says beside its words, where it does."""
_CODES: Final = ("reason", "gate", "problem")


@dataclass(frozen=True)
class Told:
    """One thing that happened."""

    sequence: int
    at: datetime
    text: str
    by: str
    details: str


def story_of(session: Session, collaboration_id: str, actors: Actors) -> list[Told]:
    """Everything that happened, newest first."""
    events = session.scalars(
        select(Event).where(Event.collaboration_id == collaboration_id).order_by(Event.sequence.desc())
    )
    return [
        Told(
            sequence=event.sequence,
            at=event.at,
            text=words_of(event.name),
            by=_who(event, actors),
            details=_details(event.data),
        )
        for event in events
    ]


def words_of(event: str) -> str:
    """An event in words; one of a newer program than this page by its name, which is a past tense."""
    known = f"story.{event}"
    return say(known) if knows(known) else event.replace("_", " ").capitalize()


def _who(event: Event, actors: Actors) -> str:
    return actors.name(f"{event.actor_kind}:{event.actor_id}" if event.actor_id else event.actor_kind)


def _details(data: dict[str, Any]) -> str:
    said = [(name, data[name]) for name in TOLD if data.get(name) not in (None, "", [])]
    return ", ".join(f"{say(f'story_fact.{name}')}: {_plain(name, value)}" for name, value in said)


def _plain(name: str, value: Any) -> str:
    """A code in words where the texts have it; one of the brand's own without its underscores."""
    known = f"gate_name.{value}" if name == "gate" else f"reason.{value}"
    if knows(known):
        return say(known)
    return str(value).replace("_", " ") if name in _CODES else str(value)
