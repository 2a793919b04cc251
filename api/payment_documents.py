"""Keeps documents that prove a payment outside of Stripe, for the API and for the pages of finance."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Final

import filetype
from sqlalchemy.orm import Session

from api.auth import own
from api.payout_decisions import Decides
from domain.errors import Invalid, NotFound, Refused
from domain.ids import derived_id
from domain.ledger import actor_text
from infra.objects import ObjectStore, StoreUnavailable
from infra.tables import PaymentDocument, Payout

MEDIA_TYPES: Final = ("application/pdf", "image/jpeg", "image/png")


def keep_document(
    session: Session, who: Decides, store: ObjectStore | None, payout_id: str, body: bytes, name: str
) -> PaymentDocument:
    """Store the file with its SHA-256; the same file again is the same document. Raises `Invalid`."""
    own(session, who, Payout, payout_id)
    kind = filetype.guess_mime(body[:8192]) if body else None
    if kind not in MEDIA_TYPES:
        raise Invalid("this is not a PDF, JPEG or PNG file", field="body")
    if store is None:
        raise StoreUnavailable("no file store is set up")
    sha256 = hashlib.sha256(body).hexdigest()
    document_id = derived_id("payment_document", payout_id, sha256)
    known = session.get(PaymentDocument, document_id)
    if known is None:
        key = f"payments/{who.brand_id}/{payout_id}/{sha256}"
        store.put_once(key, body, kind)
        known = PaymentDocument(
            id=document_id,
            brand_id=who.brand_id,
            payout_id=payout_id,
            object_key=key,
            file_name=PurePosixPath(name).name or "document",
            media_type=kind,
            size=len(body),
            sha256=sha256,
            uploaded_by=actor_text(who.actor),
        )
        session.add(known)
        session.flush()
        session.refresh(known)
    return known


def document_bytes(store: ObjectStore | None, kept: PaymentDocument) -> bytes:
    """The file as it was uploaded. Raises `NotFound` where it was deleted, `Refused` where it was changed."""
    if store is None:
        raise StoreUnavailable("no file store is set up")
    body = store.read(kept.object_key)
    if body is None:
        raise NotFound("this document was deleted")
    if hashlib.sha256(body).hexdigest() != kept.sha256:
        raise Refused("the stored file is not the one that was uploaded", code="document_changed")
    return body
