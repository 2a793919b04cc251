"""A mail server that keeps what it takes and refuses what its recipients' names ask for.

`python -m tests.mail.smtp_server PORT FOLDER [forgiving]`: a real SMTP server on loopback. The first part of
an address says what happens: `gone`, `full` and `norelay` are refused, `later` is put off, `spam` is refused
after the message, `dies` ends the server between keeping the message and saying so, `hangs` makes it say
nothing for a minute. A forgiving one takes everything.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

AT_RECIPIENT = {
    "gone": "550 5.1.1 No such user here",
    "full": "552 5.2.2 Mailbox is full",
    "norelay": "550 5.7.1 Relaying denied",
    "later": "451 4.3.0 Try again later",
}
AT_MESSAGE = {"spam": "554 5.6.0 Message refused"}


class Keeper:
    def __init__(self, folder: Path, forgiving: bool) -> None:
        self._folder = folder
        self._forgiving = forgiving
        self._numbers = itertools.count(len(list(folder.iterdir())))

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = None if self._forgiving else AT_RECIPIENT.get(address.partition(".")[0])
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        how = "" if self._forgiving else envelope.rcpt_tos[0].partition(".")[0]
        if how in AT_MESSAGE:
            return AT_MESSAGE[how]
        path = self._folder / f"{next(self._numbers):06}.eml"
        head = f"X-To: {envelope.rcpt_tos[0]}\r\nX-From: {envelope.mail_from}\r\n".encode()
        path.with_suffix(".part").write_bytes(head + bytes(envelope.content))
        path.with_suffix(".part").rename(path)
        if how == "dies":
            os._exit(1)
        if how == "hangs":
            await asyncio.sleep(60)
        return "250 2.0.0 Kept"


async def serve(port: int, folder: Path, forgiving: bool) -> None:
    keeper = Keeper(folder, forgiving)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, hostname="localhost"), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), "forgiving" in sys.argv[3:]))
