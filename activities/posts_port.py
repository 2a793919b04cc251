"""Reading live posts, as the rest of the program sees it: one reader, one snapshot, named outcomes.

Which platforms exist and how they answer is the adapter's business. A snapshot says only what was
seen: what a platform does not tell stays None and is never assumed.
"""

from __future__ import annotations

from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict


class PostSnapshot(BaseModel):
    """One live post as it was at one moment.

    `platform_label`: whether the platform's own paid-partnership label is shown; None when not told.
    `overlay_text`, `spoken_disclosure`, `media_sha256`: None when the platform does not tell.
    `raw_sha256`: SHA-256 (hex) of the bytes that the platform answered, as proof of what was read.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    platform: str
    post_id: str
    author_handle: str
    published_at: AwareDatetime
    caption: str
    language: str | None = None
    overlay_text: str | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool | None = None
    media_sha256: str | None = None
    is_private: bool = False
    is_live: bool = True
    raw_sha256: str


class PostRemoved(Exception):
    """The post is gone (404 or 410)."""


class PostPrivate(Exception):
    """The post exists, but not everybody may see it."""


class PostUnreachable(Exception):
    """The platform did not answer, or answered with a fault of its own. Try again later."""


class PostUrlRefused(ValueError):
    """The address is not one that may be read. `reason` is a stable code.

    `not_a_url`, `wrong_scheme`, `unknown_host`, `wrong_platform`, `not_a_post`, `redirected`,
    `too_large`, `wrong_type`, `unreadable`.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class PostReader(Protocol):
    """Reads one live post."""

    def read(self, url: str, platform: str) -> PostSnapshot:
        """The post at `url` as it is now.

        Raises `PostRemoved`, `PostPrivate`, `PostUnreachable` (temporary) or `PostUrlRefused`.
        """
        ...
