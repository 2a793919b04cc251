"""Reads posts over HTTP from the hosts that the settings name, and from nowhere else.

An address handed in by a creator is a stranger's text: only an allow-listed host is asked, no redirect
is followed, and every answer is bounded in time, size and type before it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from activities.posts_port import (
    NOBODY,
    PostPrivate,
    PostRemoved,
    PostSnapshot,
    PostUnreachable,
    PostUrlRefused,
    Whose,
)

PATIENCE: Final = 5.0
"""Seconds that one read may take, from the first byte sent to the last byte read."""
LARGEST: Final = 1_000_000
"""Bytes of the largest answer that is read."""
LONGEST_URL: Final = 500

_PATH: Final = re.compile(r"/(?P<platform>[a-z]+)/(?P<handle>[\w.-]{1,60})/p/(?P<id>[A-Za-z0-9_-]{1,64})/?")


@dataclass(frozen=True, slots=True)
class PostAddress:
    """What the address of a post says. `handle` is in lower case and without '@'."""

    platform: str
    handle: str
    post_id: str
    url: str

    def __iter__(self) -> Any:
        """Unpacks as (platform, handle, post_id)."""
        return iter((self.platform, self.handle, self.post_id))


def parse_post_url(url: str, hosts: Mapping[str, str]) -> PostAddress:
    """Read the address of a post, without asking anybody.

    `hosts` names the base address of each platform (`HANDSEL_POST_HOSTS`). Raises `PostUrlRefused`
    with a sentence that can be shown to the creator.
    """
    text = url.strip()
    if not text or len(text) > LONGEST_URL or any(c.isspace() or ord(c) < 32 for c in text):
        raise PostUrlRefused("not_a_url", "This is not the address of a post.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise PostUrlRefused("not_a_url", "This is not the address of a post.") from error
    if parts.scheme not in {"http", "https"}:
        raise PostUrlRefused("wrong_scheme", "The address must start with https://.")
    if parts.username is not None or parts.password is not None or "\\" in text:
        raise PostUrlRefused("not_a_url", "This is not the address of a post.")
    origin = (parts.scheme, (parts.hostname or "").lower(), port)
    known = {platform: _origin(base) for platform, base in hosts.items()}
    if origin not in known.values():
        raise PostUrlRefused("unknown_host", "This address is not on a platform of this campaign.")
    match = _PATH.fullmatch(parts.path)
    if match is None:
        raise PostUrlRefused("not_a_post", "This address leads to the platform, but not to a post.")
    platform = match["platform"]
    if known.get(platform) != origin:
        raise PostUrlRefused("wrong_platform", "This address is not a post of that platform.")
    handle = match["handle"].lower()
    base = hosts[platform].rstrip("/")
    return PostAddress(platform, handle, match["id"], f"{base}/{platform}/{handle}/p/{match['id']}")


def _origin(base: str) -> tuple[str, str, int | None]:
    parts = urlsplit(base)
    return (parts.scheme, (parts.hostname or "").lower(), parts.port)


class SocialPostReader:
    """A `PostReader` for platforms that answer `GET {base}/{platform}/api/post?url=` with JSON."""

    def __init__(
        self, hosts: Mapping[str, str], *, patience: float = PATIENCE, largest: int = LARGEST
    ) -> None:
        """Read from these hosts: platform to base address. The client keeps connections alive."""
        self._hosts = dict(hosts)
        self._patience = patience
        self._largest = largest
        self._client = httpx.Client(
            timeout=httpx.Timeout(patience),
            follow_redirects=False,
            trust_env=False,
            headers={"accept": "application/json", "user-agent": "Handsel post reader"},
        )

    def read(self, url: str, platform: str, whose: Whose = NOBODY) -> PostSnapshot:  # noqa: ARG002 - needs no token
        """The post at `url` as it is now; see `activities.posts_port.PostReader`."""
        address = parse_post_url(url, self._hosts)
        if address.platform != platform:
            raise PostUrlRefused("wrong_platform", f"This address is not a post on {platform}.")
        raw = self._fetch(address)
        try:
            answer = json.loads(raw)
            if not isinstance(answer, dict):
                raise TypeError("not an object")
            if answer.get("is_private") is True:
                raise PostPrivate(address.url)
            snapshot = PostSnapshot.model_validate(
                {
                    **answer,
                    "url": address.url,
                    "platform": platform,
                    "raw_sha256": hashlib.sha256(raw).hexdigest(),
                }
            )
        except (ValueError, TypeError, ValidationError) as error:
            raise PostUrlRefused("unreadable", "The platform's answer could not be read.") from error
        if snapshot.post_id != address.post_id:
            raise PostUrlRefused("unreadable", "The platform answered about another post.")
        return snapshot

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._client.close()

    def _fetch(self, address: PostAddress) -> bytes:
        endpoint = f"{self._hosts[address.platform].rstrip('/')}/{address.platform}/api/post"
        until = time.monotonic() + self._patience
        try:
            with self._client.stream("GET", endpoint, params={"url": address.url}) as response:
                _accept_status(response, address)
                return self._bounded(response, until)
        except httpx.HTTPError as error:
            raise PostUnreachable(f"{address.platform} did not answer: {type(error).__name__}") from error

    def _bounded(self, response: httpx.Response, until: float) -> bytes:
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise PostUrlRefused("wrong_type", "The platform's answer is not data about a post.")
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._largest:
                raise PostUrlRefused("too_large", "The platform's answer is too large to read.")
            if time.monotonic() > until:
                raise PostUnreachable("the answer took too long")
        return bytes(body)


def _accept_status(response: httpx.Response, address: PostAddress) -> None:
    status = response.status_code
    if status in {404, 410}:
        raise PostRemoved(address.url)
    if status in {401, 403}:
        raise PostPrivate(address.url)
    if 300 <= status < 400:
        raise PostUrlRefused("redirected", "The platform sends this address elsewhere.")
    if status == 429 or status >= 500:
        raise PostUnreachable(f"{address.platform} answered {status}")
    if status != 200:
        raise PostUrlRefused("unreadable", f"The platform answered {status}.")
