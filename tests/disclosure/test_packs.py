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

DOCS = (Path(__file__).parents[2] / "docs" / "disclosure.md").read_text()


def pack(code: str) -> Pack:
    found = load_pack(code)
    assert found is not None
    return found


@pytest.mark.parametrize("code", available())
def test_every_pack_has_sources_dates_and_advice_that_passes(code: str) -> None:
    found = pack(code)
    assert found.file.sources
    assert all(source.url.startswith("https://") for source in found.file.sources)
    assert date.fromisoformat(found.file.valid_from) < date.fromisoformat(found.file.review_by)
    for relationship in ("paid", "gift", "affiliate", "gift_and_paid"):
        column = "paid" if relationship == "gift_and_paid" else relationship
        words = getattr(found.file.advice, column).replace("{brand}", "@kelpiekettles")
        post = CheckInput(
            platform="instagram",
            format="post",
            jurisdictions=(code,),
            relationship=relationship,
            brand=Brand(name="Kelpie Kettles", handles=("@kelpiekettles",)),
            caption=f"{words} Steam on the window, quiet in the house.",
            language="en",
        )
        assert check(post).verdict is Outcome.PASS


@pytest.mark.parametrize("code", available())
def test_the_documentation_names_every_pack_with_its_dates(code: str) -> None:
    file = pack(code).file
    assert f"## {file.name}" in DOCS
    assert file.version in DOCS
    assert file.review_by in DOCS


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
