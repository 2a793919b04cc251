"""Instagram: Business Discovery with the brand's own account and token, which reads professional accounts.

It lists an account's newest media by its name; the post is found among them by its address. A post that is
not among them is not known to be gone, unless the list goes back further than the post. Without a token, and
for private persons' accounts, nothing can be read: the creator's own proof is asked for.
"""

from __future__ import annotations

from typing import Any

from activities.adapters.platforms.asking import Answered, Door
from activities.adapters.platforms.youtube import FRAMES
from activities.adapters.post_reader import PostAddress
from activities.posts_port import PostRemoved, PostSnapshot, PostUnreachable, PostUntold

PAGES = 4
"""Pages of an account's media that are looked through."""
PAGE = 50
_FIELDS = "id,caption,media_type,media_product_type,permalink,timestamp,username"
_LIMITS = {4, 17, 32, 613}
"""Codes by which the Graph API says that too much was asked."""
_NO_SUCH_ACCOUNT = 110


class Instagram:
    """Reads posts and reels of professional accounts."""

    def __init__(self, graph: Door) -> None:
        self._graph = graph

    def read(self, address: PostAddress, handle: str, account: str, token: str) -> PostSnapshot:
        """The post as it is now. `handle` is the creator's, `account` and `token` are the brand's."""
        if not (account and token):
            raise PostUntold("no account of the brand is connected to Instagram")
        cursor = ""
        for _ in range(PAGES):
            answer, page = self._page(account, token, handle, cursor)
            for media in page.get("data", []):
                if _code_of(str(media.get("permalink", ""))) == address.post_id:
                    return _snapshot(address, handle, media, answer)
            cursor = str(page.get("paging", {}).get("cursors", {}).get("after", ""))
            if not cursor:
                raise PostRemoved(address.url)
        raise PostUntold("the post is older than what the platform lists")

    def _page(self, account: str, token: str, handle: str, cursor: str) -> tuple[Answered, dict[str, Any]]:
        after = f".after({cursor})" if cursor else ""
        fields = f"business_discovery.username({handle}){{media.limit({PAGE}){after}{{{_FIELDS}}}}}"
        answer = self._graph.ask(f"/{account}", {"fields": fields}, token=token)
        body = answer.body if isinstance(answer.body, dict) else {}
        error = body.get("error")
        if isinstance(error, dict):
            if error.get("code") in _LIMITS:
                raise PostUnreachable("instagram asks for a pause", 3600.0)
            if error.get("code") == _NO_SUCH_ACCOUNT or error.get("error_subcode") == 2207013:
                raise PostUntold("the account is not a professional one")
            raise PostUnreachable(f"instagram refused the call: {error.get('code')}")
        media = body.get("business_discovery", {}).get("media", {})
        return answer, media if isinstance(media, dict) else {}


def _code_of(permalink: str) -> str:
    return permalink.rstrip("/").rpartition("/")[2]


def _snapshot(address: PostAddress, handle: str, media: dict[str, Any], answer: Answered) -> PostSnapshot:
    return PostSnapshot(
        url=address.url,
        platform="instagram",
        post_id=address.post_id,
        author_handle=str(media.get("username") or handle),
        published_at=str(media["timestamp"]),
        caption=str(media.get("caption") or ""),
        raw_sha256=answer.sha256,
        unknown=FRAMES,
    )
