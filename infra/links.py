"""Links to the creator's pages: made for one collaboration, expiring, revocable, bound to one browser.

A token is the link's own UUID and a truncated HMAC of it, so that a guess is refused without asking the
database. Nothing about a link is secret but the token, and no token is ever stored. A link shows on GET
and acts on POST; the first browser that acts keeps it (`bind`).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import LinkRefused
from domain.ids import PREFIXES, encode, is_id
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import Link

LIFE: Final = timedelta(days=90)
"""How long a link lives unless its maker says otherwise."""

_SEAL_BYTES: Final = 16
_TOKEN_LENGTH: Final = 43
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAGE: Final = "creator page"
_UNSUBSCRIBE: Final = "unsubscribe"


def issue(
    session: Session,
    *,
    collaboration_id: str,
    creator_id: str,
    now: datetime,
    life: timedelta = LIFE,
    link_id: str | None = None,
) -> Link:
    """Make a link, or give back the one that has this id already (a retry makes no second link)."""
    link_id = link_id or new_id("link")
    session.execute(
        insert(Link)
        .values(
            id=link_id,
            collaboration_id=collaboration_id,
            creator_id=creator_id,
            created_at=now,
            expires_at=now + life,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )
    return session.execute(select(Link).where(Link.id == link_id)).scalar_one()


def revoke(session: Session, collaboration_id: str) -> None:
    """Every link of this collaboration acts no more. A link that is revoked already keeps its moment."""
    session.execute(
        update(Link)
        .where(Link.collaboration_id == collaboration_id, Link.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


def bind(session: Session, link_id: str, browser_digest: str) -> bool:
    """Give the link to this browser. True when it is this browser's now, False when it is another's."""
    session.execute(
        update(Link)
        .where(Link.id == link_id, Link.browser_digest.is_(None))
        .values(browser_digest=browser_digest)
    )
    owner = session.execute(select(Link.browser_digest).where(Link.id == link_id)).scalar_one()
    return owner is not None and hmac.compare_digest(owner, browser_digest)


def token_of(link_id: str, secret: str, purpose: str = _PAGE, kind: str = "link") -> str:
    """The URL-safe token of a link (or of another kind of id for its own purpose): 43 characters."""
    raw = _uuid_of(link_id, kind).bytes
    return urlsafe_b64encode(raw + _seal(raw, secret, purpose)).rstrip(b"=").decode()


def read_token(token: str, secret: str, purpose: str = _PAGE, kind: str = "link") -> str:
    """The id of the link that the token was made for. Raises `LinkRefused` for any other text.

    A token that is right in form and wrong in its seal costs the same time as a right one.
    """
    try:
        raw = urlsafe_b64decode(token + "=") if len(token) == _TOKEN_LENGTH else b""
    except ValueError:
        raw = b""
    if len(raw) != 16 + _SEAL_BYTES:
        raise LinkRefused("this link is not complete", code="link_garbled")
    body, seal = raw[:16], raw[16:]
    if not hmac.compare_digest(seal, _seal(body, secret, purpose)):
        raise LinkRefused("this link is not one of ours", code="link_forged")
    link_id = encode(PREFIXES[kind], UUID(bytes=body))
    if token_of(link_id, secret, purpose, kind) != token:
        raise LinkRefused("this link is not complete", code="link_garbled")
    return link_id


def url_of(settings: Settings, link_id: str, path: str = "") -> str:
    """The address of the creator's page: `{public_url}/c/{token}{path}`."""
    return f"{settings.public_url.rstrip('/')}/c/{token_of(link_id, settings.secret_key)}{path}"


def unsubscribe_token(link_id: str, secret: str) -> str:
    """A token that can only unsubscribe: a page's token does not open it, nor it a page."""
    return token_of(link_id, secret, _UNSUBSCRIBE)


def read_unsubscribe_token(token: str, secret: str) -> str:
    """The link id of an unsubscribe token. Raises `LinkRefused`."""
    return read_token(token, secret, _UNSUBSCRIBE)


def unsubscribe_url(settings: Settings, link_id: str) -> str:
    """The one-click address of List-Unsubscribe: `{public_url}/u/{token}`."""
    return f"{settings.public_url.rstrip('/')}/u/{unsubscribe_token(link_id, settings.secret_key)}"


def _seal(raw: bytes, secret: str, purpose: str) -> bytes:
    key = hashlib.sha256(f"handsel link {purpose}\x1f{secret}".encode()).digest()
    return hmac.digest(key, raw, "sha256")[:_SEAL_BYTES]


def _uuid_of(link_id: str, kind: str) -> UUID:
    if not is_id(kind, link_id):
        raise ValueError(f"{link_id!r} is not the id of a {kind}")
    number = 0
    for digit in link_id.partition("_")[2]:
        number = number << 5 | _ALPHABET.index(digit)
    return UUID(int=number)
