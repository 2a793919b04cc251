"""The page of each jurisdiction in docs/disclosure, written from its rule pack.

A person reads there what the engine goes by, how sure each rule is and where it comes from. The pages are
never edited by hand: `handsel disclosure pages` writes them, and a test holds them to the packs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain.disclosure.lexicons import load_lexicon
from domain.disclosure.pack_files import COLUMNS, Confidence, LabelEntry, PackFile, PhraseEntry, WordEntry
from domain.disclosure.packs import available, load_pack

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "disclosure"

_SURE: Final[dict[Confidence, str]] = {
    "verified": "read in the source",
    "verified_secondary": "read in a summary",
    "verified_opening_only": "only the opening was read",
    "general": "general knowledge, not confirmed",
}
_OUTCOME: Final = {"pass": "passes", "fail": "fails", "needs_review": "goes to a person"}
_STANDING: Final = {"accepted": "Accepted", "review": "Seen by a person", "insufficient": "Not enough"}
_KINDS: Final = {
    "ad": "plain words for advertising",
    "paid": "words for payment or sponsorship",
    "gift": "words for a gift",
    "commission": "words for a commission",
    "hint": "mere hints",
}
_EXAMPLES: Final = 6


def pages() -> dict[str, str]:
    """The text of every page, by its file name."""
    packs = [pack for code in available() if (pack := load_pack(code)) is not None]
    return {f"{pack.code}.md": _page(pack.file) for pack in packs}


def write(folder: Path = FOLDER) -> list[Path]:
    """Write all pages; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _page(file: PackFile) -> str:
    parts = [
        f"# {file.name}",
        "Written from the rule pack by `handsel disclosure pages`; not legal advice. "
        "[How verdicts come about, and what the engine cannot know](../disclosure.md).",
        file.summary,
        _table(
            ("", ""),
            [
                ("pack", f"{file.code} {file.version}, used from {file.valid_from}"),
                ("to be read again by", file.review_by),
                ("confidence on the whole", _SURE[file.confidence]),
                ("regulators", ", ".join(file.regulators)),
                ("in force", file.in_force),
                ("penalties, to be checked before quoting", file.penalties),
            ],
        ),
        *(_labels(file, standing) for standing in _STANDING),
        "## Wording that is not named above",
        _table(
            ("it is", "and"),
            [(words, _standing_of(getattr(file.unlisted, kind))) for kind, words in _KINDS.items()],
        ),
        "## Language, place, video",
        _table(("rule", "", "how sure"), _rules(file)),
        "## What creators are told to write",
        _table(
            ("language", "paid", "gift", "affiliate"),
            [
                (language, f"`{texts.paid}`", f"`{texts.gift}`", f"`{texts.affiliate}`")
                for language, texts in {file.language.own[0]: file.advice, **file.advice_in}.items()
            ],
        ),
    ]
    if file.doubts:
        parts += ["## Where we are not sure", "\n".join(f"- {doubt}" for doubt in file.doubts)]
    parts += [
        "## Sources",
        _table(
            ("source", "how sure"),
            [(f"[{_cell(s.title)}]({s.url})", _SURE[s.confidence]) for s in file.sources],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _standing_of(standing: str) -> str:
    return {"accepted": "accepted", "review": "seen by a person", "insufficient": "not enough"}[standing]


def _labels(file: PackFile, standing: str) -> str:
    rows = [_label(label) for label in file.label if label.standing == standing]
    for joined in file.joined:
        if joined.standing == standing:
            forms = [f"#{{brand}}{suffix}" for suffix in joined.suffixes[:4]]
            sure = _SURE[joined.confidence]
            rows.append((", ".join(forms), "joined tag", ", ".join(joined.relationship), sure, joined.why))
    if not rows:
        return f"## {_STANDING[standing]}\n\nNothing is named."
    return f"## {_STANDING[standing]}\n\n" + _table(("wording", "meaning", "for", "how sure", "why"), rows)


def _label(label: LabelEntry) -> tuple[str, str, str, str, str]:
    language, _, meaning = label.concept.partition(".")
    lexicon = load_lexicon(language)
    entries: list[WordEntry | PhraseEntry] = [*lexicon.word, *lexicon.phrase]
    entry = next(entry for entry in entries if entry.id == meaning)
    columns = COLUMNS[entry.kind] if label.relationship is None else label.relationship
    if isinstance(entry, WordEntry):
        words = ", ".join([*entry.forms, *(f"#{tag}" for tag in entry.tags)][:_EXAMPLES])
    else:
        words = "phrase: " + meaning.replace("_", " ")
    notes = [label.why]
    if label.hashtag == "required":
        notes.append("the hash sign is required")
    if label.beside_brand:
        notes.append("the brand has to stand beside it")
    if "*" in label.languages:
        notes.append("on posts in any language")
    why = "; ".join(note for note in dict.fromkeys(notes) if note)
    return words, f"{lexicon.language}: {meaning}", ", ".join(columns), _SURE[label.confidence], why


def _rules(file: PackFile) -> list[tuple[str, str, str]]:
    rule, video, place = file.language, file.video, file.placement
    own = ", ".join(rule.own)
    rows = [
        (f"a post in {own}, its label in another language", _OUTCOME[rule.mismatch], _SURE[rule.confidence]),
        (
            "a post in another language, its label in the same",
            _OUTCOME[rule.abroad_same],
            _SURE[rule.confidence],
        ),
        (
            "a post in another language, its label in yet another",
            _OUTCOME[rule.abroad_other],
            _SURE[rule.confidence],
        ),
        (
            "only the platform's own label",
            _OUTCOME[file.platform_label_alone],
            _SURE[file.platform_label_confidence],
        ),
        ("first in a row of four or more hashtags", _OUTCOME[place.first_in_block], _SURE[place.confidence]),
        (
            "only on the picture of a feed post",
            _OUTCOME[file.post_overlay_only],
            "general knowledge, not confirmed",
        ),
        ("video, label only in the caption", _OUTCOME[video.caption_only], _SURE[video.confidence]),
        ("video, label only in a YouTube title", _OUTCOME[video.youtube_title], _SURE[video.confidence]),
        ("video, shown or spoken but not both", _OUTCOME[video.one_of_two], _SURE[video.confidence]),
    ]
    if place.not_first_word.value != "pass":
        rows.append(("not the first word", _OUTCOME[place.not_first_word], _SURE[place.confidence]))
    if place.first_tags > 1:
        rows.append((f"among the first {place.first_tags} hashtags", "passes", _SURE[place.confidence]))
    if place.last_in_block.value != "fail":
        rows.append(("last in a row of hashtags", _OUTCOME[place.last_in_block], _SURE[place.confidence]))
    rows += [(note, "", _SURE[place.confidence]) for note in place.notes]
    rows += [(note, "", "") for note in (file.platform_label_note, video.note) if note]
    return rows


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
