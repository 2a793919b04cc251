"""Lists in pages: keyset by id, so that page 1,000 costs what page 1 costs.

`next_cursor` of a page is the id of its last row; null when there is no further page. Rows that are added
or removed meanwhile never shift a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

LARGEST_PAGE = 200

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        default=None, description="Give it as `cursor` for the next page; null on the last one"
    )


class Paging(BaseModel):
    """Which page is asked for."""

    cursor: Annotated[
        str | None,
        Query(pattern=r"^[a-z]{1,12}_[0-9a-z]{26}$", description="`next_cursor` of the page before"),
    ] = None
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Rows a page")] = 50


def page_of(
    session: Session,
    query: Select[Any],
    key: InstrumentedAttribute[str],
    paging: Paging,
    read: Callable[[Sequence[Any]], list[T]],
) -> Page[T]:
    """The rows of `query` after the cursor, in order of `key`, as `read` turns them into answers."""
    ordered = query.order_by(key).limit(paging.limit + 1)
    if paging.cursor is not None:
        ordered = ordered.where(key > paging.cursor)
    rows = session.execute(ordered).scalars().all()
    shown = rows[: paging.limit]
    more = len(rows) > paging.limit
    return Page(items=read(shown), next_cursor=getattr(shown[-1], key.key) if more else None)
