"""Signs the roots of audit chains (Ed25519), and says whose signature a root carries.

The key is derived from the vault's key, so that there is one secret fewer to keep; what it signed can be
checked by anybody with the public key, which `handsel audit key` prints and every root carries. A root's
worth lies in copies that we cannot change: in a bucket that refuses to overwrite, in a stranger's mailbox.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.audit import Root

_SEED: Final = b"handsel audit signature\x00"


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
        return [key.public_key().public_bytes_raw().hex() for key in self._keys]

    def sign(self, root: Root) -> dict[str, Any]:
        """The root as it is stored: its fields, the public key, the signature (hex)."""
        signature = self._keys[0].sign(root.document()).hex()
        return root.model_dump() | {"public_key": self.public_keys[0], "signature": signature}


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
