"""The mailbox of everybody in the demo's world: who waits for mail is told when some came for them.

One look at the mailbox's list for all, since forty people looking every second would keep a small machine
busy; what each of them gets to see is what was mailed to their own address, and nothing else.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx

EVERY: Final = 0.4
"""Seconds between two looks."""
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"()]+/c/[^\s<>\"()?]+")


@dataclass(frozen=True)
class Letter:
    """One e-mail, as its reader sees it."""

    id: str
    kind: str
    """The first word of `Feedback-ID`: what a mail program sorts by."""
    subject: str
    text: str

    @property
    def link(self) -> str:
        """The address of the creator's page in it; empty when there is none."""
        found = _ADDRESS.search(self.text)
        return found.group(0).rstrip(".,") if found else ""

    def fact(self, label: str) -> str:
        """What follows `label: ` on a line of its own; empty when there is no such line."""
        for line in self.text.splitlines():
            name, colon, value = line.partition(":")
            if colon and name.strip().casefold() == label.casefold():
                return value.strip()
        return ""


class Mailbox:
    """Watches one mailbox page for its people."""

    def __init__(self, client: httpx.AsyncClient, url: str, since: str) -> None:
        """`since` is an ISO 8601 time: older mail is of no interest."""
        self._client = client
        self._url = url
        self._since = since
        self._boxes: dict[str, asyncio.Queue[Letter]] = defaultdict(asyncio.Queue)

    def box(self, address: str) -> asyncio.Queue[Letter]:
        """Where letters to this address arrive."""
        return self._boxes[address.casefold()]

    async def watch(self) -> None:
        """Look for new mail until cancelled."""
        while True:
            with suppress(httpx.HTTPError):  # letters stay there while the mailbox restarts
                await self._look()
            await asyncio.sleep(EVERY)

    async def _look(self) -> None:
        answer = await self._client.get(f"{self._url}/messages.json", params={"since": self._since})
        answer.raise_for_status()
        for message in answer.json()["messages"]:
            mine = [to for to in message["to"] if to.casefold() in self._boxes]
            if mine:
                letter = await self._read(message["id"])
                for to in mine:
                    self._boxes[to.casefold()].put_nowait(letter)
            self._since = message["id"]

    async def _read(self, message_id: str) -> Letter:
        answer = await self._client.get(f"{self._url}/messages/{message_id}.json")
        answer.raise_for_status()
        message: dict[str, Any] = answer.json()
        headers = {name.casefold(): value for name, value in message["headers"]}
        kind = str(headers.get("feedback-id", "")).partition(":")[0]
        return Letter(message_id, kind, message["subject"], message["text"] or "")
