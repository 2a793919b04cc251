"""Makes the file of an export as an answer, for the API and for the pages of finance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import IO, Annotated, Literal

from fastapi import Query
from fastapi.concurrency import iterate_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.orm import Session, sessionmaker

from domain.errors import Invalid
from domain.periods import bounds
from infra.exports.files import chunks, write_export
from infra.exports.formats import MEDIA_TYPES, Format
from infra.exports.rows import Scope


class Wanted(BaseModel):
    """Which rows, and how they are written."""

    form: Annotated[Format, Query(alias="format", description="Of the file")] = "csv"
    month: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
            description="A month of the brand's zone, or use the two below",
        ),
    ] = None
    since: Annotated[AwareDatetime | None, Query(description="From this moment on")] = None
    until: Annotated[AwareDatetime | None, Query(description="Up to, not including, this moment")] = None
    zone: Annotated[
        Literal["utc", "brand"], Query(description="Moments are written in UTC, or in the brand's zone")
    ] = "utc"


def export_file(
    sessions: sessionmaker[Session], brand_id: str, zone: str, wanted: Wanted, name: str, account: str = ""
) -> StreamingResponse:
    """The file as an attachment; `zone` is the brand's. Raises `Refused`, and then nothing was sent."""
    since, until = wanted.since, wanted.until
    if wanted.month is not None:
        if since is not None or until is not None:
            raise Invalid("give a month, or moments, not both", field="month")
        since, until = bounds(wanted.month, zone)
    if since is not None and until is not None and since >= until:
        raise Invalid("this is not after `since`", field="until")
    scope = Scope(brand_id, since, until, zone if wanted.zone == "brand" else "UTC", account)
    file, count = write_export(sessions, name, wanted.form, scope)
    part = wanted.month or f"{since or until or datetime.now(UTC):%Y-%m-%d}"
    return StreamingResponse(
        _bytes(file),
        media_type=MEDIA_TYPES[wanted.form],
        headers={
            "Content-Disposition": f'attachment; filename="handsel-{name}-{part}.{wanted.form}"',
            "X-Rows": str(count),
        },
    )


async def _bytes(file: IO[bytes]) -> AsyncIterator[bytes]:
    async for chunk in iterate_in_threadpool(chunks(file)):
        yield chunk
