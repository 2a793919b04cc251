"""Signing in by mail: a wish becomes a code and a link, and each wish lets one browser in, once.

Code and link follow from the id of the wish and the secret key, so none is stored. An address that nobody
has gets the same rows, the same answer and as much time as one that is known. A code counts only in the
browser that asked for it; the link, which nobody can guess, counts wherever the mail is read.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from domain.errors import LinkRefused
from domain.sign_in import (
    CODE_DIGITS,
    CODE_LIFE,
    CODES_KEPT,
    LOG_KEPT,
    MAILS_KEPT,
    MOST_ASKED,
    How,
    Result,
    safe_next,
    standing_of_code,
)
from infra.ids import new_id
from infra.links import read_token, token_of
from infra.sessions import Opened, Origin, log_sign_in, open_session
from infra.settings import Settings
from infra.staff_mails import StaffMailKind, queue_mail
from infra.tables import Member, SignIn, SignInCode, StaffMail, StaffSession

_PURPOSE: Final = "staff sign-in"


class Outcome(NamedTuple):
    """What came of a try: a session, or why there is none."""

    result: Result
    opened: Opened | None = None
    next_path: str = ""
    brands: int = 0
    """In how many brands the person is."""


def email_digest(email: str, secret: str) -> str:
    """How an address that was typed is kept: a keyed digest."""
    return hmac.digest(_key(secret, "e-mail"), email.lower().encode(), "sha256").hex()


def code_of(code_id: str, secret: str) -> str:
    """The eight digits that belong to this wish."""
    raw = hmac.digest(_key(secret, "code"), code_id.encode(), "sha256")
    return f"{int.from_bytes(raw[:16], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def link_of(code_id: str, settings: Settings) -> str:
    """The address that belongs to this wish."""
    token = token_of(code_id, settings.secret_key, _PURPOSE, "sign_in")
    return f"{settings.public_url.rstrip('/')}/console/sign-in/link/{token}"


def _key(secret: str, purpose: str) -> bytes:
    return hashlib.sha256(f"handsel {_PURPOSE} {purpose}\x1f{secret}".encode()).digest()


def memberships(session: Session, email: str) -> list[Member]:
    """Every brand that the person with this address is in now, the one used last first."""
    last = select(func.max(StaffSession.seen_at)).where(StaffSession.member_id == Member.id).scalar_subquery()
    query = select(Member).where(func.lower(Member.email) == email.lower(), Member.removed_at.is_(None))
    return list(session.scalars(query.order_by(last.desc().nulls_last(), Member.id)))


def ask(
    session: Session, settings: Settings, email: str, browser_digest: str, next_path: str, now: datetime
) -> None:
    """Write down that somebody wants to sign in, and queue the mail if there is somebody to write to."""
    _forget_old(session, now)
    digest = email_digest(email, settings.secret_key)
    known = memberships(session, email)
    recent = select(func.count()).where(
        SignInCode.email_digest == digest, SignInCode.created_at > now - CODE_LIFE
    )
    too_many = (session.scalar(recent) or 0) >= MOST_ASKED
    code_id = new_id("sign_in")
    session.add(
        SignInCode(
            id=code_id,
            email_digest=digest,
            member_id=known[0].id if known and not too_many else None,
            browser_digest=browser_digest,
            next_path=safe_next(next_path),
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
    )
    why_not = "too_many" if too_many else "" if known else "unknown_address"
    queue_mail(session, settings, StaffMailKind.SIGN_IN, code_id, now, why_not=why_not)


def enter_by_code(
    session: Session, settings: Settings, browser_digest: str, typed: str, origin: Origin, now: datetime
) -> Outcome:
    """Try the digits on the newest wish of this browser. A wrong code is counted: commit in any case."""
    query = select(SignInCode).where(
        SignInCode.browser_digest == browser_digest, SignInCode.created_at > now - CODES_KEPT
    )
    wish = session.scalar(query.order_by(SignInCode.created_at.desc()).limit(1).with_for_update())
    if wish is None:
        return Outcome(Result.NOT_ASKED)
    right = hmac.compare_digest(code_of(wish.id, settings.secret_key), typed)
    member = _present(session, wish)
    refused = _standing(wish, now)
    if refused is None and not (right and wish.member_id):
        wish.tries += 1
        refused = _standing(wish, now) or Result.WRONG_CODE
    if refused is None and member is None:
        refused = Result.NO_MEMBER
    return _enter(session, settings, wish, member, refused, How.CODE, origin, now)


def read_link(token: str, settings: Settings) -> str:
    """The id of the wish that a link belongs to. Raises `LinkRefused`."""
    return read_token(token, settings.secret_key, _PURPOSE, "sign_in")


class LinkSeen(NamedTuple):
    """What the page of a link shows before anybody acts."""

    refused: Result | None
    email: str
    same_browser: bool


def look_at_link(
    session: Session, settings: Settings, token: str, browser_digest: str, now: datetime
) -> LinkSeen:
    """Whom this link would let in. Changes nothing. Raises `LinkRefused` for one that is none of ours."""
    wish = session.get(SignInCode, read_link(token, settings))
    if wish is None:
        raise LinkRefused("this link is not one of ours", code="link_forged")
    member = _present(session, wish)
    refused = _standing(wish, now, by_link=True) or (Result.NO_MEMBER if member is None else None)
    shown = "" if member is None or refused else member.email
    return LinkSeen(refused, shown, hmac.compare_digest(wish.browser_digest, browser_digest))


def enter_by_link(session: Session, settings: Settings, token: str, origin: Origin, now: datetime) -> Outcome:
    """Let this browser in by a mailed link, once. Raises `LinkRefused`."""
    wish = session.get(SignInCode, read_link(token, settings), with_for_update=True)
    if wish is None:
        raise LinkRefused("this link is not one of ours", code="link_forged")
    member = _present(session, wish)
    refused = _standing(wish, now, by_link=True) or (Result.NO_MEMBER if member is None else None)
    return _enter(session, settings, wish, member, refused, How.LINK, origin, now)


def _standing(wish: SignInCode, now: datetime, *, by_link: bool = False) -> Result | None:
    """Wrong codes close the code, not the link: nobody can lock somebody else out."""
    tries = 0 if by_link else wish.tries
    return standing_of_code(used=wish.used_at is not None, expires_at=wish.expires_at, tries=tries, now=now)


def _present(session: Session, wish: SignInCode) -> Member | None:
    """The member, or where they were removed since, the same person in another brand."""
    asked = session.get(Member, wish.member_id) if wish.member_id else None
    return next(iter(memberships(session, asked.email if asked else "")), None)


def _enter(
    session: Session,
    settings: Settings,
    wish: SignInCode,
    member: Member | None,
    refused: Result | None,
    how: How,
    origin: Origin,
    now: datetime,
) -> Outcome:
    if refused is not None or member is None:
        result = refused or Result.NO_MEMBER
        log_sign_in(session, member, how, result, origin, now)
        session.flush()
        return Outcome(result)
    session.execute(
        update(SignInCode)
        .where(SignInCode.email_digest == wish.email_digest, SignInCode.used_at.is_(None))
        .values(used_at=now)
    )
    opened = open_session(session, settings, member, how, origin, now)
    return Outcome(Result.SIGNED_IN, opened, wish.next_path, len(memberships(session, member.email)))


def _forget_old(session: Session, now: datetime) -> None:
    """What is kept for a while only."""
    session.execute(delete(SignInCode).where(SignInCode.created_at < now - CODES_KEPT))
    session.execute(delete(SignIn).where(SignIn.at < now - LOG_KEPT))
    session.execute(delete(StaffSession).where(StaffSession.expires_at < now - LOG_KEPT))
    session.execute(
        delete(StaffMail).where(StaffMail.created_at < now - MAILS_KEPT, StaffMail.state != "queued")
    )
