"""Keeps documents that prove a payment outside of Stripe, for the API and for the pages of finance.

Their bytes are sealed under the creator's key, since a bank statement names people: they go with the key.
Their SHA-256 stays in the books (docs/decisions/0012).
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import filetype
from sqlalchemy.orm import Session

from api.auth import own
from api.payout_decisions import Decides
from domain.errors import Defect, Invalid, NotFound, Refused
from domain.ids import derived_id
from domain.ledger import actor_text
from infra.objects import ObjectStore, StoreUnavailable
from infra.tables import PaymentDocument, Payout
from infra.vault import Vault, key_of

MEDIA_TYPES: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
"""What may be uploaded, and how its file name ends."""
_SEALED: Final = "application/octet-stream"


class Files(NamedTuple):
    """Where documents lie, and what seals them."""

    store: ObjectStore | None
    vault: Vault

    def ready(self) -> ObjectStore:
        """The store. Raises `StoreUnavailable` where none is set up."""
        if self.store is None:
            raise StoreUnavailable("no file store is set up")
        return self.store


def keep_document(
    session: Session, who: Decides, files: Files, payout_id: str, body: bytes
) -> PaymentDocument:
    """Store the file, sealed, with its SHA-256; the same file again is the same document.

    The name that it had is not kept: it may name the creator. Raises `Invalid`, `NotFound` (code `erased`).
    """
    payout = own(session, who, Payout, payout_id)
    kind = filetype.guess_mime(body[:8192]) if body else None
    if kind not in MEDIA_TYPES:
        raise Invalid("this is not a PDF, JPEG or PNG file", field="body")
    store, wrapped = files.ready(), key_of(session, payout.creator_id)
    sha256 = hashlib.sha256(body).hexdigest()
    document_id = derived_id("payment_document", payout_id, sha256)
    known = session.get(PaymentDocument, document_id)
    if known is None:
        key = f"payments/{who.brand_id}/{payout_id}/{sha256}"
        store.put_once(key, files.vault.seal_file(wrapped, body), _SEALED)
        known = PaymentDocument(
            id=document_id,
            brand_id=who.brand_id,
            payout_id=payout_id,
            object_key=key,
            file_name=f"document.{MEDIA_TYPES[kind]}",
            media_type=kind,
            size=len(body),
            sha256=sha256,
            uploaded_by=actor_text(who.actor),
        )
        session.add(known)
        session.flush()
        session.refresh(known)
    return known


def document_bytes(session: Session, files: Files, kept: PaymentDocument) -> bytes:
    """The file as it was uploaded.

    Raises `NotFound` where it was deleted or its creator erased, `Refused` where it was changed.
    """
    payout = session.get_one(Payout, kept.payout_id)
    wrapped = key_of(session, payout.creator_id)
    sealed = files.ready().read(kept.object_key)
    if sealed is None:
        raise NotFound("this document was deleted")
    try:
        body = files.vault.open_file(wrapped, sealed)
    except Defect:
        body = b""
    if hashlib.sha256(body).hexdigest() != kept.sha256:
        raise Refused("the stored file is not the one that was uploaded", code="document_changed")
    return body
