"""Files of a draft: from the browser straight into the store, then looked at before they count.

What a browser announces is not believed: size, kind and content are checked on what is stored. A file that
is not what it said is removed again. The same file announced twice is one row and goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from threading import BoundedSemaphore
from typing import Any, Final

import filetype
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from api.pages.rendering import megabytes
from api.pages.wording import say
from domain.errors import Invalid, NotFound, Refused
from domain.ids import derived_id
from infra.objects import PART_SIZE, ObjectStore
from infra.tables import Asset

LARGEST: Final = 500_000_000
"""Bytes of one file."""
LARGEST_PLAIN: Final = 20_000_000
"""Bytes of a file that comes through the server, from a browser without script."""
MOST_FILES: Final = 40
"""Files that one collaboration may keep."""
_HEAD: Final = 8192
_IN_ONE: Final = PART_SIZE
"""Files up to this size go in one piece."""

KINDS: Final = {
    "image/jpeg": "image",
    "image/png": "image",
    "image/webp": "image",
    "image/gif": "image",
    "image/heic": "image",
    "video/mp4": "video",
    "video/quicktime": "video",
    "video/webm": "video",
}
"""Media types that are taken, and their family."""

_SAME: Final = {"image/heif": "image/heic", "image/jpg": "image/jpeg", "video/x-m4v": "video/mp4"}
_BRANDS: Final = {b"qt  ": "video/quicktime"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"), "image/heic"
)
_BY_ENDING: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heic",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
}
_checking: Final = BoundedSemaphore(2)
"""Looks at whole files at once; a large one takes seconds."""


class FileRefused(Invalid):
    """The file cannot be taken. The sentence is for the creator."""

    code = "file_refused"


class Announcement(BaseModel):
    """A file that a browser wants to send. `modified` is its date in milliseconds since 1970."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=300)
    size: int = Field(ge=0, le=10**12)
    type: str = Field(default="", max_length=100)
    modified: int = Field(default=0, ge=0, le=10**15)


