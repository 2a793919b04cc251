"""What the social network keeps: posts and ordered faults, in one SQLite file.

A write is on disk before it is acknowledged. Nothing is ever forgotten: a deleted post stays known as
deleted, since the world answers "gone", not "never heard of it".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    platform TEXT NOT NULL,
    id TEXT NOT NULL,
    handle TEXT NOT NULL,
    caption TEXT NOT NULL,
    published_at TEXT NOT NULL,
    edited_at TEXT,
    deleted_at TEXT,
    language TEXT,
    overlay_text TEXT,
    spoken_disclosure INTEGER,
    platform_label INTEGER NOT NULL,
    media_sha256 TEXT NOT NULL,
    is_private INTEGER NOT NULL DEFAULT 0,
    is_live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (platform, id)
);
CREATE INDEX IF NOT EXISTS posts_by_handle ON posts (platform, handle, published_at);
CREATE TABLE IF NOT EXISTS faults (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    seconds REAL NOT NULL,
    remaining INTEGER NOT NULL
);
"""
_FLAGS = ("spoken_disclosure", "platform_label", "is_private", "is_live")
_COLUMNS = frozenset(
    {
        "platform",
        "id",
        "handle",
        "caption",
        "published_at",
        "edited_at",
        "deleted_at",
        "language",
        "overlay_text",
        "media_sha256",
        *_FLAGS,
    }
)


class Store:
    """The posts of the network. Safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        """Open the file, made if it is not there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def add(self, post: Mapping[str, Any]) -> bool:
        """Publish a post; False when this platform has a post with this id already."""
        columns = ", ".join(post)
        marks = ", ".join("?" for _ in post)
        _known(post)
        with self._lock:
            changed = self._database.execute(
                f"INSERT OR IGNORE INTO posts ({columns}) VALUES ({marks})",  # noqa: S608 - known columns
                tuple(post.values()),
            )
            return changed.rowcount == 1

    def change(self, platform: str, post_id: str, fields: Mapping[str, Any]) -> bool:
        """Change fields of a post that is not deleted; False when there is none."""
        _known(fields)
        terms = ", ".join(f"{name} = ?" for name in fields)
        with self._lock:
            changed = self._database.execute(
                f"UPDATE posts SET {terms} "  # noqa: S608 - known columns
                "WHERE platform = ? AND id = ? AND deleted_at IS NULL",
                (*fields.values(), platform, post_id),
            )
            return changed.rowcount == 1

    def find(self, platform: str, post_id: str) -> dict[str, Any] | None:
        """One post, deleted ones too (`deleted_at` says so)."""
        rows = self._all("SELECT * FROM posts WHERE platform = ? AND id = ?", (platform, post_id))
        return rows[0] if rows else None

    def listed(self, platform: str | None = None, handle: str | None = None) -> list[dict[str, Any]]:
        """Posts that are not deleted, newest first, at most 500."""
        return self._all(
            "SELECT * FROM posts WHERE deleted_at IS NULL AND (?1 IS NULL OR platform = ?1) "
            "AND (?2 IS NULL OR handle = ?2) ORDER BY published_at DESC, id LIMIT 500",
            (platform, handle),
        )

    def add_fault(self, kind: str, seconds: float, count: int) -> None:
        """Let the next `count` answers about posts go wrong in this way."""
        with self._lock:
            self._database.execute(
                "INSERT INTO faults (kind, seconds, remaining) VALUES (?, ?, ?)", (kind, seconds, count)
            )

    def take_fault(self) -> tuple[str, float] | None:
        """The fault that is due now, used up by asking."""
        with self._lock:
            row = self._database.execute(
                "SELECT number, kind, seconds FROM faults WHERE remaining > 0 ORDER BY number LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            self._database.execute(
                "UPDATE faults SET remaining = remaining - 1 WHERE number = ?", (row["number"],)
            )
            return row["kind"], row["seconds"]

    def clear_faults(self) -> None:
        """Forget all faults that are still due."""
        with self._lock:
            self._database.execute("DELETE FROM faults")

    def _all(self, query: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        with self._lock:
            rows = self._database.execute(query, values).fetchall()
        return [_post(row) for row in rows]


def _known(fields: Mapping[str, Any]) -> None:
    if not fields or not set(fields) <= _COLUMNS:
        raise ValueError(f"unknown fields: {sorted(set(fields) - _COLUMNS)}")


def _post(row: sqlite3.Row) -> dict[str, Any]:
    post = dict(row)
    for name in _FLAGS:
        if post[name] is not None:
            post[name] = bool(post[name])
    return post
