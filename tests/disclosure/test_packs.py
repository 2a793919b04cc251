"""The data files: complete, sourced, refused when they are wrong, and described in the documentation."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.disclosure import Brand, CheckInput, Outcome, Reason, available, check, load_pack
from domain.disclosure.pack_files import PackFile
from domain.disclosure.packs import Pack, compile_pack
from infra.disclosure_pages import FOLDER, pages

DOCS = (Path(__file__).parents[2] / "docs" / "disclosure.md").read_text()


def pack(code: str) -> Pack:
    found = load_pack(code)
    assert found is not None
    return found


@pytest.mark.parametrize("code", available())
def test_every_pack_has_sources_and_dates(code: str) -> None:
    file = pack(code).file
    assert file.sources
    assert all(source.url.startswith(("https://", "http://")) for source in file.sources)
    assert date.fromisoformat(file.valid_from) < date.fromisoformat(file.review_by)
    assert file.summary
    assert file.penalties


FILLER = {
    "de": "Dampf am Fenster, Ruhe im Haus.",
    "fr": "De la buée sur la vitre, le calme dans la maison.",
    "it": "Vapore sul vetro, silenzio in casa.",
    "es": "Vapor en la ventana, silencio en casa.",
    "nl": "Damp op het raam, stilte in huis.",
    "sv": "Imma på rutan, tyst i huset.",
    "da": "Damp på ruden, ro i huset.",
    "nb": "Damp på ruten, ro i huset.",
    "fi": "Höyryä ikkunassa, hiljaista kotona.",
    "pl": "Para na szybie, cisza w domu.",
    "ja": "窓に湯気、静かな家。",
    "ko": "창문에 김이 서리고 집은 조용해요.",
    "pt": "Vapor na janela, silêncio em casa.",
    "ga": "Gal ar an bhfuinneog, ciúnas sa teach.",
}


@pytest.mark.parametrize("code", available())
@pytest.mark.parametrize("relationship", ["paid", "gift", "affiliate", "gift_and_paid"])
def test_what_creators_are_told_to_write_passes(code: str, relationship: str) -> None:
    file = pack(code).file
    column = "paid" if relationship == "gift_and_paid" else relationship
    for language, texts in {file.language.own[0]: file.advice, **file.advice_in}.items():
        words = getattr(texts, column).replace("{brand}", "@kelpiekettles")
        post = CheckInput(
            platform="instagram",
            format="post",
            jurisdictions=(code,),
            relationship=relationship,
            brand=Brand(name="Kelpie Kettles", handles=("@kelpiekettles",)),
            caption=f"{words} {FILLER.get(language, 'Steam on the window, quiet in the house.')}",
            language=language,
        )
        verdict = check(post)
        assert verdict.verdict is Outcome.PASS, (words, verdict.reason)


def test_the_pages_of_all_jurisdictions_are_current() -> None:
    """`handsel disclosure pages` writes them from the packs."""
    for name, text in pages().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"run: handsel disclosure pages ({name})"
    assert {path.name for path in FOLDER.glob("*.md")} == set(pages())


def test_a_member_state_without_a_pack_is_judged_by_the_layer_under_all_and_never_passed() -> None:
    def post(code: str, caption: str) -> CheckInput:
        return CheckInput(
            platform="instagram",
            format="post",
            jurisdictions=(code,),
            relationship="paid",
            brand=Brand(name="Kelpie Kettles", handles=("@kelpiekettles",)),
            caption=caption,
            language="cs",
        )

    marked = check(post("CZ", "Reklama: ranní čaj s @kelpiekettles"))
    assert (marked.verdict, marked.reason) == (Outcome.NEEDS_REVIEW, Reason.NO_RULE_PACK)
    assert check(post("CZ", "Ranní čaj s @kelpiekettles")).verdict is Outcome.FAIL
    assert check(post("EU", "Reklama: ranní čaj s @kelpiekettles")).verdict is Outcome.PASS


@pytest.mark.parametrize("reason", sorted(Reason))
def test_the_documentation_explains_every_reason(reason: str) -> None:
    assert re.search(rf"^\| `{reason}` \|", DOCS, re.MULTILINE)


def test_a_pack_is_loaded_once_and_unknown_codes_have_none() -> None:
    assert load_pack("US") is load_pack("US")
    for code in ("AQ", "us ", "../../secrets", "", "U"):
        assert load_pack(code) is None


def test_a_pack_with_an_unknown_field_or_meaning_is_refused() -> None:
    data = pack("US").file.model_dump()
    with pytest.raises(ValidationError, match="surprise"):
        PackFile.model_validate(data | {"surprise": 1})
    label = data["label"][0] | {"concept": "en.no_such_meaning"}
    with pytest.raises(ValueError, match=r"en\.no_such_meaning"):
        compile_pack(PackFile.model_validate(data | {"label": (*data["label"], label)}))


def test_another_jurisdiction_is_data_only() -> None:
    """A pack that bans 'sponsored' and trusts the platform's label changes the verdicts accordingly."""
    data = pack("US").file.model_dump()
    labels = [
        label | {"standing": "insufficient", "why": "it is not on the list"}
        if label["concept"] in {"en.sponsored", "en.sponsored_by"}
        else label
        for label in data["label"]
    ]
    changed = data | {"code": "XX", "label": labels, "platform_label_alone": "pass"}
    other = compile_pack(PackFile.model_validate(changed))
    assert other.version != pack("US").version

    def verdict(caption: str, platform_label: bool = False) -> tuple[str, str]:
        post = CheckInput(
            platform="instagram",
            format="post",
            jurisdictions=("XX",),
            relationship="paid",
            brand=Brand(name="Kelpie Kettles", handles=("@kelpiekettles",)),
            caption=caption,
            platform_label=platform_label,
        )
        found = check(post, {"XX": other})
        return found.verdict.value, found.reason.value

    assert verdict("Sponsored by @kelpiekettles: soup for nine.") == ("fail", "ambiguous_label")
    assert verdict("#ad soup for nine @kelpiekettles") == ("pass", "ok")
    assert verdict("Soup for nine @kelpiekettles", platform_label=True) == ("pass", "ok")
