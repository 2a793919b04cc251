"""Makes the file of an export: whole, or not at all.

It is written to a temporary file first (in memory while it is small), so that a refusal halfway is an answer
and never a file that ends early, and so that a slow reader holds no transaction open.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Final

from sqlalchemy.orm import Session, sessionmaker

from infra.exports.columns import COLUMNS
from infra.exports.formats import WRITERS, Format
from infra.exports.rows import ROWS, Scope

_IN_MEMORY: Final = 4_000_000
_CHUNK: Final = 256 * 1024


def write_export(
    sessions: sessionmaker[Session], name: str, form: Format, scope: Scope
) -> tuple[IO[bytes], int]:
    """The file, rewound, and how many rows it has. Raises `Refused` and then leaves nothing behind."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        with sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            count = WRITERS[form](file, COLUMNS[name], ROWS[name](session, scope), scope.zone)  # type: ignore[arg-type] # a file of bytes
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, count


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The file piece by piece; closed at the end, and when nobody reads on."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
