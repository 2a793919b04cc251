"""The social network as its users have it: publish, edit, take down, publish again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Published:
    """A post that is live."""

    platform: str
    id: str
    url: str
    caption: str


class Network:
    """One social network with its platforms."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._world = f"{url}/_social/posts"

    async def publish(self, platform: str, handle: str, caption: str, **shown: Any) -> Published:
        """Publish a post. `shown` says what is seen and heard beside the caption."""
        post = {"platform": platform, "handle": handle, "caption": caption, **shown}
        answer = await self._client.post(self._world, json=post)
        answer.raise_for_status()
        made = answer.json()
        return Published(platform, made["post_id"], made["url"], caption)

    async def edit(self, post: Published, **changes: Any) -> None:
        """Change a post where it is."""
        answer = await self._client.patch(f"{self._world}/{post.platform}/{post.id}", json=changes)
        answer.raise_for_status()

    async def take_down(self, post: Published) -> None:
        """Delete a post for good."""
        answer = await self._client.delete(f"{self._world}/{post.platform}/{post.id}")
        answer.raise_for_status()

    async def look(self, url: str) -> dict[str, Any] | None:
        """What anybody sees at the address of a post; None when nothing is there any more."""
        platform, _, post_id = url.rpartition("/p/")
        answer = await self._client.get(f"{self._world}/{platform.rsplit('/', 2)[1]}/{post_id}")
        return dict(answer.json()) if answer.is_success else None
