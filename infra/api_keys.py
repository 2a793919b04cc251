"""Keys of the API: `hs_<mode>_<random>`, shown once, kept only as a SHA-256.

The random part holds 256 bits, so a plain digest is enough and no salt or slow hash is needed. A key in
clear must never be stored, logged or repeated in an answer after the one that made it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from activities.persons import maker_of
from domain.roles import HANDSEL, Actor, Role
from infra.audit.append import append_audit
from infra.ids import new_id
from infra.tables import ApiKey


class NewKey(NamedTuple):
    """A key that was just made, and its only appearance in clear."""

    row: ApiKey
    secret: str


def digest_of(secret: str) -> str:
    """How a key is found again: SHA-256, hex."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def make_key(
    session: Session,
    *,
    mode: str,
    brand_id: str,
    name: str,
    role: Role,
    by: Actor = HANDSEL,
    key_id: str | None = None,
) -> NewKey:
    """Make a key of this role for this brand; `mode` (local or production) stands in its prefix.

    What the key does counts as done by the person who made it, also where they made it with another key.
    """
    secret = f"hs_{mode}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        id=key_id or new_id("api_key"),
        brand_id=brand_id,
        name=name,
        role=role.value,
        digest=digest_of(secret),
        made_by=maker_of(session, brand_id, by),
    )
    session.add(row)
    session.flush()
    _tell(session, row, "key_created", by)
    return NewKey(row, secret)


def revoke_key(session: Session, key: ApiKey, by: Actor) -> None:
    """The key counts no more, from the next call on. Revoking twice is revoking once."""
    if key.revoked_at is None:
        key.revoked_at = datetime.now(UTC)
        session.flush()
        _tell(session, key, "key_revoked", by)


def _tell(session: Session, key: ApiKey, event: str, by: Actor) -> None:
    append_audit(session, key.brand_id, "api_key", key.id, event, by, datetime.now(UTC), {"role": key.role})
