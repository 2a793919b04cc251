"""A mailroom in a database of its own, and a mail server that can be stopped and started."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.mailer import SmtpMailer
from activities.contracts import Delivered
from activities.notices import Notices
from infra.settings import Settings, settings_from
from infra.vault import Vault
from tests.conftest import RunningStack
from tests.mail.mailroom import Mailroom
from tests.records.conftest import engine, own_database_url, owner, sessions

__all__ = ["engine", "own_database_url", "owner", "sessions"]

PROJECT = Path(__file__).resolve().parents[2]


class MailServer:
    """The process of `tests.mail.smtp_server`, on one port for as long as the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port: int = found.getsockname()[1]

    def start(self, *, forgiving: bool = False) -> None:
        """Start; a forgiving one takes every mail at once."""
        words = [sys.executable, "-m", "tests.mail.smtp_server", str(self.port), str(self._folder)]
        words += ["forgiving"] if forgiving else []
        self._process = subprocess.Popen(words, cwd=PROJECT)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the mail server did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def messages(self) -> list[EmailMessage]:
        """Everything that was kept, in order."""
        paths = sorted(self._folder.glob("*.eml"))
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages() if message["X-To"] == address]


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    folder = tmp_path / "mail"
    folder.mkdir()
    server = MailServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mail_settings(stack: RunningStack, own_database_url: str, mail_server: MailServer) -> Settings:
    """The stack's settings with this test's own database and mail server."""
    return settings_from(
        stack.variables
        | {
            "HANDSEL_DATABASE_URL": own_database_url,
            "HANDSEL_SMTP_URL": f"smtp://127.0.0.1:{mail_server.port}",
            "HANDSEL_VAULT_KEY": Fernet.generate_key().decode(),
            "HANDSEL_MAIL_FROM": "Handsel <bounces@handsel.example>",
        }
    )


@pytest.fixture
def mailroom(sessions: sessionmaker[Session], mail_settings: Settings) -> Mailroom:
    return Mailroom(sessions, Vault(mail_settings.vault_key))


@pytest.fixture
def pump(mailroom: Mailroom, mail_settings: Settings) -> Callable[..., Delivered]:
    """Runs the pump until nothing was due for a moment, or for so many seconds."""
    return lambda seconds=15.0, until=None: deliver(mailroom, mail_settings, seconds, until)


def deliver(
    mailroom: Mailroom,
    settings: Settings,
    seconds: float = 15.0,
    until: Callable[[], bool] | None = None,
) -> Delivered:
    """One round of the real pump; ends when `until` holds (by default: when no notice is waiting)."""
    notices = Notices(mailroom.sessions, mailroom.vault, SmtpMailer(settings.smtp_url), settings)
    end = time.monotonic() + seconds
    done = until or (lambda: not mailroom.waiting())
    return notices.deliver(lambda: time.monotonic() >= end or done(), lambda: None)
