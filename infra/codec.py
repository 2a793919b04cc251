"""Encrypts payloads on their way to Temporal, when settings hold keys for it.

Payloads hold ids only, so this is a second wall. Keys rotate: the first encrypts, all decrypt; the key's
name travels in the metadata. Turning it on later leaves older histories in clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography.fernet import Fernet
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/encrypted"


class FernetCodec(PayloadCodec):
    """Fernet over whole payloads; `keys` is `name:key` pairs separated by commas."""

    def __init__(self, keys: str) -> None:
        pairs = [pair.split(":", 1) for pair in keys.split(",") if pair]
        self._keys = {name: Fernet(key) for name, key in pairs}
        self._first = next(iter(self._keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt each payload with the first key."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Decrypt what is encrypted; pass on what is not. Raises KeyError for an unknown key name."""
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        return Payload(
            metadata={"encoding": ENCODING, "key": self._first.encode()},
            data=self._keys[self._first].encrypt(payload.SerializeToString()),
        )

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        name = payload.metadata["key"].decode()
        if name not in self._keys:
            raise KeyError(f"no codec key named {name!r} in HANDSEL_CODEC_KEYS")
        return Payload.FromString(self._keys[name].decrypt(payload.data))
