"""Random ids, made at the edges: TypeIDs over UUIDv7, which sort by the time they were made.

Pure code never calls this; what follows from other things is named by `domain.ids.derived_id`.
"""

from __future__ import annotations

from typeid import TypeID

from domain.ids import PREFIXES


def new_id(kind: str) -> str:
    """A fresh id of this kind (a key of `domain.ids.PREFIXES`). Raises KeyError for an unknown kind."""
    return str(TypeID(prefix=PREFIXES[kind]))