@dataclass(frozen=True)
class Files:
    """The files of one collaboration."""

    sessions: sessionmaker[Session]
    objects: ObjectStore
    collaboration_id: str

    def announce(self, said: Announcement, now: datetime) -> dict[str, Any]:
        """Make room for a file; gives the addresses that are still to be sent to.

        Raises `FileRefused` when it is too big, empty, of another kind, or one too many.
        """
        media_type = _announced_type(said)
        if said.size == 0:
            raise FileRefused(say("error.file_empty"))
        if said.size > LARGEST:
            raise FileRefused(say("error.file_too_big", most=megabytes(LARGEST)))
        asset_id = derived_id(
            "asset", self.collaboration_id, "browser", said.name, said.size, said.modified, media_type
        )
        asset = self._make_row(asset_id, said.name, media_type, said.size, "", now)
        answer: dict[str, Any] = {"asset": asset.id, "state": asset.state, "type": media_type, "parts": []}
        if asset.state == "stored":
            return answer
        if asset.state == "refused":
            self._set(asset.id, state="expected", stored_at=None)
        return answer | {"state": "expected", "parts": self._missing(asset)}

    def finish(self, asset_id: str, now: datetime) -> Asset:
        """All was sent: put it together and look at it. Raises `FileRefused`, `NotFound`."""
        asset = self._row(asset_id)
        if asset.state == "stored":
            return asset
        self._put_together(asset)
        with _checking:
            return self._look(asset, now)

    def store(self, name: str, body: bytes, now: datetime) -> Asset:
        """A small file that came through the server. Raises `FileRefused`."""
        if not body:
            raise FileRefused(say("error.file_empty"))
        if len(body) > LARGEST_PLAIN:
            raise FileRefused(say("error.file_too_big", most=megabytes(LARGEST_PLAIN)))
        media_type = kind_of(body[:_HEAD])
        digest = hashlib.sha256(body).hexdigest()
        asset_id = derived_id("asset", self.collaboration_id, "server", digest)
        asset = self._make_row(asset_id, name, media_type, len(body), digest, now)
        if asset.state != "stored":
            self.objects.put(asset.key, body, media_type)
            asset = self._set(asset.id, state="stored", stored_at=now)
        return asset

    def address_of(self, asset_id: str) -> str:
        """A short address to look at a stored file. Raises `NotFound`."""
        asset = self._row(asset_id)
        if asset.state != "stored":
            raise NotFound("no such file")
        return self.objects.presign_get(asset.key, asset.file_name, "inline", asset.media_type)

    def _make_row(
        self, asset_id: str, name: str, media_type: str, size: int, sha256: str, now: datetime
    ) -> Asset:
        row = {
            "id": asset_id,
            "collaboration_id": self.collaboration_id,
            "key": f"drafts/{self.collaboration_id}/{asset_id}",
            "file_name": safe_name(name),
            "media_type": media_type,
            "size": size,
            "sha256": sha256,
            "created_at": now,
        }
        with self.sessions.begin() as session:
            mine = Asset.collaboration_id == self.collaboration_id
            known = session.get(Asset, asset_id)
            count = session.scalar(select(func.count()).select_from(Asset).where(mine)) or 0
            if known is None and count >= MOST_FILES:
                raise FileRefused(say("error.file_too_many"))
            session.execute(insert(Asset).values(row).on_conflict_do_nothing(index_elements=["id"]))
            return session.get_one(Asset, asset_id)

    def _row(self, asset_id: str) -> Asset:
        with self.sessions() as session:
            asset = session.get(Asset, asset_id)
        if asset is None or asset.collaboration_id != self.collaboration_id:
            raise NotFound(say("error.file_unknown"))
        return asset

    def _set(self, asset_id: str, **values: Any) -> Asset:
        with self.sessions.begin() as session:
            asset = session.get_one(Asset, asset_id, with_for_update=True)
            for name, value in values.items():
                setattr(asset, name, value)
            return asset

    def _missing(self, asset: Asset) -> list[dict[str, Any]]:
        """The parts that are not there yet: number, first byte, last byte + 1, address."""
        if asset.size <= _IN_ONE:
            url = self.objects.presign_put(asset.key, asset.media_type, asset.size)
            return [{"number": 1, "from": 0, "to": asset.size, "url": url, "type": asset.media_type}]
        upload_id = self.objects.begin_parts(asset.key, asset.media_type)
        there = {part.number for part in self.objects.parts(asset.key, upload_id)}
        missing = []
        for number, start in enumerate(range(0, asset.size, PART_SIZE), 1):
            if number in there:
                continue
            end = min(start + PART_SIZE, asset.size)
            url = self.objects.presign_part(asset.key, upload_id, number, end - start)
            missing.append({"number": number, "from": start, "to": end, "url": url, "type": ""})
        return missing

    def _put_together(self, asset: Asset) -> None:
        if asset.size <= _IN_ONE or self.objects.head(asset.key) is not None:
            return
        upload_id = self.objects.find_parts(asset.key)
        parts = self.objects.parts(asset.key, upload_id) if upload_id else []
        if upload_id is None or sum(part.size for part in parts) != asset.size:
            raise UploadIncomplete(say("upload.failed"))
        self.objects.complete_parts(asset.key, upload_id, parts)

    def _look(self, asset: Asset, now: datetime) -> Asset:
        found = self.objects.head(asset.key)
        if found is None:
            asset = self._row(asset.id)
            if asset.state == "stored":  # another tab was faster
                return asset
            raise UploadIncomplete(say("upload.failed"))
        try:
            media_type = kind_of(self.objects.read_range(asset.key, 0, _HEAD))
            if found.size != asset.size or KINDS[media_type] != KINDS[asset.media_type]:
                raise FileRefused(say("error.file_differs"))
        except FileRefused:
            self.objects.delete(asset.key)
            self._set(asset.id, state="refused")
            raise
        if asset.size <= _IN_ONE:
            return self._keep(asset, media_type, now)
        digest = hashlib.sha256()
        for piece in self.objects.stream(asset.key):
            digest.update(piece)
        return self._set_stored(asset.id, stored_at=now, media_type=media_type, sha256=digest.hexdigest())

    def _keep(self, asset: Asset, media_type: str, now: datetime) -> Asset:
        """Move what was looked at to a key for which no address was ever given out.

        The address for one piece goes on working for a while; what it writes afterwards counts for nothing.
        (The addresses of parts end with their upload.)
        """
        body = self.objects.read_range(asset.key, 0, _IN_ONE)
        if len(body) != asset.size or kind_of(body[:_HEAD]) != media_type:
            raise UploadIncomplete(say("upload.failed"))
        digest = hashlib.sha256(body).hexdigest()
        kept = f"{asset.key}-{digest}"
        self.objects.put(kept, body, media_type)
        stored = self._set_stored(asset.id, key=kept, media_type=media_type, sha256=digest, stored_at=now)
        self.objects.delete(asset.key)
        return stored

    def _set_stored(self, asset_id: str, **values: Any) -> Asset:
        """Note that the file is there, unless another look did so before: the first one counts."""
        with self.sessions.begin() as session:
            asset = session.get_one(Asset, asset_id, with_for_update=True)
            if asset.state != "stored":
                for name, value in (values | {"state": "stored"}).items():
                    setattr(asset, name, value)
            return asset


class UploadIncomplete(Refused):
    """Parts are missing: send them, then finish again."""

    code = "upload_incomplete"


def kind_of(head: bytes) -> str:
    """The media type by the first bytes of a file. Raises `FileRefused` for one that is not taken."""
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return _BRANDS[head[8:12]]
    guessed = filetype.guess_mime(head) or ""
    if not guessed and head[4:8] == b"ftyp" and head[8:12] not in (b"avif", b"avis"):
        guessed = "video/mp4"
    found = _SAME.get(guessed, guessed)
    if found not in KINDS:
        raise FileRefused(say("error.file_type"))
    return found


def _announced_type(said: Announcement) -> str:
    given = said.type.partition(";")[0].strip().lower()
    given = _SAME.get(given, given) or _BY_ENDING.get(PurePosixPath(said.name.lower()).suffix, "")
    if given not in KINDS:
        raise FileRefused(say("error.file_type"))
    return given


def safe_name(name: str) -> str:
    """The file's own name without folders and control characters, at most 120 letters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return clean[-120:] or "file"
