"""Mail over SMTP: connections kept open, one a thread, and every answer of the server sorted by what to do.

A password never travels in clear to another machine. What belongs to our own settings (no relaying, no
login, unknown sender) is never blamed on an address: such mail waits until somebody mends the settings.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from activities.adapters.mail_message import compose
from activities.mail_port import Mail, MailUnavailable, MessageRefused, RecipientRefused

TIMEOUT: Final = 15.0
"""Seconds that one answer of the server may take."""
MOST_PER_CONNECTION: Final = 200
"""Messages after which a connection is made anew; servers limit them, often to some hundreds."""
LONGEST_IDLE: Final = 10.0
"""Seconds after which an unused connection is not trusted any more."""

_GOODBYE: Final = 2.0
"""Seconds that a server may take to say goodbye."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_ENHANCED: Final = re.compile(rb"^\s*([245]\.\d{1,3}\.\d{1,3})")
_CLOSING: Final = 421
_OURS: Final = (_CLOSING, 454, 530, 534, 535, 538)
"""Answers about the connection or the login, whatever command they follow (RFC 5321, RFC 4954)."""
T = TypeVar("T")


class _Lost(Exception):
    """The connection ended before the message was handed over, so it can be tried again at once."""


class _Connection:
    """One SMTP connection and how it was used."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self.smtp = smtp
        self.sent = 0
        self.used_at = monotonic()

    @property
    def worn(self) -> bool:
        return self.sent >= MOST_PER_CONNECTION or monotonic() - self.used_at > LONGEST_IDLE


class SmtpMailer:
    """Sends through `url`: smtp://[user:password@]host[:port][?starttls=required] or smtps://..."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("HANDSEL_SMTP_URL must be smtp://host:port or smtps://host:port")
        self._timeout = timeout
        self._host = parts.hostname
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 587 if parts.username else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        asked = parse_qs(parts.query).get("starttls", [""])[0] in ("required", "1", "true", "yes")
        secret_leaves = bool(self._user) and self._host not in _LOOPBACK
        self._starttls = not self._implicit_tls and (asked or secret_leaves)
        self._own = threading.local()

    def send(self, message: Mail) -> None:
        """Hand one message over. See `mail_port.Mailer.send`."""
        if not message.recipient_email.isascii():
            raise MessageRefused("address_not_ascii")
        data = compose(message, datetime.now(UTC))
        sender = message.return_path or message.sender_email
        for last in (False, True):
            connection = self._connection(fresh=last)
            try:
                self._hand_over(connection, sender, message.recipient_email, data)
            except _Lost as lost:
                self.close()
                if last:
                    raise MailUnavailable("connection_lost", everywhere=True) from lost
                continue
            connection.sent += 1
            connection.used_at = monotonic()
            return

    def close(self) -> None:
        """Let go of the calling thread's connection."""
        connection: _Connection | None = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if connection.smtp.sock is not None:
                    connection.smtp.sock.settimeout(_GOODBYE)
                connection.smtp.quit()

    def _connection(self, *, fresh: bool) -> _Connection:
        kept: _Connection | None = getattr(self._own, "connection", None)
        if kept is not None and not fresh and not kept.worn:
            return kept
        self.close()
        made = _Connection(self._connect())
        self._own.connection = made
        return made

    def _connect(self) -> smtplib.SMTP:
        try:
            smtp = self._open()
            smtp.ehlo()
            if self._starttls:
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            if self._user:
                smtp.login(self._user, self._password)
        except smtplib.SMTPResponseException as error:
            raise MailUnavailable(f"connect_{error.smtp_code}", everywhere=True) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailUnavailable(f"connect_{type(error).__name__}", everywhere=True) from None
        return smtp

    def _open(self) -> smtplib.SMTP:
        name = _own_name()
        if self._implicit_tls:
            return smtplib.SMTP_SSL(
                self._host,
                self._port,
                local_hostname=name,
                timeout=self._timeout,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=name, timeout=self._timeout)

    def _hand_over(self, connection: _Connection, sender: str, recipient: str, data: bytes) -> None:
        smtp = connection.smtp
        code, _ = _asking(lambda: smtp.mail(sender))
        if code == _CLOSING:
            raise _Lost
        if code != 250:
            self.close()
            raise MailUnavailable(f"mail_from_{code}", everywhere=True)
        code, said = _asking(lambda: smtp.rcpt(recipient))
        if code not in (250, 251):
            self._refused(code, said, "recipient")
        try:
            code, said = smtp.data(data)
        except smtplib.SMTPDataError as error:
            code, said = error.smtp_code, _bytes(error.smtp_error)
        except (OSError, smtplib.SMTPException):
            self.close()
            raise MailUnavailable("answer_lost", everywhere=True) from None
        if code != 250:
            self._refused(code, said, "message")

    def _refused(self, code: int, said: bytes, what: str) -> None:
        """Raise what the answer means, and leave the connection ready for the next message."""
        found = _ENHANCED.match(said)
        enhanced = found.group(1).decode() if found else ""
        label = f"{what}_{code}" + (f"_{enhanced}" if enhanced else "")
        if code in _OURS:
            self.close()
            raise MailUnavailable(label, everywhere=True)
        self._reset()
        about_address = enhanced.startswith(("5.1.", "5.2.1"))
        if code < 500 or code == 552 or enhanced == "5.2.2":
            raise MailUnavailable(label)
        if what == "recipient" and enhanced.startswith("5.7."):
            raise MailUnavailable(label)
        if what == "recipient" or about_address:
            raise RecipientRefused(label)
        raise MessageRefused(label)

    def _reset(self) -> None:
        connection: _Connection | None = getattr(self._own, "connection", None)
        try:
            if connection is not None:
                connection.smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.close()


def _asking(command: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """One command before the message itself; a lost connection here loses nothing."""
    try:
        return command()
    except (OSError, smtplib.SMTPException) as error:
        raise _Lost from error


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _own_name() -> str:
    """How this machine presents itself; never by asking a name server."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
