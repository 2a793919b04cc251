"""The marks that a staff form carries: that a page of ours asked for it, and which rendering it was.

The first belongs to the session (or to the browser, before anybody is signed in) and is checked for every
POST. The second makes the ids of what a form creates, so that a double click creates once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from domain.errors import Refused
from domain.ids import derived_id

FIELD = "csrf"
NONCE = "nonce"


class FormUnknown(Refused):
    """The form does not come from a page that this browser was shown."""

    code = "form_unknown"
    status = 403


class Marks:
    """Makes and checks the marks of one installation."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"handsel staff form\x1f{secret}".encode()).digest()

    def make(self, anchor: str) -> str:
        """The mark of every form that is shown to this session or browser."""
        return hmac.digest(self._key, anchor.encode(), "sha256").hex()

    def check(self, anchor: str, typed: str) -> None:
        """Raise `FormUnknown` unless the mark was made for this session or browser."""
        if not hmac.compare_digest(self.make(anchor).encode(), typed.encode("utf-8", "replace")):
            raise FormUnknown("this form is not of a page that you have open; open the page again")


def new_nonce() -> str:
    """The mark of one rendering."""
    return secrets.token_urlsafe(12)


def id_of(kind: str, anchor: str, nonce: str) -> str:
    """The id of what this form creates: the same form sent twice names the same thing."""
    return derived_id(kind, "staff form", anchor, nonce[:64])
