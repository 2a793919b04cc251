"""The first run: when no brand exists, whoever holds the set-up token makes one. Once, whoever is faster.

The token follows from the secret key, so every process of the installation knows the same one and nothing
is stored. It is good for nothing as soon as there is a brand.
"""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from domain.errors import Refused
from infra.brands import NewBrand, write_brand
from infra.database import make_engine, make_sessions
from infra.settings import Settings
from infra.tables import Brand, Member

_LOCK = 0x736574757021


def setup_token(secret: str) -> str:
    """What opens the set-up page of this installation."""
    key = hashlib.sha256(f"handsel set-up\x1f{secret}".encode()).digest()
    return hmac.digest(key, b"first brand", "sha256").hex()[:40]


def setup_address(settings: Settings) -> str:
    """The page that makes the first brand."""
    return f"{settings.public_url.rstrip('/')}/console/setup?token={setup_token(settings.secret_key)}"


def is_setup_token(typed: str, secret: str) -> bool:
    """Whether this text opens the set-up page."""
    return hmac.compare_digest(setup_token(secret).encode(), typed.encode("utf-8", "replace"))


def is_set_up(session: Session) -> bool:
    """Whether there is a brand."""
    return session.scalar(select(Brand.id).limit(1)) is not None


def where_to_set_up(settings: Settings) -> str:
    """The set-up page while there is no brand; empty once there is one, or while the database is away."""
    engine = make_engine(settings)
    try:
        with make_sessions(engine)() as session:
            return "" if is_set_up(session) else setup_address(settings)
    except SQLAlchemyError:
        return ""
    finally:
        engine.dispose()


def set_up(session: Session, new: NewBrand) -> tuple[Brand, Member]:
    """Make the first brand and its owner. Raises `Refused` (already_set_up) when there is one."""
    session.execute(select(func.pg_advisory_xact_lock(text(str(_LOCK)))))
    if is_set_up(session):
        raise Refused("this installation has a brand already", code="already_set_up")
    return write_brand(session, new)
