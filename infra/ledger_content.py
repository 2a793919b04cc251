"""Whether each entry still says what it said when it was posted: its hash is computed anew from its rows.

A changed amount, account, reason or key is found even where all sums have been made to fit. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.ledger import ACCOUNT_KINDS, Line, NewEntry, kind_of

_PAGE: Final = 5000

_ENTRIES: Final = text("""
    SELECT e.id, e.number, e.key, e.kind, e.collaboration_id, e.reason, e.input_hash, o.key AS reverses,
        coalesce(jsonb_agg(
            jsonb_build_array(m.source, m.destination, m.amount, m.currency) ORDER BY m.line
        ) FILTER (WHERE m.line IS NOT NULL), '[]') AS lines
    FROM entries e
    LEFT JOIN movements m ON m.entry_id = e.id
    LEFT JOIN entries o ON o.id = e.reverses_id
    WHERE e.number > :after
    GROUP BY e.id, o.key ORDER BY e.number LIMIT :most
""")


def changed_entries(session: Session) -> Iterator[tuple[str, str]]:
    """Key and message of each entry that is not what was posted, page by page."""
    after = 0
    while rows := session.execute(_ENTRIES, {"after": after, "most": _PAGE}).all():
        after = rows[-1].number
        for row in rows:
            message = _wrong(row)
            if message:
                yield row.key, message


def _wrong(row: Any) -> str:
    if not row.lines:
        return ""  # named by the rule `entry_has_lines`
    try:
        entry = NewEntry(
            key=row.key,
            kind=row.kind,
            collaboration_id=row.collaboration_id,
            lines=tuple(
                Line(source=source, destination=destination, amount=amount, currency=currency)
                for source, destination, amount, currency in row.lines
            ),
            reverses=row.reverses,
            reason=row.reason,
        )
    except ValidationError:
        return "no entry of this program looks like this"
    if entry.input_hash != row.input_hash or entry.id != row.id:
        return "it does not say what it said when it was posted"
    strange = [name for name in entry.accounts if kind_of(name) not in ACCOUNT_KINDS]
    return f"there is no account like {strange[0]}" if strange else ""
