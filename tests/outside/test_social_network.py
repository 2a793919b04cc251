"""Posts on the local social network, read by the post reader as the worker does."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from activities.adapters.post_reader import SocialPostReader, parse_post_url
from activities.posts_port import PostPrivate, PostRemoved, PostUnreachable, PostUrlRefused
from tests.outside.programs import Program, free_port

PLATFORMS = ("instagram", "tiktok", "youtube")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    state = tmp_path_factory.mktemp("social") / "social.db"
    program = Program("infra.local.social", ("--state", str(state))).start()
    yield program
    program.stop()


@pytest.fixture(scope="module")
def reader(network: Program) -> Iterator[SocialPostReader]:
    found = SocialPostReader(dict.fromkeys(PLATFORMS, network.url), patience=1.5)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def without_faults(network: Program) -> Iterator[None]:
    yield
    httpx.delete(f"{network.url}/_social/faults")


def publish(network: Program, **fields: object) -> dict:
    post = {"platform": "instagram", "handle": "@marta.reads", "caption": "#ad Tea"} | fields
    answer = httpx.post(f"{network.url}/_social/posts", json=post)
    assert answer.status_code == 201, answer.text
    return answer.json()


def path_of(post: dict) -> str:
    return f"/_social/posts/{post['platform']}/{post['post_id']}"


def test_a_published_post_is_read_as_it_is(network: Program, reader: SocialPostReader) -> None:
    before = datetime.now(UTC)
    post = publish(
        network,
        platform="tiktok",
        handle="@Marta.Reads",
        caption="ad ✨ tea\nsecond line",
        overlay_text="AD @kelpiekettles",
        spoken_disclosure=True,
        platform_label=True,
        language="en",
        media="cup.jpg",
    )
    seen = reader.read(post["url"], "tiktok")
    assert seen.caption == "ad ✨ tea\nsecond line"
    assert (seen.author_handle, seen.post_id) == ("@marta.reads", post["post_id"])
    assert (seen.overlay_text, seen.spoken_disclosure, seen.platform_label) == (
        "AD @kelpiekettles",
        True,
        True,
    )
    assert seen.media_sha256 == hashlib.sha256(b"cup.jpg").hexdigest()
    assert abs((seen.published_at - before).total_seconds()) < 5
    assert len(seen.raw_sha256) == 64
    page = httpx.get(post["url"])
    assert page.status_code == 200
    assert "ad ✨ tea" in page.text


def test_what_is_not_told_stays_unknown(network: Program, reader: SocialPostReader) -> None:
    seen = reader.read(publish(network)["url"], "instagram")
    assert (seen.overlay_text, seen.spoken_disclosure, seen.language) == (None, None, None)


def test_an_edit_is_seen_and_changes_the_proof(network: Program, reader: SocialPostReader) -> None:
    post = publish(network, caption="tea")
    before = reader.read(post["url"], "instagram")
    httpx.patch(
        network.url + path_of(post), json={"caption": "#ad tea", "platform_label": True}
    ).raise_for_status()
    after = reader.read(post["url"], "instagram")
    assert (after.caption, after.platform_label) == ("#ad tea", True)
    assert after.raw_sha256 != before.raw_sha256
    assert after.media_sha256 == before.media_sha256


def test_deleted_and_unknown_posts_are_removed_and_private_ones_private(
    network: Program, reader: SocialPostReader
) -> None:
    post = publish(network)
    httpx.patch(network.url + path_of(post), json={"is_private": True}).raise_for_status()
    with pytest.raises(PostPrivate):
        reader.read(post["url"], "instagram")
    assert httpx.get(post["url"]).status_code == 403
    httpx.patch(network.url + path_of(post), json={"is_private": False}).raise_for_status()
    assert reader.read(post["url"], "instagram").caption == "#ad Tea"
    assert httpx.delete(network.url + path_of(post)).status_code == 204
    with pytest.raises(PostRemoved):
        reader.read(post["url"], "instagram")
    assert httpx.get(post["url"]).status_code == 410
    with pytest.raises(PostRemoved):
        reader.read(f"{network.url}/instagram/marta.reads/p/never", "instagram")


def test_a_post_of_another_author_is_not_found_under_this_one(
    network: Program, reader: SocialPostReader
) -> None:
    post = publish(network)
    with pytest.raises(PostRemoved):
        reader.read(post["url"].replace("marta.reads", "somebody"), "instagram")


@pytest.mark.parametrize("kind", ["error", "timeout"])
def test_a_network_in_trouble_is_unreachable_and_then_well_again(
    network: Program, reader: SocialPostReader, kind: str
) -> None:
    post = publish(network)
    fault = {"kind": kind, "count": 1, "seconds": 3}
    httpx.post(f"{network.url}/_social/faults", json=fault).raise_for_status()
    started = time.monotonic()
    with pytest.raises(PostUnreachable):
        reader.read(post["url"], "instagram")
    assert time.monotonic() - started < 2.5
    assert reader.read(post["url"], "instagram").caption == "#ad Tea"


def test_slow_is_not_broken(network: Program, reader: SocialPostReader) -> None:
    post = publish(network)
    httpx.post(f"{network.url}/_social/faults", json={"kind": "slow", "seconds": 0.5})
    assert reader.read(post["url"], "instagram").caption == "#ad Tea"


def test_nobody_there_is_unreachable() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(PostUnreachable):
        SocialPostReader({"instagram": url}).read(f"{url}/instagram/a/p/b", "instagram")


@pytest.mark.parametrize(
    ("kind", "reason"), [("redirect", "redirected"), ("huge", "too_large"), ("html", "wrong_type")]
)
def test_answers_that_lead_elsewhere_or_too_far_are_refused(
    network: Program, reader: SocialPostReader, kind: str, reason: str
) -> None:
    post = publish(network)
    httpx.post(f"{network.url}/_social/faults", json={"kind": kind})
    with pytest.raises(PostUrlRefused) as refused:
        reader.read(post["url"], "instagram")
    assert refused.value.reason == reason


HOSTS = {"instagram": "https://posts.example", "tiktok": "https://clips.example:8443"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not_a_url"),
        ("tea", "wrong_scheme"),
        ("ftp://posts.example/instagram/a/p/b", "wrong_scheme"),
        ("javascript:alert(1)", "wrong_scheme"),
        ("file:///etc/passwd", "wrong_scheme"),
        ("http://posts.example/instagram/a/p/b", "unknown_host"),
        ("https://posts.example.evil.example/instagram/a/p/b", "unknown_host"),
        ("https://evil.example/https://posts.example/instagram/a/p/b", "unknown_host"),
        ("https://posts.example@evil.example/instagram/a/p/b", "not_a_url"),
        ("https://user:pass@posts.example/instagram/a/p/b", "not_a_url"),
        ("https://evil.example\\@posts.example/instagram/a/p/b", "not_a_url"),
        ("https://169.254.169.254/instagram/a/p/b", "unknown_host"),
        ("https://posts.example:444/instagram/a/p/b", "unknown_host"),
        ("https://posts.example:nonsense/instagram/a/p/b", "not_a_url"),
        ("https://posts.example/instagram/a/p/b/../../admin", "not_a_post"),
        ("https://posts.example/instagram/a", "not_a_post"),
        ("https://posts.example/tiktok/a/p/b", "wrong_platform"),
        ("https://posts.example/instagram/a/p/b c", "not_a_url"),
        ("https://posts.example/instagram/a/p/" + "b" * 600, "not_a_url"),
    ],
)
def test_strange_addresses_are_refused_before_anybody_is_asked(url: str, reason: str) -> None:
    with pytest.raises(PostUrlRefused) as refused:
        parse_post_url(url, HOSTS)
    assert refused.value.reason == reason
    assert refused.value.sentence.endswith(".")


def test_a_good_address_is_taken_apart() -> None:
    address = parse_post_url(" https://CLIPS.example:8443/tiktok/Marta.Reads/p/aZ_9-x/?utm=1#top ", HOSTS)
    platform, handle, post_id = address
    assert (platform, handle, post_id) == ("tiktok", "marta.reads", "aZ_9-x")
    assert address.url == "https://clips.example:8443/tiktok/marta.reads/p/aZ_9-x"


def test_a_post_on_the_wrong_platform_is_refused(network: Program, reader: SocialPostReader) -> None:
    with pytest.raises(PostUrlRefused) as refused:
        reader.read(publish(network)["url"], "youtube")
    assert refused.value.reason == "wrong_platform"


def test_publishing_twice_with_one_id_publishes_once(network: Program) -> None:
    post = {"platform": "youtube", "handle": "@twice", "caption": "one", "id": "again"}
    first = httpx.post(f"{network.url}/_social/posts", json=post)
    second = httpx.post(f"{network.url}/_social/posts", json=post)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(httpx.get(f"{network.url}/_social/posts", params={"handle": "@twice"}).json()) == 1
    taken = httpx.post(f"{network.url}/_social/posts", json=post | {"handle": "@other"})
    assert taken.status_code == 409


def test_strangers_words_are_shown_as_words(network: Program) -> None:
    post = publish(network, caption="<script>alert(1)</script>", overlay_text="<b>bold</b>")
    page = httpx.get(post["url"])
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert httpx.get(network.url).status_code == 200
    assert "marta.reads" in httpx.get(f"{network.url}/instagram/marta.reads").text


def test_web_pages_elsewhere_cannot_act_here(network: Program) -> None:
    post = {"platform": "youtube", "handle": "@x", "caption": "one"}
    rebound = httpx.post(f"{network.url}/_social/posts", json=post, headers={"host": "evil.example"})
    assert rebound.status_code == 400
    form = httpx.post(
        f"{network.url}/_social/posts",
        content='{"platform": "youtube", "handle": "@x"}',
        headers={"content-type": "text/plain"},
    )
    assert form.status_code in {415, 422}


def test_bad_posts_name_the_field(network: Program) -> None:
    answer = httpx.post(f"{network.url}/_social/posts", json={"platform": "myspace", "handle": "@x"})
    assert answer.status_code == 422
    assert "platform" in answer.text
    post = publish(network)
    assert httpx.patch(network.url + path_of(post), json={"caption": None}).status_code == 422


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    program = Program("infra.local.social", ("--state", str(tmp_path / "s.db"))).start()
    posts = [publish(program, caption=f"#ad number {n}") for n in range(20)]
    httpx.delete(program.url + path_of(posts[0])).raise_for_status()
    httpx.patch(program.url + path_of(posts[1]), json={"caption": "edited"}).raise_for_status()
    program.kill()
    program.start()
    try:
        reader = SocialPostReader(dict.fromkeys(PLATFORMS, program.url))
        with pytest.raises(PostRemoved):
            reader.read(posts[0]["url"], "instagram")
        captions = [reader.read(post["url"], "instagram").caption for post in posts[1:]]
        assert captions == ["edited", *(f"#ad number {n}" for n in range(2, 20))]
        reader.close()
    finally:
        assert program.stop() in {0, -15}
