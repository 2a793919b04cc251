"""Ids: TypeIDs, a readable prefix and a UUID in base 32 (https://github.com/jetify-com/typeid).

Random ids are made at the edges (`new_id`, UUIDv7, sortable by time). Ids of things that follow from
other things are derived (`derived_id`), so that a retry names the same thing again and pure code needs
no randomness.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final
from uuid import UUID

PREFIXES: Final = {
    "brand": "brand",
    "member": "member",
    "api_key": "key",
    "product": "product",
    "variant": "variant",
    "creator": "creator",
    "campaign": "campaign",
    "collaboration": "collab",
    "offer": "offer",
    "answer": "answer",
    "link": "link",
    "notice": "notice",
    "shipment": "ship",
    "deliverable": "deliv",
    "submission": "subm",
    "asset": "asset",
    "post": "post",
    "disclosure_check": "check",
    "payout": "payout",
    "payout_run": "run",
    "entry": "entry",
    "event": "event",
    "gate_report": "gates",
    "platform_token": "ptok",
    "difference": "diff",
    "job": "job",
    "audit_root": "root",
    "bundle": "bundle",
    "erasure": "erasure",
    "remark": "remark",
    "approval_rules": "rules",
    "hold": "hold",
    "payment_document": "document",
    "sign_in": "signin",
    "sign_in_line": "seen",
    "session": "session",
    "member_invitation": "minv",
    "staff_mail": "smail",
}
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PATTERN: Final = re.compile(r"^([a-z]+)_([0-7][0-9abcdefghjkmnpqrstvwxyz]{25})$")


def encode(prefix: str, uuid: UUID) -> str:
    """Write a UUID as a TypeID with this prefix."""
    number = uuid.int
    digits = []
    for _ in range(26):
        digits.append(_ALPHABET[number & 31])
        number >>= 5
    return f"{prefix}_{''.join(reversed(digits))}"


def derived_id(kind: str, *parts: str | int) -> str:
    """The id of the thing that these parts determine: same parts, same id (UUIDv8 of their SHA-256)."""
    digest = hashlib.sha256("\x1f".join([kind, *map(str, parts)]).encode()).digest()
    raw = int.from_bytes(digest[:16], "big")
    raw = raw & ~(0xF << 76) | (0x8 << 76)
    raw = raw & ~(0x3 << 62) | (0x2 << 62)
    return encode(PREFIXES[kind], UUID(int=raw))


def is_id(kind: str, text: str) -> bool:
    """Whether the text has the form of an id of this kind."""
    match = _PATTERN.fullmatch(text)
    return match is not None and match.group(1) == PREFIXES[kind]
