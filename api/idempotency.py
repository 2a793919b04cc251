"""The same call with the same Idempotency-Key counts once, and is answered with the first answer.

A claim is written before the work and the answer in the transaction of the work. Answers to calls that
failed or were refused are not kept: they changed nothing, so the repeat is a fresh try. Nothing that is
shown only once (an API key) and no creator's personal data may stand in a kept answer.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from fastapi.responses import Response
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from domain.errors import IdempotencyConflict
from infra.tables import IdempotentCall

KEY_FORM: Final = r"^[\x21-\x7e]{1,100}$"
ABANDONED_AFTER: Final = timedelta(seconds=60)
"""A claim without an answer for so long belongs to a process that died; the call may be sent again."""
KEPT_FOR: Final = timedelta(days=7)
"""How long an answer is kept."""
SHOWN_ONCE: Final = "secret"
"""Field that is blanked in a kept answer."""


class Claim(NamedTuple):
    """The right to work this call, until the moment it is thought abandoned."""

    api_key_id: str
    key: str
    at: datetime


class Kept(NamedTuple):
    """The answer that the call got the first time."""

    status: int
    text: str

    def as_response(self) -> Response:
        """The same answer, marked as a repeat."""
        return Response(
            self.text, self.status, {"Idempotent-Replayed": "true"}, media_type="application/json"
        )


def fingerprint(method: str, url: str, body: bytes) -> str:
    """What makes two calls the same: method, path, query and body."""
    parts = urlsplit(url)
    head = f"{method}\n{parts.path}\n{parts.query}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def claim(
    sessions: sessionmaker[Session],
    api_key_id: str,
    key: str,
    request_hash: str,
    abandoned_after: timedelta = ABANDONED_AFTER,
) -> Claim | Kept:
    """Take this key for this call, or give the answer that it has.

    Raises `IdempotencyConflict` when the key came with another call, or when this one is being worked.
    """
    now = datetime.now(UTC)
    mine = Claim(api_key_id, key, now)
    with sessions.begin() as session:
        if _is_first(session, mine, request_hash):
            _forget_old(session, mine)
            return mine
        row = session.scalars(select(IdempotentCall).where(*_same(mine))).one_or_none()
        if row is None:
            raise _in_progress()
        if row.request_hash != request_hash:
            raise IdempotencyConflict("this Idempotency-Key was used for another call")
        if row.status is not None and row.body is not None:
            return Kept(row.status, row.body["text"])
        if row.created_at > now - abandoned_after or not _take_over(session, row, now):
            raise _in_progress()
        return mine


def _same(mine: Claim) -> tuple[Any, ...]:
    return (IdempotentCall.api_key_id == mine.api_key_id, IdempotentCall.key == mine.key)


def _in_progress() -> IdempotencyConflict:
    return IdempotencyConflict("this call is being worked; ask again in a moment", code="call_in_progress")


def _is_first(session: Session, mine: Claim, request_hash: str) -> bool:
    row = {
        "api_key_id": mine.api_key_id,
        "key": mine.key,
        "created_at": mine.at,
        "request_hash": request_hash,
    }
    written = session.execute(
        insert(IdempotentCall).values(row).on_conflict_do_nothing().returning(IdempotentCall.key)
    )
    return written.first() is not None


def _take_over(session: Session, row: IdempotentCall, now: datetime) -> bool:
    taken = session.execute(
        update(IdempotentCall)
        .where(
            IdempotentCall.api_key_id == row.api_key_id,
            IdempotentCall.key == row.key,
            IdempotentCall.status.is_(None),
            IdempotentCall.created_at == row.created_at,
        )
        .values(created_at=now)
        .returning(IdempotentCall.key)
    )
    return taken.first() is not None


def _forget_old(session: Session, mine: Claim) -> None:
    """Every so often, drop this caller's answers that are older than they are kept."""
    if hashlib.sha256(mine.key.encode()).digest()[0] == 0:
        session.execute(
            delete(IdempotentCall).where(
                IdempotentCall.api_key_id == mine.api_key_id, IdempotentCall.created_at < mine.at - KEPT_FOR
            )
        )


def finish(session: Session, mine: Claim, response: Response) -> None:
    """Keep the answer, in the transaction of what the call did.

    Raises `IdempotencyConflict`, so that this transaction is undone, when another took the claim over.
    """
    kept = session.execute(
        update(IdempotentCall)
        .where(*_same(mine), IdempotentCall.created_at == mine.at, IdempotentCall.status.is_(None))
        .values(status=response.status_code, body={"text": _without_secrets(bytes(response.body))})
        .returning(IdempotentCall.key)
    )
    if kept.first() is None:
        raise _in_progress()


def _without_secrets(body: bytes) -> str:
    text = body.decode()
    if f'"{SHOWN_ONCE}"' not in text:
        return text
    return json.dumps(json.loads(text) | {SHOWN_ONCE: None})


def release(sessions: sessionmaker[Session], mine: Claim) -> None:
    """Give the key back after a call that changed nothing."""
    with sessions.begin() as session:
        session.execute(
            delete(IdempotentCall).where(
                *_same(mine), IdempotentCall.created_at == mine.at, IdempotentCall.status.is_(None)
            )
        )
