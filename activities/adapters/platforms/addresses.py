"""Addresses of posts as people copy them from the platforms, read without asking anybody.

Only the platforms' own hosts; what is behind the id of the post (tracking, playlists, moments) is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from activities.adapters.post_reader import LONGEST_URL, PostAddress, parse_post_url
from activities.posts_port import PostUrlRefused

_HOSTS: Final = {
    "youtube.com": "youtube",
    "www.youtube.com": "youtube",
    "m.youtube.com": "youtube",
    "youtu.be": "youtube",
    "tiktok.com": "tiktok",
    "www.tiktok.com": "tiktok",
    "m.tiktok.com": "tiktok",
    "instagram.com": "instagram",
    "www.instagram.com": "instagram",
}
_YOUTUBE: Final = re.compile(r"/(?:shorts|live|embed)/(?P<id>[\w-]{11})/?")
_TIKTOK: Final = re.compile(r"/@(?P<handle>[\w.]{1,24})/(?:video|photo)/(?P<id>\d{6,25})/?")
_INSTAGRAM: Final = re.compile(r"/(?:(?P<handle>[\w.]{1,30})/)?(?:p|reel|tv)/(?P<id>[\w-]{5,40})/?")


def read_address(url: str, hosts: Mapping[str, str]) -> PostAddress:
    """The post that this address names: on the local network where `hosts` says so, else on a real platform.

    `handle` is empty where the address does not say whose post it is. Raises `PostUrlRefused` with a sentence
    that can be shown to the creator.
    """
    if hosts:
        return parse_post_url(url, hosts)
    text = url.strip()
    if not text or len(text) > LONGEST_URL or any(c.isspace() or ord(c) < 32 for c in text) or "\\" in text:
        raise PostUrlRefused("not_a_url", "This is not the address of a post.")
    try:
        parts = urlsplit(text)
        strange = parts.port not in (None, 443) or parts.username is not None or parts.password is not None
    except ValueError as error:
        raise PostUrlRefused("not_a_url", "This is not the address of a post.") from error
    if parts.scheme not in {"http", "https"}:
        raise PostUrlRefused("wrong_scheme", "The address must start with https://.")
    platform = _HOSTS.get((parts.hostname or "").lower())
    if platform is None or strange:
        raise PostUrlRefused("unknown_host", "This address is not on a platform that we read.")
    found = _READ[platform](parts.hostname or "", parts.path, parts.query)
    if found is None:
        raise PostUrlRefused("not_a_post", "This address leads to the platform, but not to a post.")
    return found


def _youtube(host: str, path: str, query: str) -> PostAddress | None:
    if host.lower() == "youtu.be":
        video = path.strip("/")
    elif path.rstrip("/") == "/watch":
        video = parse_qs(query).get("v", [""])[0]
    else:
        match = _YOUTUBE.fullmatch(path)
        video = match["id"] if match else ""
    if not re.fullmatch(r"[\w-]{11}", video):
        return None
    return PostAddress("youtube", "", video, f"https://www.youtube.com/watch?v={video}")


def _tiktok(host: str, path: str, query: str) -> PostAddress | None:  # noqa: ARG001 - one signature for all
    match = _TIKTOK.fullmatch(path)
    if match is None:
        return None
    handle = match["handle"].lower()
    return PostAddress("tiktok", handle, match["id"], f"https://www.tiktok.com/@{handle}/video/{match['id']}")


def _instagram(host: str, path: str, query: str) -> PostAddress | None:  # noqa: ARG001 - one signature for all
    match = _INSTAGRAM.fullmatch(path)
    if match is None or match["handle"] in ("explore", "stories", "accounts"):
        return None
    handle = (match["handle"] or "").lower()
    return PostAddress("instagram", handle, match["id"], f"https://www.instagram.com/p/{match['id']}/")


_READ: Final = {"youtube": _youtube, "tiktok": _tiktok, "instagram": _instagram}
