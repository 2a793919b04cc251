"""Lists of the console: pages by cursor, filters that stay in the address.

The next page begins after the last row that was shown, so that rows that come or go never shift a page and
page 1,000 costs what page 1 does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

ROWS: Final = 50
_CURSOR: Final = re.compile(r"[a-z]{1,12}_[0-9a-z]{26}")
_MOMENT_CURSOR: Final = re.compile(r"(-?\d{1,17})\.([a-z]{1,12}_[0-9a-z]{26})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
T = TypeVar("T")


@dataclass(frozen=True)
class Listed(Generic[T]):
    """One page of a list."""

    rows: list[T]
    following: str
    """Address of the next page; empty on the last."""
    first: str
    """Address of the first page; empty when this is it."""


def listed(
    session: Session,
    query: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[str],
    path: str,
    asked: Mapping[str, str],
    *,
    newest_first: bool = True,
    rows: int = ROWS,
) -> Listed[Any]:
    """The rows of `query` after the cursor in `asked` (the address's query), by `key`.

    `query` may select one thing or several columns; `key` must be among them, as an attribute of the row.
    """
    cursor = asked.get("after", "")
    if _CURSOR.fullmatch(cursor):
        query = query.where(key < cursor if newest_first else key > cursor)
    else:
        cursor = ""
    ordered = query.order_by(key.desc() if newest_first else key).limit(rows + 1)
    found = session.execute(ordered).all()
    return _page(found, path, asked, cursor, rows, lambda row: str(getattr(row, key.key)))


def listed_by_moment(
    session: Session,
    query: Select[*tuple[Any, ...]],
    moment: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[str],
    path: str,
    asked: Mapping[str, str],
    *,
    rows: int = ROWS,
) -> Listed[Any]:
    """The same in order of a moment, the oldest first; ids of one moment in their own order."""
    cursor = _MOMENT_CURSOR.fullmatch(asked.get("after", ""))
    if cursor:
        at = _EPOCH + int(cursor[1]) * _MICROSECOND
        query = query.where(tuple_(moment, key) > (at, cursor[2]))
    found = session.execute(query.order_by(moment, key).limit(rows + 1)).all()

    def place(row: Any) -> str:
        at: datetime = getattr(row, moment.key)
        return f"{(at - _EPOCH) // _MICROSECOND}.{getattr(row, key.key)}"

    return _page(found, path, asked, cursor[0] if cursor else "", rows, place)


def _page(
    found: Sequence[Any],
    path: str,
    asked: Mapping[str, str],
    cursor: str,
    rows: int,
    place: Callable[[Any], str],
) -> Listed[Any]:
    plain = [row[0] if len(row) == 1 else row for row in found]
    shown = plain[:rows]
    kept = {name: value for name, value in asked.items() if name not in ("after", "done") and value}
    following = ""
    if len(plain) > rows:
        following = f"{path}?{urlencode(kept | {'after': place(shown[-1])})}"
    first = f"{path}?{urlencode(kept)}".rstrip("?") if cursor else ""
    return Listed(shown, following, first)
