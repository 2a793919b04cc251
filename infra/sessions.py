"""Sessions of signed-in people: kept on the server, ended at once, known to the browser by a random text.

The cookie's text is stored as its SHA-256. A session ends when nothing was done for a while, when its time
is over, when it is ended, and with the membership that it belongs to.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from domain.roles import Actor, ActorKind
from domain.sign_in import How, Result
from infra.api_keys import digest_of
from infra.audit.append import append_audit
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import Brand, Member, SignIn, StaffSession

SEEN_EVERY: Final = timedelta(minutes=1)
"""How exact `seen_at` of a session is."""


class Origin(NamedTuple):
    """Where a request came from, as far as it may be kept."""

    network: str
    browser: str


class Opened(NamedTuple):
    """A session that was just opened, and the only appearance of its secret."""

    session_id: str
    secret: str
    expires_at: datetime


class Recognised(NamedTuple):
    """A session, the member that it belongs to, and their brand, as one row."""

    session: StaffSession
    member: Member
    brand: Brand


def open_session(
    session: Session, settings: Settings, member: Member, how: How, origin: Origin, now: datetime
) -> Opened:
    """Let a browser in as this member, and write it into the log."""
    secret = secrets.token_urlsafe(32)
    expires_at = now + timedelta(days=settings.session_days)
    row = StaffSession(
        id=new_id("session"),
        digest=digest_of(secret),
        member_id=member.id,
        how=how.value,
        browser=origin.browser,
        network=origin.network,
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    log_sign_in(session, member, how, Result.SIGNED_IN, origin, now)
    session.flush()
    actor, told = Actor(kind=ActorKind.BRAND, id=member.id), {"how": how.value, "session_id": row.id}
    append_audit(session, member.brand_id, "member", member.id, "signed_in", actor, now, told)
    return Opened(row.id, secret, expires_at)


def recognise(session: Session, settings: Settings, secret: str, now: datetime) -> Recognised | None:
    """Whose live session this is, or None. Notes that it was used."""
    query = _live(settings, now).where(StaffSession.digest == digest_of(secret))
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    found = Recognised(*row)
    if now - found.session.seen_at > SEEN_EVERY:
        session.execute(update(StaffSession).where(StaffSession.id == found.session.id).values(seen_at=now))
    return found


def _live(settings: Settings, now: datetime) -> Select[StaffSession, Member, Brand]:
    idle = now - timedelta(hours=settings.session_idle_hours)
    return (
        select(StaffSession, Member, Brand)
        .join(Member, Member.id == StaffSession.member_id)
        .join(Brand, Brand.id == Member.brand_id)
        .where(
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
            StaffSession.seen_at > idle,
            Member.removed_at.is_(None),
        )
    )


def live_sessions(session: Session, settings: Settings, email: str, now: datetime) -> list[Recognised]:
    """Every live session of the person with this address, in whatever brand, newest first."""
    query = _live(settings, now).where(func.lower(Member.email) == email.lower())
    rows = session.execute(query.order_by(StaffSession.created_at.desc())).all()
    return [Recognised(*row) for row in rows]


def end_session(session: Session, session_id: str, now: datetime, result: Result = Result.ENDED) -> None:
    """This session counts no more; the log says so. Ending twice is ending once."""
    _end(session, StaffSession.id == session_id, now, result)


def end_sessions_of(session: Session, member_id: str, now: datetime) -> int:
    """Every session of this member counts no more. How many there were."""
    return _end(session, StaffSession.member_id == member_id, now, Result.ENDED)


def _end(session: Session, which: ColumnElement[bool], now: datetime, result: Result) -> int:
    ended = session.scalars(
        update(StaffSession)
        .where(which, StaffSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(StaffSession)
        .execution_options(synchronize_session=False)
    ).all()
    for row in ended:
        member = session.get_one(Member, row.member_id)
        log_sign_in(session, member, How(row.how), result, Origin(row.network, row.browser), now)
    session.flush()
    return len(ended)


def log_sign_in(
    session: Session, member: Member | None, how: How, result: Result, origin: Origin, now: datetime
) -> None:
    """Write one line of the log; without a member when nobody was meant."""
    session.add(
        SignIn(
            id=new_id("sign_in_line"),
            brand_id=None if member is None else member.brand_id,
            member_id=None if member is None else member.id,
            at=now,
            how=how.value,
            result=result.value,
            network=origin.network,
            browser=origin.browser,
        )
    )
