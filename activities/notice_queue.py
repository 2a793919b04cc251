"""The rows of waiting e-mails: claimed, held, settled, given back. A row is never deleted.

A claim is a lease: `sending` with a due time in the near future, committed before any mail leaves. Whoever
holds it renews it; when the holder dies, the row comes due again by itself and is sent once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import ARRAY, Text, any_, case, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.notices import ONLY_AT, TRANSACTIONAL, NoticeKind
from domain.stages import Stage
from infra.tables import Notice, Suppression

LEASE: Final = timedelta(seconds=30)
"""How long a claimed notice is nobody else's, unless it is renewed."""
FIRST_WAIT: Final = 10
LONGEST_WAIT: Final = 600
MOST_TRIES: Final = 150
"""Tries before giving up: about a day of waits of `FIRST_WAIT`, doubled up to `LONGEST_WAIT` seconds."""
_OPEN: Final = ("queued", "sending")
_LONGEST_REASON: Final = 100


class Claimed(NamedTuple):
    """A notice that is ours to send."""

    id: str
    collaboration_id: str
    brand_id: str
    kind: NoticeKind
    step: int
    event_sequence: int
    attempts: int
    message_id: str


def why_not(kind: NoticeKind, stage: Stage, suppression: str, do_not_contact: bool) -> str:
    """Why this e-mail must not be sent any more; empty when it may.

    A bounced address gets nothing. One that unsubscribed or complained, and somebody who must not be
    contacted, gets only what belongs to a running agreement.
    """
    if suppression == "bounced":
        return "bounced"
    if stage not in ONLY_AT.get(kind, (stage,)):
        return "overtaken"
    if kind in TRANSACTIONAL:
        return ""
    return suppression or ("do_not_contact" if do_not_contact else "")


def claim(session: Session, most: int) -> list[Claimed]:
    """Take up to `most` notices that are due, in the order in which they were caused."""
    due = (
        select(Notice.id)
        .where(Notice.state.in_(_OPEN), Notice.due_at <= func.now())
        .order_by(Notice.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    rows = session.execute(
        update(Notice)
        .where(Notice.id == due.c.id)
        .values(state="sending", attempts=Notice.attempts + 1, due_at=func.now() + LEASE)
        .returning(
            Notice.id,
            Notice.collaboration_id,
            Notice.brand_id,
            Notice.kind,
            Notice.step,
            Notice.event_sequence,
            Notice.attempts,
            Notice.message_id,
            Notice.created_at,
        )
        .execution_options(synchronize_session=False)
    ).all()
    ordered = sorted(rows, key=lambda row: (row.created_at, row.event_sequence))
    return [
        Claimed(
            row.id,
            row.collaboration_id,
            row.brand_id,
            NoticeKind(row.kind),
            row.step,
            row.event_sequence,
            row.attempts,
            row.message_id,
        )
        for row in ordered
    ]


def renew(session: Session, ids: Sequence[str]) -> None:
    """Hold claimed notices for another lease."""
    _update(session, ids, due_at=func.now() + LEASE)


def give_back(session: Session, ids: Sequence[str]) -> None:
    """Claimed and never tried: due at once for whoever comes next, and not counted as a try."""
    _update(session, ids, state="queued", due_at=func.now(), attempts=Notice.attempts - 1)


def mark_sent(session: Session, ids: Sequence[str]) -> None:
    """The mail system took them."""
    _update(session, ids, state="sent", sent_at=func.now(), reason="")


def skip(session: Session, ids: Sequence[str], reason: str) -> None:
    """Not to be sent any more; the row keeps the reason."""
    _update(session, ids, state="skipped", reason=reason[:_LONGEST_REASON])


def fail(session: Session, ids: Sequence[str], reason: str) -> None:
    """Cannot be sent; the row keeps the reason."""
    _update(session, ids, state="failed", reason=reason[:_LONGEST_REASON])


def put_off(session: Session, ids: Sequence[str], reason: str) -> None:
    """Try again later, each time after twice as long; after about a day it has failed."""
    worn = Notice.attempts >= MOST_TRIES
    doublings = func.least(Notice.attempts - 1, 16)
    wait = func.least(FIRST_WAIT * func.power(2, doublings), LONGEST_WAIT)
    _update(
        session,
        ids,
        state=case((worn, "failed"), else_="queued"),
        due_at=func.now() + wait * text("interval '1 second'"),
        reason=reason[:_LONGEST_REASON],
    )


def mark_bounced(session: Session, brand_id: str, email_digest: str) -> None:
    """The address does not work: stronger than any other reason not to write to it."""
    row = insert(Suppression).values(brand_id=brand_id, email_digest=email_digest, reason="bounced")
    session.execute(
        row.on_conflict_do_update(
            index_elements=["brand_id", "email_digest"], set_={"reason": "bounced", "at": func.now()}
        )
    )


def _update(session: Session, ids: Sequence[str], **values: object) -> None:
    """Change notices that are still ours; one that somebody settled meanwhile stays as it is."""
    if ids:
        session.execute(
            update(Notice)
            .where(Notice.id == any_(cast(list(ids), ARRAY(Text))), Notice.state.in_(_OPEN))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
