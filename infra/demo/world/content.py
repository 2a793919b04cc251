"""What the creators make: a picture for the draft, and captions with the right mark, a weak one, or none."""

from __future__ import annotations

import struct
import zlib
from enum import StrEnum
from random import Random
from typing import Any, Final

TAG: Final = "@lumen.and.oak"
"""The brand's account, as the brief asks for it."""
SIDE: Final = 96
"""Pixels of the square draft."""

_LINES: Final = (
    "Half past four and already dark, so this corner of the flat got its own small sun.",
    "I did not think that I had opinions about lamps. I have opinions about lamps now.",
    "Turned down to candle light it is almost a fire place, without the ash.",
    "Rain outside, a book inside, and enough light for exactly one of us.",
    "My grandmother would have approved of the wood. She approved of very little.",
    "Before and after: same chair, same mess, much better evening.",
    "The quiet kind of upgrade: nothing beeps, nothing blinks, the light is right.",
)


class Mark(StrEnum):
    """How a post says that it is advertising."""

    RIGHT = "right"
    WEAK = "weak"
    NONE = "none"


def picture(chance: Random) -> bytes:
    """A small PNG: two colours that run into each other."""
    first, last = ([chance.randrange(40, 230) for _ in range(3)] for _ in range(2))
    rows = bytearray()
    for y in range(SIDE):
        share = y / (SIDE - 1)
        pixel = bytes(round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
        rows += b"\0" + pixel * SIDE
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def story(chance: Random) -> str:
    """What the creator has to say, without any mark."""
    return chance.choice(_LINES)


def marked(words: str, mark: Mark, *, paid: bool, brand: str, video: bool) -> dict[str, Any]:
    """A post as it is published: caption, and for videos what is on the screen and spoken.

    The right marks are those that the mails recommend. `words` is the story without a mark.
    """
    label = "Ad:" if paid else f"{brand} gave me this for free."
    shown: dict[str, Any] = {"language": "en"}
    if mark is Mark.RIGHT:
        shown["caption"] = f"{label} {words} {TAG}"
    elif mark is Mark.WEAK:
        shown["caption"] = f"{words} Thanks {TAG} #collab #sp"
    else:
        shown["caption"] = f"{words} {TAG}"
    if video:
        shown["overlay_text"] = label if mark is Mark.RIGHT else None
        shown["spoken_disclosure"] = mark is Mark.RIGHT
    return shown
