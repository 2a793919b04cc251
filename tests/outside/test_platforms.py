"""The platforms' doors, in the shapes of their own documentation, served on loopback to the real adapters."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from activities.adapters.platforms.addresses import read_address
from activities.adapters.platforms.asking import Door
from activities.adapters.platforms.reader import PlatformReader, Token
from activities.looks import Look
from activities.posts_port import (
    PostPrivate,
    PostRemoved,
    PostUnreachable,
    PostUntold,
    PostUrlRefused,
    Whose,
)
from activities.watch import meant
from domain.commands import CheckOutcome
from domain.disclosure import CheckInput, check
from domain.disclosure.models import Outcome, Reason
from domain.proof import PROOF_NEEDED, needs_proof
from domain.watch import Seen
from infra.settings import settings_from

VIDEO = "dQw4w9WgXcQ"
YOUTUBE = f"https://www.youtube.com/watch?v={VIDEO}"
TIKTOK = "https://www.tiktok.com/@lena.light/video/7106594312292453675"
INSTAGRAM = "https://www.instagram.com/reel/CxYz_12-AbC/"
WHOSE = Whose(brand_id="brand_x", creator_id="creator_x", handle="lena.light")


@dataclass
class Asked:
    """One call that a door got."""

    method: str
    path: str
    query: dict[str, list[str]]
    token: str
    body: Any


@dataclass
class Platform:
    """A small server that answers what it is told, and remembers what it was asked."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def say(self, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """The next answer at this path."""
        self.answers.setdefault(path, []).append((status, body, headers))


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(size) if size else b""
            token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
            made.asked.append(
                Asked(
                    self.command,
                    parts.path,
                    parse_qs(parts.query),
                    token,
                    json.loads(raw) if raw else None,
                )
            )
            waiting = made.answers.get(parts.path, [])
            status, body, headers = waiting.pop(0) if waiting else (404, {}, {})
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(sent)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join(10)


Make = Callable[..., PlatformReader]


@pytest.fixture
def reader(platform: Platform) -> Make:
    def make(key: str = "", token: Token = Token(), budget: int = 100) -> PlatformReader:  # noqa: B008 - a tuple
        left = [budget]

        def spend(_: str, units: int) -> bool:
            left[0] -= units
            return left[0] >= 0

        doors = ("youtube", "youtube_oembed", "tiktok", "tiktok_oembed", "instagram")
        settings = settings_from({"HANDSEL_YOUTUBE_API_KEY": key})
        settings = settings.model_copy(update={"platform_apis": dict.fromkeys(doors, platform.url)})
        return PlatformReader(settings, lambda _platform, _whose: token, spend)

    return make


def video(**changes: Any) -> dict[str, Any]:
    """What `videos.list` answers, as the reference documents it."""
    snippet = {
        "publishedAt": "2026-11-02T17:00:07Z",
        "channelId": "UCuAXFkgsw1L7xaCfnd5JJOw",
        "title": "Ad: a lamp for dark evenings",
        "description": "Lumen gave me this lamp.\nMusic by nobody.",
        "channelTitle": "Lena Light",
        "defaultAudioLanguage": "en",
        "liveBroadcastContent": "none",
    }
    item = {
        "kind": "youtube#video",
        "id": VIDEO,
        "snippet": snippet | changes,
        "status": {"uploadStatus": "processed", "privacyStatus": "public"},
    }
    return {"kind": "youtube#videoListResponse", "items": [item], "pageInfo": {"totalResults": 1}}


CHANNEL = {
    "kind": "youtube#channelListResponse",
    "items": [{"id": "UCuAXFkgsw1L7xaCfnd5JJOw", "snippet": {"customUrl": "@lena.light", "title": "Lena"}}],
}


def test_youtube_by_its_api(platform: Platform, reader: Make) -> None:
    platform.say("/youtube/v3/videos", video())
    platform.say("/youtube/v3/channels", CHANNEL)
    post = reader(key="k-secret").read(YOUTUBE, "youtube", WHOSE)
    assert post.author_handle == "@lena.light"
    assert post.published_at == datetime(2026, 11, 2, 17, 0, 7, tzinfo=UTC)
    assert post.caption.splitlines()[:2] == ["Ad: a lamp for dark evenings", "Lumen gave me this lamp."]
    assert (post.platform_label, post.overlay_text, post.spoken_disclosure) == (None, None, None)
    assert set(post.unknown) == {"platform_label", "overlay_text", "spoken_disclosure"}
    assert [one.query["key"] for one in platform.asked] == [["k-secret"], ["k-secret"]]


def test_youtube_that_is_gone_private_or_out_of_quota(platform: Platform, reader: Make) -> None:
    platform.say("/youtube/v3/videos", {"kind": "youtube#videoListResponse", "items": []})
    with pytest.raises(PostRemoved):
        reader(key="k").read(YOUTUBE, "youtube")
    hidden = video()
    hidden["items"][0]["status"]["privacyStatus"] = "private"
    platform.say("/youtube/v3/videos", hidden)
    with pytest.raises(PostPrivate):
        reader(key="k").read(YOUTUBE, "youtube")
    quota = {"error": {"code": 403, "errors": [{"domain": "youtube.quota", "reason": "quotaExceeded"}]}}
    platform.say("/youtube/v3/videos", quota, 403)
    with pytest.raises(PostUnreachable) as caught:
        reader(key="k").read(YOUTUBE, "youtube")
    assert caught.value.after == 3600


def test_a_key_never_stands_in_an_error(platform: Platform, reader: Make) -> None:
    platform.say("/youtube/v3/videos", {"error": {"code": 400, "errors": [{"reason": "keyInvalid"}]}}, 400)
    with pytest.raises(PostUnreachable) as caught:
        reader(key="k-very-secret").read(YOUTUBE, "youtube")
    assert "k-very-secret" not in str(caught.value)
    assert "keyInvalid" in str(caught.value)


OEMBED = {
    "title": "Ad: a lamp",
    "author_name": "Lena Light",
    "author_url": "https://www.youtube.com/@lena.light",
    "type": "video",
    "height": 113,
    "width": 200,
    "version": "1.0",
    "provider_name": "YouTube",
    "provider_url": "https://www.youtube.com/",
    "thumbnail_url": "https://i.ytimg.com/vi/dQw4w9WgXcQ/hqdefault.jpg",
}


def test_youtube_without_a_key_tells_the_title_and_names_what_it_does_not_tell(
    platform: Platform, reader: Make
) -> None:
    platform.say("/oembed", OEMBED)
    post = reader().read("https://youtu.be/dQw4w9WgXcQ?si=share", "youtube")
    assert (post.author_handle, post.caption, post.published_at) == ("@lena.light", "Ad: a lamp", None)
    assert {"published_at", "description", "overlay_text"} <= set(post.unknown)
    assert platform.asked[0].query["url"] == [YOUTUBE]
    for status, kind in ((404, PostRemoved), (401, PostPrivate), (403, PostPrivate)):
        platform.say("/oembed", {}, status)
        with pytest.raises(kind):
            reader().read(YOUTUBE, "youtube")


def test_tiktok_by_the_creators_own_token(platform: Platform, reader: Make) -> None:
    platform.say(
        "/v2/video/query/",
        {
            "data": {
                "videos": [
                    {
                        "id": "7106594312292453675",
                        "create_time": 1_793_500_000,
                        "title": "Ad: a lamp",
                        "video_description": "Ad: a lamp #lumen",
                        "share_url": TIKTOK,
                    }
                ]
            },
            "error": {"code": "ok", "message": "", "log_id": "202605310420"},
        },
    )
    post = reader(token=Token("", "act.secret")).read(TIKTOK, "tiktok", WHOSE)
    assert post.caption == "Ad: a lamp #lumen"
    assert post.published_at == datetime.fromtimestamp(1_793_500_000, UTC)
    (asked,) = platform.asked
    assert (asked.method, asked.token) == ("POST", "act.secret")
    assert asked.body == {"filters": {"video_ids": ["7106594312292453675"]}}


def test_tiktok_whose_token_is_over_still_tells_what_everybody_may_know(
    platform: Platform, reader: Make
) -> None:
    platform.say("/v2/video/query/", {"error": {"code": "access_token_invalid"}}, 401)
    platform.say(
        "/oembed",
        {
            "version": "1.0",
            "type": "video",
            "title": "Ad: a lamp #lumen",
            "author_url": "https://www.tiktok.com/@lena.light",
            "author_name": "Lena",
            "author_unique_id": "lena.light",
            "embed_product_id": "7106594312292453675",
            "provider_name": "TikTok",
        },
    )
    post = reader(token=Token("", "act.old")).read(TIKTOK, "tiktok", WHOSE)
    assert (post.author_handle, post.published_at) == ("lena.light", None)
    platform.say("/oembed", {"code": 400, "message": "Something went wrong"}, 400)
    with pytest.raises(PostRemoved):
        reader().read(TIKTOK, "tiktok")


def media(*posts: dict[str, Any], after: str = "") -> dict[str, Any]:
    """What Business Discovery answers."""
    paging = {"cursors": {"after": after}} if after else {}
    found = {"data": list(posts), "paging": paging}
    return {"business_discovery": {"media": found, "id": "17841401441775531"}, "id": "17841405309211844"}


REEL = {
    "id": "17854360229135492",
    "caption": "Ad: a lamp",
    "media_type": "VIDEO",
    "media_product_type": "REELS",
    "permalink": "https://www.instagram.com/reel/CxYz_12-AbC/",
    "timestamp": "2026-11-02T12:00:00+0000",
    "username": "lena.light",
}


def test_instagram_by_the_brands_account_page_by_page(platform: Platform, reader: Make) -> None:
    other = REEL | {"permalink": "https://www.instagram.com/p/Other12345/"}
    platform.say("/17841405309211844", media(other, after="QVFI"))
    platform.say("/17841405309211844", media(REEL))
    post = reader(token=Token("17841405309211844", "EAAO.secret")).read(INSTAGRAM, "instagram", WHOSE)
    assert (post.caption, post.author_handle) == ("Ad: a lamp", "lena.light")
    assert post.published_at == datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert {one.token for one in platform.asked} == {"EAAO.secret"}
    assert "business_discovery.username(lena.light)" in platform.asked[0].query["fields"][0]
    assert ".after(QVFI)" in platform.asked[1].query["fields"][0]


def test_instagram_that_cannot_tell(platform: Platform, reader: Make) -> None:
    with pytest.raises(PostUntold):
        reader().read(INSTAGRAM, "instagram", WHOSE)
    connected = Token("17841405309211844", "EAAO.secret")
    platform.say("/17841405309211844", media(REEL | {"permalink": "https://www.instagram.com/p/Older12345/"}))
    with pytest.raises(PostRemoved):
        reader(token=connected).read(INSTAGRAM, "instagram", WHOSE)
    platform.say("/17841405309211844", {"error": {"code": 110, "error_subcode": 2207013}}, 400)
    with pytest.raises(PostUntold):
        reader(token=connected).read(INSTAGRAM, "instagram", WHOSE)
    platform.say("/17841405309211844", {"error": {"code": 4, "message": "limit reached"}}, 400)
    with pytest.raises(PostUnreachable):
        reader(token=connected).read(INSTAGRAM, "instagram", WHOSE)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (302, {}, PostUrlRefused),
        (200, b"<html>", PostUrlRefused),
        (200, {"title": "x" * 1_100_000}, PostUrlRefused),
        (200, [], PostUrlRefused),
        (500, {}, PostUnreachable),
        (503, b"", PostUnreachable),
    ],
)
def test_whatever_a_platform_answers_is_bounded_and_named(
    platform: Platform, reader: Make, status: int, body: Any, error: type[Exception]
) -> None:
    platform.say("/oembed", body, status, location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(error):
        reader().read(YOUTUBE, "youtube")
    assert len(platform.asked) == 1


def test_retry_after_is_kept_as_a_number_and_as_a_date(platform: Platform, reader: Make) -> None:
    platform.say("/oembed", {}, 429, retry_after="120")
    platform.say("/oembed", {}, 429, retry_after="Wed, 21 Oct 2099 07:28:00 GMT")
    waits = []
    for _ in range(2):
        with pytest.raises(PostUnreachable) as caught:
            reader().read(YOUTUBE, "youtube")
        waits.append(caught.value.after)
    assert waits[0] == 120
    assert waits[1] is not None
    assert waits[1] > 86400 * 365


def test_a_budget_that_is_used_up_asks_nobody(platform: Platform, reader: Make) -> None:
    with pytest.raises(PostUnreachable):
        reader(budget=0).read(YOUTUBE, "youtube")
    assert platform.asked == []


def test_only_public_addresses_are_asked_outside_this_machine(platform: Platform) -> None:
    for base in (platform.url, "http://169.254.169.254", "http://[::1]:80", "http://10.0.0.8"):
        with pytest.raises(PostUrlRefused) as caught:
            Door("youtube", base, lambda *_: True).ask("/oembed", {})
        assert caught.value.reason == "not_public"
    assert platform.asked == []


@pytest.mark.parametrize(
    ("url", "platform_name", "post_id", "handle"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PL1&t=3s", "youtube", VIDEO, ""),
        ("https://youtu.be/dQw4w9WgXcQ?si=abc", "youtube", VIDEO, ""),
        ("https://m.youtube.com/shorts/dQw4w9WgXcQ", "youtube", VIDEO, ""),
        ("https://www.youtube.com/live/dQw4w9WgXcQ?feature=share", "youtube", VIDEO, ""),
        ("https://www.tiktok.com/@Lena.Light/video/7106594312292453675?is=1", "tiktok", "7106594312292453675",
         "lena.light"),
        ("https://www.instagram.com/reel/CxYz_12-AbC/?igsh=x", "instagram", "CxYz_12-AbC", ""),
        ("https://www.instagram.com/lena.light/p/CxYz_12-AbC/", "instagram", "CxYz_12-AbC", "lena.light"),
    ],
)  # fmt: skip
def test_addresses_as_people_copy_them(url: str, platform_name: str, post_id: str, handle: str) -> None:
    found = read_address(url, {})
    assert (found.platform, found.post_id, found.handle) == (platform_name, post_id, handle)
    assert read_address(found.url, {}).post_id == post_id


@pytest.mark.parametrize(
    "url",
    [
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://user:pass@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com:8443/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=../../x",
        "https://www.instagram.com/stories/lena/123/",
        "https://www.tiktok.com/@lena",
        "ftp://www.tiktok.com/@lena/video/7106594312292453675",
        "https://127.0.0.1/watch?v=dQw4w9WgXcQ",
        "javascript:alert(1)",
        "https://www.youtube.com\\@evil.example/watch?v=dQw4w9WgXcQ",
        "",
    ],
)
def test_addresses_that_are_none_of_a_post(url: str) -> None:
    with pytest.raises(PostUrlRefused):
        read_address(url, {})


@pytest.mark.parametrize(
    ("outcome", "reason", "format_", "unknown", "proof"),
    [
        (Outcome.FAIL, Reason.NOT_IN_VIDEO, "reel", ("overlay_text", "spoken_disclosure"), True),
        (Outcome.FAIL, Reason.MISSING, "video", ("overlay_text",), True),
        (Outcome.FAIL, Reason.MISSING, "post", ("overlay_text",), False),
        (Outcome.FAIL, Reason.DENIAL, "reel", ("overlay_text", "spoken_disclosure"), False),
        (Outcome.FAIL, Reason.NOT_IN_VIDEO, "reel", (), False),
        (Outcome.PASS, Reason.OK, "post", ("published_at",), True),
        (Outcome.PASS, Reason.OK, "post", ("platform_label",), False),
        (Outcome.FAIL, Reason.MISSING, "post", ("description",), True),
    ],
)
def test_what_was_not_told_is_never_taken_for_absent(
    outcome: Outcome, reason: Reason, format_: str, unknown: tuple[str, ...], proof: bool
) -> None:
    assert needs_proof(outcome, reason, format_, unknown) is proof


def look(outcome: CheckOutcome, reason: str, verdict: Outcome | None, **seen: Any) -> Look:
    found = None
    if verdict is not None:
        asked = {"platform": "youtube", "format": "video", "jurisdictions": ["US"], "relationship": "paid"}
        found = check(CheckInput.model_validate({**asked, "brand": {"name": "Lumen"}, "caption": "x"}))
    return Look(YOUTUBE, outcome, reason, {"caption": "Lamp", **seen}, found)


def test_the_watch_finds_nothing_where_nothing_is_told() -> None:
    untold = look(CheckOutcome.NEEDS_REVIEW, PROOF_NEEDED, None)
    assert (meant(untold, None).outcome, meant(untold, None).reason) == (CheckOutcome.UNREADABLE, "untold")
    gone = look(CheckOutcome.REMOVED, "removed", None)
    assert meant(gone, None) is gone


def test_an_edit_of_what_a_platform_tells_in_part_is_for_a_person_and_no_accusation() -> None:
    verified = Seen(caption="Lamp")
    same = look(CheckOutcome.NEEDS_REVIEW, PROOF_NEEDED, Outcome.FAIL)
    assert meant(same, verified).outcome is CheckOutcome.PASS
    edited = look(CheckOutcome.NEEDS_REVIEW, PROOF_NEEDED, Outcome.FAIL, caption="Other lamp")
    assert (meant(edited, verified).outcome, meant(edited, verified).reason) == (
        CheckOutcome.NEEDS_REVIEW,
        PROOF_NEEDED,
    )
