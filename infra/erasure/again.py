"""Repeats erasures after a restore: a backup from before them brings a creator's key and name back.

The certificates in the object store say who was erased, whatever the restored database knows. An erasure is
repeated on the word that it was asked for with; nothing that is open stands in its way a second time.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Final

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from domain.audit import canonical
from domain.errors import Defect
from domain.ids import derived_id
from domain.roles import HANDSEL
from infra.audit.append import append_audit
from infra.database import make_engine, make_sessions
from infra.erasure.begin import ERASED, revoke_links
from infra.erasure.destroy import FOLDER, Eraser
from infra.objects import ObjectStore, StoreUnavailable
from infra.settings import Settings
from infra.tables import Creator, CreatorKey, Erasure

_BESIDE: Final = ("audit", "sha256")
"""What a certificate carries beside what its digest is of."""


def came_back(session: Session, objects: ObjectStore) -> dict[str, str]:
    """Creators who can be named although a certificate says that they were erased: id, and its object."""
    certified = {key.rpartition("/")[2].removesuffix(".json"): key for key in objects.keys(f"{FOLDER}/")}
    if not certified:
        return {}
    has_key = exists().where(CreatorKey.creator_id == Creator.id)
    named = select(Creator.id).where(or_(Creator.sealed != b"", has_key)).order_by(Creator.id)
    erasures = {creator_id: derived_id("erasure", creator_id) for creator_id in session.scalars(named)}
    return {of: certified[erasure_id] for of, erasure_id in erasures.items() if erasure_id in certified}


def how_many_came_back(settings: Settings) -> int:
    """How many can be named although they were erased; none when database or store does not answer."""
    engine = make_engine(settings)
    try:
        with make_sessions(engine)() as session:
            return len(came_back(session, ObjectStore(settings)))
    except (SQLAlchemyError, StoreUnavailable):
        return 0
    finally:
        engine.dispose()


class Repeats:
    """Needs the database and the object store."""

    def __init__(self, sessions: sessionmaker[Session], objects: ObjectStore) -> None:
        self._sessions = sessions
        self._objects = objects
        self._eraser = Eraser(sessions, objects)

    def waiting(self) -> dict[str, str]:
        """Whom to erase again: id, and the object with the certificate."""
        with self._sessions() as session:
            return came_back(session, self._objects)

    def repeat(self, creator_id: str, key: str, now: datetime) -> Erasure:
        """Erase this creator again, as the certificate says; its new certificate is a further object.

        Raises `Defect` when the certificate is not sound, or is another creator's.
        """
        certificate = self._certificate(creator_id, key)
        with self._sessions.begin() as session:
            creator = session.get_one(Creator, creator_id, with_for_update=True)
            creator.do_not_contact = ERASED
            revoke_links(session, creator_id, now)
            asked = {
                "rule": certificate["rule"],
                "forced": certificate["forced"],
                "actor_kind": certificate["asked_by"]["kind"],
                "actor_id": certificate["asked_by"]["id"],
                "asked_at": datetime.fromisoformat(certificate["asked_at"]),
                "destroyed_at": None,
                "certified_at": None,
                "swept_at": None,
                "certificate": None,
                "counts": {},
            }
            erasure_id = str(certificate["erasure_id"])
            row = session.get(Erasure, erasure_id)
            if row is None:
                row = Erasure(id=erasure_id, brand_id=creator.brand_id, creator_id=creator_id)
                session.add(row)
            for name, value in asked.items():
                setattr(row, name, value)
            said = {"certificate_sha256": certificate["sha256"], "erasure_id": erasure_id}
            append_audit(
                session, creator.brand_id, "creator", creator_id, "erasure_repeated", HANDSEL, now, said
            )
        return self._eraser.finish(erasure_id, now)

    def _certificate(self, creator_id: str, key: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(self._objects.read(key) or b"")
            body = {name: value for name, value in document.items() if name not in _BESIDE}
            sound = hashlib.sha256(canonical(body)).hexdigest() == document["sha256"]
        except (ValueError, KeyError, AttributeError):
            sound = False
        if not sound or document["creator_id"] != creator_id:
            raise Defect(f"{key} is not a sound certificate of {creator_id}", code="certificate_unsound")
        return document
