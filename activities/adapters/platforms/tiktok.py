"""TikTok: the Display API where the creator gave a token, oEmbed where not.

The Display API tells caption and moment of a creator's own videos; oEmbed the caption and the account.
Neither tells the label for paid content, the words on the screen or what is said.
"""

from __future__ import annotations

from datetime import UTC, datetime

from activities.adapters.platforms.asking import Door
from activities.adapters.platforms.youtube import FRAMES
from activities.adapters.post_reader import PostAddress
from activities.posts_port import PostPrivate, PostRemoved, PostSnapshot, PostUnreachable, PostUrlRefused


class TikTok:
    """Reads videos."""

    def __init__(self, api: Door, oembed: Door) -> None:
        self._api = api
        self._oembed = oembed

    def read(self, address: PostAddress, token: str) -> PostSnapshot:
        """The video as it is now; `token` is the creator's own, empty when there is none."""
        return self._by_api(address, token) if token else self._by_oembed(address)

    def _by_api(self, address: PostAddress, token: str) -> PostSnapshot:
        answer = self._api.ask(
            "/v2/video/query/",
            {"fields": "id,create_time,title,video_description,share_url"},
            token=token,
            body={"filters": {"video_ids": [address.post_id]}},
        )
        if answer.status == 401:
            return self._by_oembed(address)  # the token is over: what everybody may know is known still
        error = (answer.body or {}).get("error", {}) if isinstance(answer.body, dict) else {}
        if answer.status != 200 or error.get("code") != "ok":
            raise PostUnreachable(f"tiktok refused the call: {answer.status} {error.get('code', '')}")
        videos = answer.body.get("data", {}).get("videos", [])
        if not videos:  # not the creator's own, deleted, or not for everybody
            raise PostRemoved(address.url)
        video = videos[0]
        if str(video.get("id")) != address.post_id:
            raise PostUrlRefused("unreadable", "The platform answered about another post.")
        return PostSnapshot(
            url=address.url,
            platform="tiktok",
            post_id=address.post_id,
            author_handle=address.handle,
            published_at=datetime.fromtimestamp(int(video["create_time"]), UTC),
            caption=str(video.get("video_description") or video.get("title") or ""),
            raw_sha256=answer.sha256,
            unknown=FRAMES,
        )

    def _by_oembed(self, address: PostAddress) -> PostSnapshot:
        answer = self._oembed.ask("/oembed", {"url": address.url})
        if answer.status in (400, 404):
            raise PostRemoved(address.url)
        if answer.status in (401, 403):
            raise PostPrivate(address.url)
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise PostUrlRefused("unreadable", f"The platform answered {answer.status}.")
        author = str(answer.body.get("author_unique_id") or "")
        if not author:
            author = str(answer.body.get("author_url", "")).rpartition("/@")[2]
        return PostSnapshot(
            url=address.url,
            platform="tiktok",
            post_id=address.post_id,
            author_handle=author,
            published_at=None,
            caption=str(answer.body.get("title", "")),
            raw_sha256=answer.sha256,
            unknown=(*FRAMES, "published_at"),
        )
