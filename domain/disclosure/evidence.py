"""Everything found in one post under one rule pack, before anything is decided.

Splits the caption into the surfaces of the platform, reads the picture's text and its remarks, and
collects labels and denials. It is the only place that knows which text is a title.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from domain.disclosure import language as languages
from domain.disclosure.marks import DenialHit, Hit, find, find_denials
from domain.disclosure.models import CheckInput, Evidence, Surface
from domain.disclosure.packs import Pack
from domain.disclosure.text import BRAND, SeenText, brand_names, read, read_mirrored, remarks
from domain.offer import Format, Platform

_LONG_WORDS: Final = (
    r"on screen|all stream|always|throughout|whole|entire|always on|persistent|permanent|pinned|stays?|"
    r"all the time|durchgehend|ganze[nrs]?|dauerhaft|pendant tou|tout le|en permanence|todo el|toda la|"
    r"tutta la|tutto il|hela|hele|heile|koko|caly|cala|przez cal|o tempo todo|toda a|tod[oa] o|fijo|fixo|"
    r"fisso|de hele|continu|sempre|siempre|jatkuvasti|常時|ずっと|全編|終始|내내|계속|상시|전체|पूरे"
)
_BRIEF_WORDS: Final = (
    r"seconds?|secs?|flash(?:es)?|brief(?:ly)?|tiny|small print|last \d|\d ?s|once|only|end card|at the end|"
    r"sekunden?|secondes?|segundos?|secondi|seconden|sekunder|sekuntia|sekund[ay]?|秒|一瞬|초|잠깐|kurz|kort|breve"
)
_OTHER_WORDS: Final = (
    r"onscreen|visible|shown|corner|first \d|frame \d|at the start|sichtbar|표시|表示|화면|画面"
)
_REMARKS: Final = re.compile(rf"(?<![a-z])(?:{_LONG_WORDS}|{_BRIEF_WORDS}|{_OTHER_WORDS})")
_LASTING: Final = re.compile(rf"(?<![a-z])(?:{_LONG_WORDS})")
_BRIEF: Final = re.compile(rf"(?<![a-z])(?:{_BRIEF_WORDS})(?!\w*aste)|\d ?秒|\d ?초")
_FRAMES: Final = re.compile(r"(?:^|[\n/|;])\s*(?:frame|slide|story)\s*\d+\s*[:–-]", re.IGNORECASE)


@dataclass(slots=True)
class Surfaces:
    """The texts of a post by the place they are seen in, with what was noted about the picture."""

    written: list[tuple[Surface, SeenText]]
    picture: SeenText | None
    lasting: bool
    brief: bool


class Found:
    """What one pack sees in one post: labels in its texts and on its picture, and denials."""

    def __init__(self, check: CheckInput, pack: Pack) -> None:
        self.check = check
        self.pack = pack
        self.brand = brand_names(check.brand.name, check.brand.handles)
        self.column = check.relationship.column
        self.surfaces = self._split()
        self._language: str | None = None
        self.words = pack.reading(self.language)
        self.written = self._written()
        self.picture = self._picture()
        self.denials = self._denials()

    def _split(self) -> Surfaces:
        check = self.check
        if check.platform is Platform.YOUTUBE and check.format in {
            Format.VIDEO,
            Format.SHORT,
            Format.LIVE,
        }:
            title, _, description = check.caption.partition("\n")
            texts = [(Surface.TITLE, title), (Surface.DESCRIPTION, description)]
        else:
            texts = [(Surface.CAPTION, check.caption)]
        picture, noted = remarks(check.overlay_text, _REMARKS) if check.overlay_text else ("", [])
        return Surfaces(
            written=[(surface, read(text, self.brand)) for surface, text in texts if text.strip()],
            picture=read(picture, self.brand) if picture.strip() else None,
            lasting=any(_LASTING.search(n) and not _BRIEF.search(n) for n in noted),
            brief=any(_BRIEF.search(n) for n in noted),
        )

    def _hits(self, surface: Surface, seen: SeenText) -> list[Hit]:
        hits = find(self.pack, self.words, seen, surface, self.brand)
        turned = None if hits else read_mirrored(seen.original, self.brand)
        if turned is not None:
            hits = find(self.pack, self.words, turned, surface, self.brand)
        return hits

    def _written(self) -> list[Hit]:
        """Labels in the caption, title or description."""
        return [hit for surface, seen in self.surfaces.written for hit in self._hits(surface, seen)]

    def _picture(self) -> list[Hit]:
        """Labels on the picture or video."""
        if self.surfaces.picture is None:
            return []
        return self._hits(Surface.OVERLAY, self.surfaces.picture)

    def _denials(self) -> list[DenialHit]:
        """Denials on any surface."""
        texts = list(self.surfaces.written)
        if self.surfaces.picture is not None:
            texts.append((Surface.OVERLAY, self.surfaces.picture))
        return [
            denial
            for surface, seen in texts
            for denial in find_denials(self.words, seen, surface, self.column)
        ]

    @property
    def language(self) -> str | None:
        """Language of the post (ISO 639-1): as given, else guessed, else None."""
        if self._language is None:
            given = self.check.language
            self._language = languages.primary(given) if given else self._guess()
        return self._language

    def _guess(self) -> str | None:
        texts = [seen for _, seen in self.surfaces.written]
        longest = max(texts, key=lambda seen: len(seen.plain), default=None)
        return None if longest is None else languages.guess(longest, self.pack.file.language.own)

    @property
    def hits(self) -> list[Hit]:
        """Labels of all surfaces."""
        return [*self.written, *self.picture]

    def bare_frames(self) -> bool:
        """Whether a story is noted frame by frame and one that shows the brand carries no label."""
        seen = self.surfaces.picture
        if seen is None:
            return False
        starts = [m.start() for m in _FRAMES.finditer(seen.original)]
        if len(starts) < 2 or seen.origin is not None:
            return False
        ends = [*starts[1:], len(seen.plain)]
        return any(
            BRAND in seen.plain[a:b] and not any(a <= hit.start < b for hit in self.picture)
            for a, b in zip(starts, ends, strict=True)
        )

    def evidence(self, hit: Hit | DenialHit) -> Evidence:
        """A hit as it stands in the post. Positions of a description count within the caption."""
        start, end = hit.seen.span(hit.start, hit.end)
        shift = 0
        if hit.surface is Surface.DESCRIPTION:
            shift = self.check.caption.find("\n") + 1
        return Evidence(
            surface=hit.surface,
            start=start + shift,
            end=end + shift,
            text=hit.seen.original[start:end],
        )
