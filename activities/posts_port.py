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
    published_at: AwareDatetime | None
    """None where the platform does not tell it."""
    caption: str
    language: str | None = None
    overlay_text: str | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool | None = None
    media_sha256: str | None = None
    is_private: bool = False
    is_live: bool = True
    raw_sha256: str
    unknown: tuple[str, ...] = ()
    """What this platform never tells: of `published_at`, `description`, `overlay_text`, `spoken_disclosure`
    and `platform_label`. A name that is not here and None was looked for and not found."""


class Whose(BaseModel):
    """Whose post is read, for whom: where a door needs a token, it is theirs."""

    model_config = ConfigDict(frozen=True)

    brand_id: str = ""
    creator_id: str = ""
    handle: str = ""


NOBODY = Whose()


class PostRemoved(Exception):
    """The post is gone (404 or 410)."""


class PostPrivate(Exception):
    """The post exists, but not everybody may see it."""


class PostUnreachable(Exception):
    """The platform did not answer, or answered with a fault of its own. Try again later.

    `after`: seconds that the platform asked to wait, where it did.
    """

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.after = after


class PostUntold(Exception):
    """The platform does not tell programs of this post; the creator's own proof is needed."""


class PostUrlRefused(ValueError):
    """The address is not one that may be read. `reason` is a stable code.

    `not_a_url`, `wrong_scheme`, `unknown_host`, `wrong_platform`, `not_a_post`, `redirected`,
    `too_large`, `wrong_type`, `unreadable`, `not_public`.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class PostReader(Protocol):
    """Reads one live post."""

    def read(self, url: str, platform: str, whose: Whose = NOBODY) -> PostSnapshot:
        """The post at `url` as it is now.

        Raises `PostRemoved`, `PostPrivate`, `PostUntold`, `PostUnreachable` (temporary) or `PostUrlRefused`.
        """
        ...
