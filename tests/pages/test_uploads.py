"""Files of a draft: straight into the store, verified there, and gone on with where they stopped."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.pages.uploads import KINDS, kind_of, safe_name
from infra.objects import PART_SIZE, ObjectStore
from infra.tables import Asset
from tests.pages.conftest import Browser
from tests.pages.studio import Studio
from tests.pages.test_work import PNG

MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(64)
HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture
def path(studio: Studio) -> str:
    return studio.link(studio.in_production(studio.campaign()))


def announce(browser: Browser, path: str, **said: Any) -> httpx.Response:
    return browser.client.post(f"{path}/uploads", json={"modified": 1} | said)


def put(part: dict[str, Any], body: bytes) -> httpx.Response:
    headers = {"Content-Type": part["type"]} if part["type"] else {}
    return httpx.put(part["url"], content=body[part["from"] : part["to"]], headers=headers)


def finish(browser: Browser, path: str, asset: str) -> httpx.Response:
    return browser.client.post(f"{path}/uploads/{asset}/finish")


def asset_row(studio: Studio, asset_id: str) -> Asset:
    with studio.sessions() as session:
        return session.get_one(Asset, asset_id)


def test_a_picture_goes_straight_to_the_store(studio: Studio, browser: Browser, path: str) -> None:
    room = announce(browser, path, name="C:\\me\\shelf.png", size=len(PNG), type="image/png")
    assert room.status_code == 201
    [part] = room.json()["parts"]
    assert put(part, PNG).status_code == 200
    done = finish(browser, path, room.json()["asset"])
    assert done.json() == {"asset": room.json()["asset"], "state": "stored", "name": "shelf.png"}
    row = asset_row(studio, room.json()["asset"])
    assert row.sha256 == hashlib.sha256(PNG).hexdigest()
    assert row.media_type == "image/png"
    page = browser.open(path)
    assert "Send shelf.png with this draft" in page.text
    shown = browser.open(f"{path}/files/{row.id}")
    assert shown.status_code == 303
    looked = httpx.get(shown.headers["location"])
    assert looked.content == PNG
    assert looked.headers["content-disposition"].startswith("inline")
    assert (
        announce(browser, path, name="C:\\me\\shelf.png", size=len(PNG), type="image/png").json()["parts"]
        == []
    )


def test_what_is_written_after_the_look_counts_for_nothing(
    studio: Studio, browser: Browser, path: str
) -> None:
    room = announce(browser, path, name="shelf.png", size=len(PNG), type="image/png").json()
    [part] = room["parts"]
    put(part, PNG)
    assert finish(browser, path, room["asset"]).json()["state"] == "stored"
    other = PNG[:-1] + bytes([PNG[-1] ^ 1])
    assert put(part, other).status_code == 200  # the address still works, for a while
    assert finish(browser, path, room["asset"]).json()["state"] == "stored"
    row = asset_row(studio, room["asset"])
    assert row.sha256 == hashlib.sha256(PNG).hexdigest()
    shown = browser.open(f"{path}/files/{row.id}")
    assert httpx.get(shown.headers["location"]).content == PNG


def test_a_film_goes_in_parts_and_on_where_it_stopped(studio: Studio, browser: Browser, path: str) -> None:
    film = MP4 + os.urandom(2 * PART_SIZE)
    said = {"name": "film.mp4", "size": len(film), "type": "video/mp4"}
    room = announce(browser, path, **said).json()
    assert "parts" in room, room
    assert [part["number"] for part in room["parts"]] == [1, 2, 3]
    assert put(room["parts"][0], film).status_code == 200
    early = finish(browser, path, room["asset"])
    assert early.status_code == 409
    rest = announce(browser, path, **said).json()
    assert rest["asset"] == room["asset"]
    assert [part["number"] for part in rest["parts"]] == [2, 3]
    for part in rest["parts"]:
        assert put(part, film).status_code == 200
    assert finish(browser, path, room["asset"]).json()["state"] == "stored"
    assert finish(browser, path, room["asset"]).json()["state"] == "stored"
    assert asset_row(studio, room["asset"]).sha256 == hashlib.sha256(film).hexdigest()


@pytest.mark.parametrize("content", [HTML, MP4, b"%PDF-1.4 x"], ids=["html", "film", "pdf"])
def test_a_file_that_is_not_what_it_said_is_removed(
    content: bytes, studio: Studio, browser: Browser, path: str
) -> None:
    room = announce(browser, path, name="nice.png", size=len(content), type="image/png").json()
    put(room["parts"][0], content)
    refused = finish(browser, path, room["asset"])
    assert refused.status_code == 422
    assert refused.json()["error"]
    row = asset_row(studio, room["asset"])
    assert row.state == "refused"
    assert ObjectStore(studio.settings).head(row.key) is None
    assert "nice.png" not in browser.open(path).text
    assert browser.open(f"{path}/files/{row.id}").status_code == 404


def test_the_address_takes_only_what_was_announced(browser: Browser, path: str) -> None:
    room = announce(browser, path, name="a.png", size=len(PNG), type="image/png").json()
    [part] = room["parts"]
    assert (
        httpx.put(part["url"], content=PNG + b"x", headers={"Content-Type": "image/png"}).status_code == 403
    )
    assert httpx.put(part["url"], content=PNG, headers={"Content-Type": "text/html"}).status_code == 403
    assert finish(browser, path, room["asset"]).status_code == 409, "nothing came"


def test_what_cannot_be_taken_is_said_before_it_is_sent(studio: Studio, browser: Browser, path: str) -> None:
    for said, words in (
        ({"name": "a.exe", "size": 5, "type": "application/x-msdownload"}, "This kind of file"),
        ({"name": "a.svg", "size": 5, "type": "image/svg+xml"}, "This kind of file"),
        ({"name": "a.png", "size": 0, "type": "image/png"}, "This file is empty."),
        ({"name": "a.mp4", "size": 600_000_000, "type": "video/mp4"}, "Up to 500 MB"),
        ({"name": "a.png", "size": -1}, "This kind of file"),
        ({"name": "a.png", "size": 1, "more": 1}, "This kind of file"),
    ):
        refused = announce(browser, path, **said)
        assert refused.status_code == 422, said
        assert words in refused.json()["error"]
    with studio.sessions() as session:
        assert session.scalars(select(Asset.id).where(Asset.file_name.in_(["a.exe", "a.svg"]))).all() == []


def test_somebody_elses_file_does_not_exist(studio: Studio, browser: Browser, path: str) -> None:
    other = studio.link(studio.in_production(studio.campaign()))
    room = announce(browser, path, name="a.png", size=len(PNG), type="image/png").json()
    put(room["parts"][0], PNG)
    finish(browser, path, room["asset"])
    assert finish(browser, other, room["asset"]).status_code == 404
    assert browser.open(f"{other}/files/{room['asset']}").status_code == 404


def test_a_plain_form_refuses_what_is_too_large_or_of_another_kind(browser: Browser, path: str) -> None:
    form = browser.form(browser.open(path), "draft") | {"caption": "#ad words that stay"}
    for name, content in (("a.png", HTML), ("a.png", b""), ("", b"")):
        page = browser.client.post(f"{path}/files", data=form, files={"file": (name, content, "image/png")})
        assert page.status_code == 422
        assert "#ad words that stay" in page.text
    big = browser.client.post(f"{path}/files", data=form, files={"file": ("a.png", bytes(21_000_000))})
    assert big.status_code == 413
    assert "This is too big" in big.text


def test_kinds_are_known_by_content() -> None:
    samples = {
        b"\xff\xd8\xff\xe0" + bytes(16): "image/jpeg",
        PNG: "image/png",
        b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(16): "image/webp",
        b"GIF89a" + bytes(16): "image/gif",
        b"\x00\x00\x00\x18ftypheic" + bytes(16): "image/heic",
        b"\x00\x00\x00\x14ftypqt  " + bytes(16): "video/quicktime",
        MP4: "video/mp4",
        b"\x00\x00\x00\x1cftypmp42" + bytes(16): "video/mp4",
        b"\x1aE\xdf\xa3" + b"\x42\x82\x84webm" + bytes(32): "video/webm",
    }
    assert {kind_of(head) for head in samples} == set(KINDS)
    for head, kind in samples.items():
        assert kind_of(head) == kind


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\x00b\r\n.png", "ab.png"),
        ("///", "file"),
        ("ü 写真.heic", "ü 写真.heic"),
    ],
)
def test_names_of_files_are_made_safe(given: str, kept: str) -> None:
    assert safe_name(given) == kept
