"""The postings of one collaboration, as the API and the pages of staff show them. Reads only."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.schemas.collaborations import EntryShown, MovementShown
from infra.tables import Entry, Movement


def entries_of(session: Session, collaboration_id: str) -> list[EntryShown]:
    """Every posting with its movements, oldest first."""
    entries = session.scalars(
        select(Entry).where(Entry.collaboration_id == collaboration_id).order_by(Entry.at, Entry.number)
    ).all()
    lines: dict[str, list[MovementShown]] = defaultdict(list)
    movements = (
        select(Movement)
        .where(Movement.entry_id.in_([entry.id for entry in entries]))
        .order_by(Movement.entry_id, Movement.line)
    )
    for movement in session.scalars(movements):
        lines[movement.entry_id].append(MovementShown.model_validate(movement))
    return [_entry(entry, lines[entry.id]) for entry in entries]


def _entry(entry: Entry, movements: list[MovementShown]) -> EntryShown:
    fields = {name: getattr(entry, name) for name in EntryShown.model_fields if name != "movements"}
    return EntryShown(**fields, movements=movements)
