"""A message as it goes over the wire: headers, the two forms of the letter, and perhaps an attachment.

Written here and not by `email.generator`, which takes several milliseconds a message, more than all the rest
of a launch's work for it. The tests read every message back with the standard library and accept no defect.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from typing import Final

from activities.mail_port import Attachment, Mail

_EOL: Final = b"\r\n"
_LONGEST_PLAIN: Final = 200
"""Characters of a header value that is sent as it is; a line may hold 998 (RFC 5322, 2.1.1)."""


def compose(mail: Mail, now: datetime) -> bytes:
    """The message with CRLF line ends, 7-bit clean. `now` (aware) is its date."""
    mark = hashlib.sha256(mail.message_id.encode()).hexdigest()[:24]
    body = _multipart("alternative", f"=_a{mark}", [_text("plain", mail.text), _text("html", mail.html)])
    if mail.attachment is not None:
        body = _multipart("mixed", f"=_m{mark}", [body, _attached(mail.attachment)])
    return _EOL.join([*_headers(mail, now), b"MIME-Version: 1.0", body])


def _headers(mail: Mail, now: datetime) -> list[bytes]:
    sender = mail.return_path or mail.sender_email
    values = {
        "From": formataddr((_safe(mail.sender_name), _safe(mail.sender_email))),
        "Sender": "" if sender == mail.sender_email else _safe(sender),
        "To": formataddr((_safe(mail.recipient_name), _safe(mail.recipient_email))),
        "Reply-To": _safe(mail.reply_to),
        "Subject": _words("Subject", _safe(mail.subject)),
        "Date": format_datetime(now),
        "Message-ID": _safe(mail.message_id),
        "References": _safe(mail.thread),
        "In-Reply-To": _safe(mail.thread),
        "List-Unsubscribe": f"<{_safe(mail.unsubscribe_url)}>" if mail.unsubscribe_url else "",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" if mail.unsubscribe_url else "",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Feedback-ID": _safe(mail.feedback_id),
    }
    return [f"{name}: {value}".encode("ascii") for name, value in values.items() if value]


def _safe(value: str) -> str:
    """The value on one line: no header can be begun inside another."""
    return " ".join(value.split())


def _words(name: str, value: str) -> str:
    if value.isascii() and len(value) <= _LONGEST_PLAIN:
        return value
    return Header(value, "utf-8", header_name=name).encode(linesep="\r\n")


def _multipart(kind: str, mark: str, parts: list[bytes]) -> bytes:
    """`mark` begins with '=_', which neither quoted-printable nor base64 can hold (RFC 2045, 6.7)."""
    head = f'Content-Type: multipart/{kind}; boundary="{mark}"'.encode()
    line = b"--" + mark.encode()
    return _EOL.join([head, b"", *(line + _EOL + part for part in parts), line + b"--", b""])


def _text(kind: str, words: str) -> bytes:
    head = f'Content-Type: text/{kind}; charset="utf-8"'.encode()
    plain = words.replace("\r\n", "\n").encode()
    coded = binascii.b2a_qp(plain, istext=True).replace(b"\n", _EOL)
    return _EOL.join([head, b"Content-Transfer-Encoding: quoted-printable", b"", coded])


def _attached(file: Attachment) -> bytes:
    """In base64, so that what is saved has the very bytes that were hashed."""
    head = f'Content-Type: text/plain; charset="utf-8"; name="{file.name}"'.encode("ascii")
    place = f'Content-Disposition: attachment; filename="{file.name}"'.encode("ascii")
    coded = base64.encodebytes(file.content).replace(b"\n", _EOL)
    return _EOL.join([head, place, b"Content-Transfer-Encoding: base64", b"", coded])
