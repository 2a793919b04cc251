"""Who stands at the door: from the token in the address to a link that may show, may act, or may not.

A text that is no token of ours learns nothing, not even whether something is there. The first browser that
acts keeps the link: its cookie holds a random text, the link only the digest of that.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from itsdangerous import BadSignature, Signer
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain.errors import LinkRefused
from domain.stages import ENDS, Stage
from infra.links import bind, read_token
from infra.tables import Collaboration, Link

COOKIE: Final = "handsel_browser"
COOKIE_SECONDS: Final = 400 * 86400
"""The longest that browsers keep a cookie."""


class Standing(StrEnum):
    """What a link is good for, in this browser, now."""

    ACTS = "acts"
    """Shows and acts."""
    SHOWS = "shows"
    """The file is closed: shows, and acts no more."""
    ELSEWHERE = "elsewhere"
    """Another browser keeps it."""
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Visit:
    """One person with one link in one browser."""

    link_id: str
    token: str
    collaboration_id: str
    creator_id: str
    standing: Standing
    browser: str | None
    """Digest of the browser's cookie; None when it sent none."""
    opened: bool = False
    """Whether the page was shown before."""

    @property
    def path(self) -> str:
        """Where the page of this link is."""
        return f"/c/{self.token}"


class Browsers:
    """The signed cookie that tells one browser from another, and nothing else about it."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, salt="handsel browser", digest_method=hashlib.sha256)

    def make(self) -> str:
        """A cookie for a browser that has none."""
        return self._signer.sign(secrets.token_urlsafe(24)).decode()

    def digest(self, cookie: str | None) -> str | None:
        """What a link keeps of it; None for no cookie or one that is not ours."""
        if not cookie:
            return None
        try:
            return hashlib.sha256(self._signer.unsign(cookie)).hexdigest()
        except BadSignature:
            return None


def visit(session: Session, token: str, secret: str, browser: str | None, now: datetime) -> Visit:
    """Who is there. Raises `LinkRefused` for a token that is none of ours, or whose link is gone."""
    link_id = read_token(token, secret)
    row = session.execute(
        select(Link, Collaboration.stage)
        .join(Collaboration, Collaboration.id == Link.collaboration_id)
        .where(Link.id == link_id)
    ).one_or_none()
    if row is None:
        raise LinkRefused("this link is not one of ours", code="link_forged")
    link, stage = row
    return Visit(
        link_id=link_id,
        token=token,
        collaboration_id=link.collaboration_id,
        creator_id=link.creator_id,
        standing=_standing(link, Stage(stage), browser, now),
        browser=browser,
        opened=link.opened_at is not None,
    )


def _standing(link: Link, stage: Stage, browser: str | None, now: datetime) -> Standing:
    kept = link.browser_digest
    if kept is not None and (browser is None or not hmac.compare_digest(kept, browser)):
        return Standing.ELSEWHERE
    if now >= link.expires_at:
        return Standing.EXPIRED
    if stage in ENDS:
        return Standing.SHOWS
    return Standing.ACTS if link.revoked_at is None else Standing.REVOKED


def take(session: Session, visit: Visit) -> bool:
    """Bind the link to this browser, since it acts now. False when another browser was faster.

    A browser without cookies acts while nobody else has; there is nothing to bind the link to.
    """
    if visit.browser is None:
        kept = session.scalar(select(Link.browser_digest).where(Link.id == visit.link_id))
        return kept is None
    return bind(session, visit.link_id, visit.browser)


def note_opened(session: Session, visit: Visit) -> None:
    """Remember the first time that the page was shown."""
    session.execute(
        update(Link).where(Link.id == visit.link_id, Link.opened_at.is_(None)).values(opened_at=func.now())
    )
