"""Signs the roots of audit chains (Ed25519), and says whose signature a root carries.

The key is derived from the vault's key, so that there is one secret fewer to keep; what it signed can be
checked by anybody with the public key, which `handsel audit key` prints and every root carries. While two
keys are in the ring, each root also carries the handover from the older to the newer, signed by both: so that
roots stay known as ours when the old key has left. A root's worth lies in copies that we cannot change: in a
bucket that refuses to overwrite, in a stranger's mailbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.audit import Root, canonical

_SEED: Final = b"handsel audit signature\x00"
HANDOVERS: Final = "handovers"
"""Beside the signed fields of a stored root: who vouches for which older key."""


class Signer:
    """Keys of this installation; the first signs, all are recognised."""

    def __init__(self, vault_keys: tuple[str, ...]) -> None:
        if not vault_keys:
            raise ValueError("HANDSEL_VAULT_KEY is empty")
        self._keys = [
            Ed25519PrivateKey.from_private_bytes(hashlib.sha256(_SEED + key.encode()).digest())
            for key in vault_keys
        ]

    @property
    def public_keys(self) -> list[str]:
        """Public keys (hex), the one in use first."""
        return [_public(key) for key in self._keys]

    @property
    def handovers(self) -> list[dict[str, Any]]:
        """From each older key of the ring to the one in use; signed by both, and always the same bytes."""
        newest = self._keys[0]
        return [_handover(old, newest) for old in self._keys[1:]]

    def sign(self, root: Root) -> dict[str, Any]:
        """The root as it is stored: its fields, the public key, the signature (hex), and the handovers."""
        signature = self._keys[0].sign(root.document()).hex()
        signed = root.model_dump() | {"public_key": self.public_keys[0], "signature": signature}
        return signed | ({HANDOVERS: self.handovers} if self.handovers else {})


def _handover(old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> dict[str, Any]:
    keys = {"from": _public(old), "to": _public(new)}
    said = _said(keys)
    return keys | {"signature_from": old.sign(said).hex(), "signature_to": new.sign(said).hex()}


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def _said(handover: dict[str, Any]) -> bytes:
    """What both keys of a handover sign."""
    return canonical({"from": handover["from"], "to": handover["to"], "what": "handsel audit handover"})


def known_keys(of_this_installation: Iterable[str], documents: Iterable[dict[str, Any]]) -> list[str]:
    """These public keys, and those that one of them took over from, as stored roots say.

    A handover counts when both keys signed it, and only from a known key back to the one before: who finds
    an old key cannot name a new one of their own.
    """
    before: dict[str, set[str]] = {}
    for document in documents:
        for handover in document.get(HANDOVERS) or []:
            if _is_sound(handover):
                before.setdefault(handover["to"], set()).add(handover["from"])
    known = list(of_this_installation)
    for key in known:  # grows while it is read
        known += sorted(before.get(key, set()) - set(known))
    return known


def _is_sound(handover: Any) -> bool:
    try:
        for side in ("from", "to"):
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(handover[side]))
            key.verify(bytes.fromhex(handover[f"signature_{side}"]), _said(handover))
    except (KeyError, ValueError, TypeError, InvalidSignature):
        return False
    return True


def why_unsigned(document: dict[str, Any], known: list[str]) -> str:
    """What is wrong with the signature of a stored root; empty when it is sound. `known` empty: any key."""
    try:
        root = Root.model_validate({name: document[name] for name in Root.model_fields})
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(document["public_key"]))
        key.verify(bytes.fromhex(document["signature"]), root.document())
    except (KeyError, ValueError, TypeError):
        return "the root is not complete"
    except InvalidSignature:
        return "the signature does not fit the root"
    if known and document["public_key"] not in known:
        return "the root was signed with a key that is not of this installation"
    return ""
