"""Personal data at rest: sealed documents under a key per creator, each wrapped by the vault's key.

Destroying a creator's wrapped key (`creator_keys`) makes every document of theirs unreadable for good:
that is erasure. Nothing opened here may be logged, put into a workflow, or stored again in clear.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Annotated, Any, Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Defect, NotFound
from infra.tables import Answer, Creator, CreatorKey

_NONCE: Final = 12
M = TypeVar("M", bound=BaseModel)
Line = Annotated[str, Field(max_length=200)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Profile(_Document):
    """Who a creator is."""

    name: Line
    email: Annotated[str, Field(max_length=254)]
    phone: Annotated[str, Field(max_length=40)] = ""


class PostalAddress(_Document):
    """Where a parcel goes. `country` is ISO 3166-1 alpha-2; `lines` are street lines, first first."""

    name: Line
    company: Line = ""
    lines: Annotated[list[Line], Field(min_length=1, max_length=4)]
    city: Line
    region: Line = ""
    postcode: Annotated[str, Field(max_length=20)] = ""
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]


class AnswerForm(_Document):
    """A form as a creator sent it, with where it came from."""

    legal_name: Line = ""
    consent: bool = False
    address: PostalAddress | None = None
    note: Annotated[str, Field(max_length=4000)] = ""
    ip: Annotated[str, Field(max_length=64)] = ""
    browser: Annotated[str, Field(max_length=400)] = ""


class SealedPart(_Document):
    """One personal part of an evidence bundle, with the salt of its commitment (hex)."""

    salt: str
    value: Any


class Annex(_Document):
    """The personal parts of an evidence bundle, by name."""

    parts: dict[str, SealedPart] = {}


class Vault:
    """Wraps and unwraps creators' keys; seals and opens their documents.

    `keys` is the setting HANDSEL_VAULT_KEY: urlsafe base64 keys of 32 bytes, separated by commas; the first
    wraps, all unwrap. E-mail digests use the last one, so that they stay the same while a key is replaced.
    """

    def __init__(self, keys: str) -> None:
        ring = [key.strip() for key in keys.split(",") if key.strip()]
        if not ring:
            raise ValueError("HANDSEL_VAULT_KEY is empty")
        self._ring = MultiFernet([Fernet(key) for key in ring])
        self._digest_key = hashlib.sha256(b"handsel e-mail digest\x00" + ring[-1].encode()).digest()

    def new_key(self) -> bytes:
        """A creator's own data key, wrapped: what `creator_keys` stores."""
        return self._ring.encrypt(AESGCM.generate_key(bit_length=256))

    def rewrap(self, wrapped: bytes) -> bytes:
        """The same data key under the newest vault key."""
        return self._ring.rotate(wrapped)

    def seal(self, wrapped: bytes, document: BaseModel) -> bytes:
        """Encrypt a document (AES-256-GCM); its kind is part of what is authenticated."""
        nonce = os.urandom(_NONCE)
        plain = document.model_dump_json().encode()
        return nonce + self._cipher(wrapped).encrypt(nonce, plain, _kind(type(document)))

    def open(self, wrapped: bytes, sealed: bytes, model: type[M]) -> M:
        """Decrypt a document. Raises `Defect` when it was tampered with or sealed under another key."""
        try:
            plain = self._cipher(wrapped).decrypt(sealed[:_NONCE], sealed[_NONCE:], _kind(model))
        except (InvalidTag, ValueError) as error:
            raise Defect(f"a sealed {model.__name__} cannot be opened", code="vault_unreadable") from error
        return model.model_validate_json(plain)

    def seal_alike(self, wrapped: bytes, document: BaseModel) -> bytes:
        """Encrypt a document so that the same document under the same key gives the same bytes.

        For what is sealed again whenever it is put together again; it tells only whether two are equal.
        """
        plain = document.model_dump_json().encode()
        nonce = self.salt(wrapped, "nonce", _kind(type(document)).decode(), plain.hex())[:_NONCE]
        return nonce + self._cipher(wrapped).encrypt(nonce, plain, _kind(type(document)))

    def seal_file(self, wrapped: bytes, body: bytes) -> bytes:
        """Encrypt the bytes of a file; the same file under the same key gives the same bytes."""
        nonce = self.salt(wrapped, "file", hashlib.sha256(body).hexdigest())[:_NONCE]
        return nonce + self._cipher(wrapped).encrypt(nonce, body, b"file")

    def open_file(self, wrapped: bytes, sealed: bytes) -> bytes:
        """Decrypt the bytes of a file. Raises `Defect` when they were changed or sealed under another key."""
        try:
            return self._cipher(wrapped).decrypt(sealed[:_NONCE], sealed[_NONCE:], b"file")
        except (InvalidTag, ValueError) as error:
            raise Defect("a sealed file cannot be opened", code="vault_unreadable") from error

    def salt(self, wrapped: bytes, *purpose: str) -> bytes:
        """32 bytes that follow from the creator's key and the purpose; gone for good with the key."""
        try:
            key = self._ring.decrypt(wrapped)
        except InvalidToken as error:
            raise Defect("no vault key unwraps this creator's key", code="vault_unreadable") from error
        return hmac.new(key, "\x1f".join(("salt", *purpose)).encode(), hashlib.sha256).digest()

    def email_digest(self, email: str) -> str:
        """How an address is found again without being readable: HMAC-SHA-256 of its casefolded form, hex."""
        plain = email.strip().casefold().encode()
        return hmac.new(self._digest_key, plain, hashlib.sha256).hexdigest()

    def _cipher(self, wrapped: bytes) -> AESGCM:
        try:
            return AESGCM(self._ring.decrypt(wrapped))
        except InvalidToken as error:
            raise Defect("no vault key unwraps this creator's key", code="vault_unreadable") from error


def _kind(model: type[BaseModel]) -> bytes:
    return model.__name__.encode()


def key_of(session: Session, creator_id: str) -> bytes:
    """The creator's wrapped key. Raises `NotFound` (code `erased`) when it was destroyed."""
    wrapped = session.scalar(select(CreatorKey.wrapped).where(CreatorKey.creator_id == creator_id))
    if wrapped is None:
        raise NotFound("this creator's personal data was erased", code="erased")
    return wrapped


def profile_of(session: Session, vault: Vault, creator_id: str) -> Profile:
    """Name, e-mail and phone of a creator. Raises `NotFound` for an unknown or erased creator."""
    found = session.execute(
        select(CreatorKey.wrapped, Creator.sealed)
        .join(Creator, Creator.id == CreatorKey.creator_id)
        .where(Creator.id == creator_id)
    ).one_or_none()
    if found is None:
        raise NotFound("no such creator, or their personal data was erased", code="erased")
    return vault.open(found.wrapped, found.sealed, Profile)


def answer_of(session: Session, vault: Vault, answer_id: str) -> AnswerForm:
    """The form as the creator sent it. Raises `NotFound` for an unknown answer or an erased creator."""
    found = session.execute(
        select(CreatorKey.wrapped, Answer.sealed)
        .join(Answer, Answer.creator_id == CreatorKey.creator_id)
        .where(Answer.id == answer_id)
    ).one_or_none()
    if found is None:
        raise NotFound("no such answer, or the creator's personal data was erased", code="erased")
    return vault.open(found.wrapped, found.sealed, AnswerForm)
