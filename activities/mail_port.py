"""What Handsel asks of a mail system: hand over one message, and say plainly when that is not possible.

The three refusals differ in what has to happen next: nothing more for this address, nothing more for this
message, or the same again later. No error carries an address or a text.
"""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Attachment(BaseModel):
    """A text file that goes with a message, byte for byte."""

    model_config = ConfigDict(frozen=True)

    name: str
    content: bytes
    """UTF-8 text."""


class Mail(BaseModel):
    """One message to one person. Holds personal data: never log one."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    message_id: str
    """With its angle brackets; the same for every try."""
    thread: str = ""
    """Message-ID of the thread that it belongs to, if any; no such message has to exist."""
    sender_name: str
    sender_email: str
    return_path: str = ""
    """Envelope sender, where bounces go; empty: the sender."""
    reply_to: str = ""
    """Address for answers; empty: the sender."""
    recipient_name: str
    recipient_email: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""
    """Takes a one-click POST (RFC 8058). Empty for what is not sent to a list."""
    feedback_id: str
    """What the mail is about, for the reports of mail providers: ids and codes, no person."""
    attachment: Attachment | None = None


class MailError(Exception):
    """Why a message was not taken. `code` is bounded, plain and without personal data."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code[:100]


class RecipientRefused(MailError):
    """The address does not work, for good: write to it no more."""


class MessageRefused(MailError):
    """The server will never take this message; the address may be fine."""


class MailUnavailable(MailError):
    """Not now: try again later. `everywhere` when no other message would be taken now either."""

    def __init__(self, code: str, *, everywhere: bool = False) -> None:
        super().__init__(code)
        self.everywhere = everywhere


class Mailer(Protocol):
    """A mail system. Safe to use from several threads at once."""

    def send(self, message: Mail) -> None:
        """Hand the message over; on return it is the mail system's.

        Raises `RecipientRefused`, `MessageRefused` or `MailUnavailable`. After `MailUnavailable` the message
        may have been taken all the same, when only the answer was lost.
        """

    def close(self) -> None:
        """Let go of connections of the calling thread."""
