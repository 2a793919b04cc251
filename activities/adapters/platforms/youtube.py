"""YouTube: the Data API where there is a key, oEmbed where there is none.

The paid-promotion flag is told to the owner of a video alone, so it stays unknown; so do words on the screen
and spoken words. oEmbed tells the title and whose channel it is, and nothing of description or date.
"""

from __future__ import annotations

from typing import Any

from activities.adapters.platforms.asking import Answered, Door
from activities.adapters.post_reader import PostAddress
from activities.posts_port import PostPrivate, PostRemoved, PostSnapshot, PostUnreachable, PostUrlRefused

FRAMES = ("overlay_text", "spoken_disclosure", "platform_label")
_QUOTA = {"quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded"}


class YouTube:
    """Reads videos."""

    def __init__(self, api: Door, oembed: Door, key: str) -> None:
        self._api = api
        self._oembed = oembed
        self._key = key

    def read(self, address: PostAddress) -> PostSnapshot:
        """The video as it is now."""
        return self._by_api(address) if self._key else self._by_oembed(address)

    def _by_api(self, address: PostAddress) -> PostSnapshot:
        answer = self._ask("/youtube/v3/videos", {"part": "snippet,status", "id": address.post_id})
        items = answer.body.get("items", [])
        if not items:  # deleted and private videos are left out of the list alike
            raise PostRemoved(address.url)
        video = items[0]
        snippet, status = video["snippet"], video.get("status", {})
        if video.get("id") != address.post_id:
            raise PostUrlRefused("unreadable", "The platform answered about another post.")
        if status.get("privacyStatus") == "private":
            raise PostPrivate(address.url)
        return PostSnapshot(
            url=address.url,
            platform="youtube",
            post_id=address.post_id,
            author_handle=self._handle(snippet["channelId"]),
            published_at=snippet["publishedAt"],
            caption="\n".join([snippet.get("title", ""), snippet.get("description", "")]),
            language=snippet.get("defaultLanguage") or snippet.get("defaultAudioLanguage"),
            is_live=snippet.get("liveBroadcastContent") == "live",
            raw_sha256=answer.sha256,
            unknown=FRAMES,
        )

    def _handle(self, channel_id: str) -> str:
        answer = self._ask("/youtube/v3/channels", {"part": "snippet", "id": channel_id})
        items = answer.body.get("items", [])
        return str(items[0]["snippet"].get("customUrl", "")) if items else ""

    def _ask(self, path: str, params: dict[str, str]) -> Answered:
        answer = self._api.ask(path, params | {"key": self._key})
        if answer.status == 200 and isinstance(answer.body, dict):
            return answer
        reasons = _reasons(answer.body)
        if answer.status == 403 and reasons & _QUOTA:
            raise PostUnreachable("the quota of the YouTube key is used up", 3600.0)
        raise PostUnreachable(f"youtube refused the call: {answer.status} {sorted(reasons)}")

    def _by_oembed(self, address: PostAddress) -> PostSnapshot:
        answer = self._oembed.ask("/oembed", {"url": address.url, "format": "json"})
        if answer.status in (400, 404):
            raise PostRemoved(address.url)
        if answer.status in (401, 403):
            raise PostPrivate(address.url)
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise PostUrlRefused("unreadable", f"The platform answered {answer.status}.")
        return PostSnapshot(
            url=address.url,
            platform="youtube",
            post_id=address.post_id,
            author_handle=str(answer.body.get("author_url", "")).rpartition("/")[2],
            published_at=None,
            caption=str(answer.body.get("title", "")),
            raw_sha256=answer.sha256,
            unknown=(*FRAMES, "published_at", "description"),
        )


def _reasons(body: Any) -> set[str]:
    error = body.get("error", {}) if isinstance(body, dict) else {}
    errors = error.get("errors", []) if isinstance(error, dict) else []
    return {str(one.get("reason", "")) for one in errors if isinstance(one, dict)}
