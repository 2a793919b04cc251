"""The one reader of posts: the local network where the settings name it, else the real platforms.

Which door is open follows from what there is: a key, a token, or nothing. Where nothing can be read, the
creator's own recording is asked for, and a person looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from pydantic import ValidationError

from activities.adapters.platforms.addresses import read_address
from activities.adapters.platforms.asking import Door, Spend
from activities.adapters.platforms.instagram import Instagram
from activities.adapters.platforms.tiktok import TikTok
from activities.adapters.platforms.youtube import YouTube
from activities.adapters.post_reader import SocialPostReader
from activities.posts_port import NOBODY, PostReader, PostSnapshot, PostUrlRefused, Whose
from infra.settings import Settings

APIS: Final = {
    "youtube": "https://www.googleapis.com",
    "youtube_oembed": "https://www.youtube.com",
    "tiktok": "https://open.tiktokapis.com",
    "tiktok_oembed": "https://www.tiktok.com",
    "instagram": "https://graph.facebook.com/v25.0",
}
"""Where programs ask; `HANDSEL_PLATFORM_APIS` replaces single ones."""


class Token(NamedTuple):
    """What opens a door: the account that asks, and its token."""

    account: str = ""
    secret: str = ""


Tokens = Callable[[str, Whose], Token]
"""(platform, whose post) -> the token for it, empty when there is none."""


class PlatformReader:
    """A `PostReader` for the real platforms."""

    def __init__(self, settings: Settings, tokens: Tokens, spend: Spend) -> None:
        bases = APIS | settings.platform_apis
        doors = {
            name: Door(name.partition("_")[0], base, spend, loopback=settings.is_local)
            for name, base in bases.items()
        }
        self._tokens = tokens
        self._youtube = YouTube(doors["youtube"], doors["youtube_oembed"], settings.youtube_api_key)
        self._tiktok = TikTok(doors["tiktok"], doors["tiktok_oembed"])
        self._instagram = Instagram(doors["instagram"])

    def read(self, url: str, platform: str, whose: Whose = NOBODY) -> PostSnapshot:
        """The post at `url` as it is now; see `activities.posts_port.PostReader`."""
        address = read_address(url, {})
        if address.platform != platform:
            raise PostUrlRefused("wrong_platform", f"This address is not a post on {platform}.")
        token = self._tokens(platform, whose)
        try:
            if platform == "youtube":
                return self._youtube.read(address)
            if platform == "tiktok":
                return self._tiktok.read(address, token.secret)
            return self._instagram.read(address, whose.handle, token.account, token.secret)
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise PostUrlRefused("unreadable", "The platform's answer could not be read.") from error


def make_reader(settings: Settings, tokens: Tokens, spend: Spend) -> PostReader:
    """The reader that these settings mean."""
    if settings.post_hosts:
        return SocialPostReader(settings.post_hosts)
    return PlatformReader(settings, tokens, spend)
