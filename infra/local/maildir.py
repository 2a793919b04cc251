"""The Maildir of the local stack: every mail that was acknowledged, kept on disk.

A message is acknowledged only when its bytes and its name are on disk, so a killed mail server
loses nothing that a sender was told is delivered. Messages are never changed or removed here.
"""

import os
import threading
import time
from bisect import insort
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

RECIPIENT_HEADER = "Delivered-To"


@dataclass(frozen=True)
class Entry:
    """One message as the list shows it."""

    id: str
    """Digits; a later message has a greater id, also as text."""
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    """Addresses of the envelope, lower case."""
    subject: str
    message_id: str


class Maildir:
    """Messages in `folder`. One process writes."""

    def __init__(self, folder: Path) -> None:
        self._new, self._tmp = folder / "new", folder / "tmp"
        for path in (self._new, self._tmp, folder / "cur"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._tmp.iterdir():
            leftover.unlink()
        self._mutex = threading.Lock()
        self._entries = [self._entry(path) for path in sorted(self._new.iterdir())]
        self._last = int(self._entries[-1].id) if self._entries else 0

    def deliver(self, content: bytes, recipients: Sequence[str]) -> str:
        """Put one message on disk and answer its id. Raises `OSError` when that fails."""
        name = self._next_name()
        head = "".join(f"{RECIPIENT_HEADER}: {_one_line(one)}\r\n" for one in recipients)
        temporary, path = self._tmp / name, self._new / name
        try:
            with temporary.open("xb") as file:
                file.write(head.encode() + content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(self._new)
        entry = self._entry(path)
        with self._mutex:
            insort(self._entries, entry, key=lambda one: one.id)
        return name

    def entries(self, to: str = "", since: str = "") -> list[Entry]:
        """Messages in order of arrival.

        `to` keeps those with this text in a recipient's address; `since` those after a message
        id or after an ISO 8601 time. Raises `ValueError` for another `since`.
        """
        wanted, after = to.strip().lower(), _as_id(since)
        with self._mutex:
            entries = list(self._entries)
        return [
            entry
            for entry in entries
            if entry.id > after and (not wanted or any(wanted in one for one in entry.recipients))
        ]

    def raw(self, message_id: str) -> bytes:
        """The message as it came. Raises `KeyError` for an unknown id."""
        if not message_id.isdigit():
            raise KeyError(message_id)
        try:
            return (self._new / message_id).read_bytes()
        except FileNotFoundError:
            raise KeyError(message_id) from None

    def message(self, message_id: str) -> EmailMessage:
        """The parsed message. Raises `KeyError` for an unknown id."""
        return message_from_bytes(self.raw(message_id), policy=policy.default)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def _next_name(self) -> str:
        """Nanoseconds of arrival, never twice and never going back."""
        with self._mutex:
            self._last = max(self._last + 1, time.time_ns())
            return f"{self._last:020d}"

    def _entry(self, path: Path) -> Entry:
        with path.open("rb") as file:
            headers = headers_of(BytesHeaderParser(policy=policy.compat32).parse(file))
        first = {name.lower(): value for name, value in reversed(headers)}
        return Entry(
            id=path.name,
            received_at=datetime.fromtimestamp(int(path.name) / 1e9, UTC),
            sender=first.get("from", ""),
            recipients=tuple(value.lower() for name, value in headers if name == RECIPIENT_HEADER),
            subject=first.get("subject", ""),
            message_id=first.get("message-id", ""),
        )


def headers_of(message: Message) -> list[tuple[str, str]]:
    """Every header as readable text, also one that is not as it should be."""
    return [(name, _readable(value)) for name, value in message.raw_items()]


def _readable(value: Any) -> str:
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    with suppress(HeaderParseError, ValueError, LookupError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def _as_id(since: str) -> str:
    """The greatest id that `since` leaves out."""
    if not since or since.isdigit():
        return since.zfill(20) if since else ""
    moment = datetime.fromisoformat(since)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"{int(moment.timestamp() * 1e9):020d}"


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def _sync_folder(folder: Path) -> None:
    """Put a folder's list of names on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
