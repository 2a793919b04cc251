"""Asking a platform's door for programs: one host, no redirect, public addresses, bounded, within the budget.

A key or a token goes to the host that it is for and nowhere else, and never into an error or a log.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from activities.posts_port import PostUnreachable, PostUrlRefused

PATIENCE: Final = 8.0
"""Seconds that one call may take."""
LARGEST: Final = 1_000_000
"""Bytes of the largest answer that is read."""

Spend = Callable[[str, int], bool]
"""(platform, units) -> whether today's budget has them; they are spent then."""


@dataclass(frozen=True)
class Answered:
    """What a door said: status, JSON, and the SHA-256 of its bytes."""

    status: int
    body: Any
    sha256: str


class Door:
    """One base address of one platform."""

    def __init__(self, platform: str, base: str, spend: Spend, *, loopback: bool = False) -> None:
        """`loopback` lets the base be on this machine, for tests and local mode; else it must be public."""
        self.platform = platform
        self._base = base.rstrip("/")
        self._spend = spend
        self._loopback = loopback
        self._client = httpx.Client(
            timeout=httpx.Timeout(PATIENCE),
            follow_redirects=False,
            trust_env=False,
            headers={"accept": "application/json", "user-agent": "Handsel post reader"},
        )

    def ask(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        token: str = "",
        body: Mapping[str, Any] | None = None,
        units: int = 1,
    ) -> Answered:
        """GET, or POST where there is a body. Raises `PostUnreachable` (later) or `PostUrlRefused`."""
        if not self._spend(self.platform, units):
            raise PostUnreachable(f"today's budget of calls to {self.platform} is used up")
        self._require_public()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        until = time.monotonic() + PATIENCE
        try:
            with self._client.stream(
                "GET" if body is None else "POST",
                f"{self._base}{path}",
                params=dict(params),
                headers=headers,
                json=body,
            ) as response:
                return self._read(response, until)
        except httpx.HTTPError as error:
            raise PostUnreachable(f"{self.platform} did not answer: {type(error).__name__}") from None

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._client.close()

    def _require_public(self) -> None:
        """The platform's host must lead to public addresses, whatever a resolver says today."""
        if self._loopback:
            return
        host = urlsplit(self._base).hostname or ""
        try:
            found = {info[4][0] for info in socket.getaddrinfo(host, 443, proto=socket.IPPROTO_TCP)}
        except OSError as error:
            raise PostUnreachable(f"{self.platform} has no address at the moment") from error
        if not all(ipaddress.ip_address(str(one)).is_global for one in found):
            raise PostUrlRefused("not_public", "The platform's address is not a public one.")

    def _read(self, response: httpx.Response, until: float) -> Answered:
        status = response.status_code
        if 300 <= status < 400:
            raise PostUrlRefused("redirected", "The platform sends this address elsewhere.")
        if status == 429 or status >= 500:
            raise PostUnreachable(f"{self.platform} answered {status}", _wait(response))
        raw = bytearray()
        for chunk in response.iter_bytes():
            raw += chunk
            if len(raw) > LARGEST:
                raise PostUrlRefused("too_large", "The platform's answer is too large to read.")
            if time.monotonic() > until:
                raise PostUnreachable("the answer took too long")
        try:
            body = json.loads(bytes(raw)) if raw else None
        except ValueError as error:
            if status == 200:
                raise PostUrlRefused(
                    "wrong_type", "The platform's answer is not data about a post."
                ) from error
            body = None
        return Answered(status, body, hashlib.sha256(bytes(raw)).hexdigest())


def _wait(response: httpx.Response) -> float | None:
    """Seconds of `Retry-After`, as a number or as a date; None when it says nothing readable."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time()) if said else None
    except ValueError:
        return None
