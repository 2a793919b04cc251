"""The mail server of the local stack: takes every mail, delivers it to a folder, shows it.

`python -m infra.local.mail --port P --web-port W --maildir FOLDER`. It never sends anything
anywhere, listens on loopback only, and writes no content of a mail to its log.
"""

import argparse
import asyncio
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.local.mailbox import create_mailbox
from infra.local.maildir import Maildir

BIGGEST_MESSAGE = 30_000_000
"""Bytes."""


class Delivery:
    """What the SMTP server does with a message: deliver, then acknowledge."""

    def __init__(self, maildir: Maildir) -> None:
        self._maildir = maildir

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self,
        server: SMTP,  # noqa: ARG002 - the signature that aiosmtpd calls
        session: Session,  # noqa: ARG002 - the same
        envelope: Envelope,
    ) -> str:
        """Answer 250 once the message is on disk, 452 when it cannot be written."""
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        recipients = [str(address) for address in envelope.rcpt_tos]
        try:
            await asyncio.to_thread(self._maildir.deliver, data, recipients)
        except OSError as error:
            return f"452 4.3.1 The mailbox cannot be written: {error.strerror}"
        return "250 2.0.0 Delivered"


async def serve(port: int, web_port: int, folder: Path) -> None:
    """Serve SMTP on `port` and the mailbox page on `web_port` until told to stop."""
    maildir = Maildir(folder)
    delivery = Delivery(maildir)

    def session() -> SMTP:
        return SMTP(
            delivery,
            hostname="localhost",
            ident="Handsel local mail",
            enable_SMTPUTF8=True,
            data_size_limit=BIGGEST_MESSAGE,
        )

    mail_server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", port)
    pages = uvicorn.Server(
        uvicorn.Config(create_mailbox(maildir), host="127.0.0.1", port=web_port, log_level="warning")
    )
    async with mail_server:
        await pages.serve()


def main() -> None:
    """Read the words of the command line and serve."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, required=True, help="SMTP port")
    words.add_argument("--web-port", type=int, required=True, help="port of the mailbox page")
    words.add_argument("--maildir", type=Path, required=True, help="folder of the messages")
    given = words.parse_args()
    asyncio.run(serve(given.port, given.web_port, given.maildir))


if __name__ == "__main__":
    main()
