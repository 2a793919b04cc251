"""What must not change a verdict, and what must: checked on generated variations of many captions."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.disclosure import Brand, CheckInput, Outcome, Reason, Verdict, check, from_record, input_sha256

CASES = [json.loads(line) for line in (Path(__file__).parent / "us_cases.jsonl").read_text().splitlines()]
POSTS = [from_record(case) for case in CASES]
PLAIN = [post for post in POSTS if post.caption.isascii() and post.caption]
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

INVISIBLE = st.sampled_from(["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"])
EMOJI = st.sampled_from(["✨", "🍵", "❤️", "🔥", "👀", "🫖"])
WORDS = st.sampled_from(["rain", "copper", "slow", "sunday", "window", "soup", "warm", "river", "quiet"])


def post(caption: str, **more: object) -> CheckInput:
    base = {
        "platform": "instagram",
        "format": "post",
        "jurisdictions": ("US",),
        "relationship": "paid",
        "brand": Brand(name="Kelpie Kettles", handles=("@kelpiekettles",)),
        "caption": caption,
        "language": "en",
    }
    return CheckInput.model_validate({**base, **more})


def same(one: Verdict, other: Verdict) -> bool:
    return (one.verdict, one.reason) == (other.verdict, other.reason)


@QUICK
@given(st.sampled_from(PLAIN), st.data())
def test_invisible_characters_change_nothing(original: CheckInput, data: st.DataObject) -> None:
    text = original.caption
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(INVISIBLE) + text[at:]
    assert same(check(original), check(original.model_copy(update={"caption": text})))


@QUICK
@given(st.sampled_from(PLAIN), st.sampled_from([0x1D400, 0x1D5A0, 0x1D5D4, 0x1D608, 0x1D670]))
def test_legible_styled_letters_change_nothing(original: CheckInput, base: int) -> None:
    styled = "".join(
        chr(base + ord(c) - 65) if "A" <= c <= "Z" else chr(base + 26 + ord(c) - 97) if "a" <= c <= "z" else c
        for c in original.caption
    )
    assert same(check(original), check(original.model_copy(update={"caption": styled})))


@QUICK
@given(
    st.sampled_from(["#ad", "[Ad]", "AD |", "Sponsored by @kelpiekettles."]),
    EMOJI,
    st.lists(WORDS, max_size=8),
)
def test_emoji_around_a_leading_label_change_nothing(label: str, emoji: str, words: list[str]) -> None:
    rest = " ".join([*words, "tea with @kelpiekettles is here"])
    assert check(post(f"{label} {rest}")).verdict is Outcome.PASS
    assert check(post(f"{emoji}{label}{emoji} {rest} {emoji}")).verdict is Outcome.PASS
    assert check(post(f"{emoji} {label} {rest}")).verdict is Outcome.PASS


@QUICK
@given(st.lists(WORDS, min_size=2, max_size=10, unique=True))
def test_words_and_tags_that_only_contain_the_letters_never_pass(words: list[str]) -> None:
    caption = " ".join(words) + " shadow adulting @kelpiekettles #adore #salad #roadtrip"
    assert check(post(caption)).reason is Reason.MISSING


@QUICK
@given(st.integers(3, 12), st.integers(1, 11))
def test_a_label_among_hashtags_is_buried_unless_it_is_the_first(count: int, place: int) -> None:
    tags = [f"#tag{i}" for i in range(count)]
    place = min(place, count)
    tags.insert(place, "#ad")
    assert check(post("Tea time! " + " ".join(tags))).reason is Reason.BURIED_IN_HASHTAGS
    assert check(post("Tea time! " + " ".join(tags))).verdict is Outcome.FAIL


@QUICK
@given(st.integers(0, 60))
def test_later_is_never_better(words: int) -> None:
    """Moving a label further down the caption never makes the verdict milder."""
    rank = {Outcome.PASS: 0, Outcome.NEEDS_REVIEW: 1, Outcome.FAIL: 2}
    filler = ["river"] * words
    sooner = post(" ".join([*filler, "#ad tea by @kelpiekettles is here"]))
    later = post(" ".join([*filler, "river", "#ad tea by @kelpiekettles is here"]))
    assert rank[check(sooner).verdict] <= rank[check(later).verdict]


@QUICK
@given(st.integers(0, 250))
def test_the_fold_stands_where_the_rules_say(length: int) -> None:
    verdict = check(post("x" * length + " #ad tea for @kelpiekettles and all"))
    start = length + 1
    expected = Outcome.PASS if start < 100 else Outcome.NEEDS_REVIEW if start < 180 else Outcome.FAIL
    assert verdict.verdict is expected


@QUICK
@given(
    st.sampled_from([p for p in PLAIN if "@kelpiekettles" in p.caption and p.brand.name == "Kelpie Kettles"]),
    st.sampled_from([("Brightwell", "@brightwell"), ("Otter & Oak", "@otterandoak"), ("Zuzu", "@zuzu.co")]),
)
def test_another_brand_in_the_same_words_gets_the_same_verdict(
    original: CheckInput, brand: tuple[str, str]
) -> None:
    name, handle = brand
    squeezed = "".join(c for c in name if c.isalnum())
    caption = original.caption.replace("@kelpiekettles", handle)
    caption = caption.replace("KelpieKettles", squeezed).replace("Kelpie Kettles", name)
    overlay = original.overlay_text
    if overlay is not None:
        overlay = overlay.replace("@kelpiekettles", handle).replace("Kelpie Kettles", name)
    if "Kelpie" in caption or abs(len(caption) - len(original.caption)) > 60:
        return
    other = original.model_copy(
        update={
            "caption": caption,
            "overlay_text": overlay,
            "brand": Brand(name=name, handles=(handle,)),
        }
    )
    assert same(check(original), check(other))


@QUICK
@given(
    st.sampled_from(PLAIN),
    st.sampled_from(["This is not an ad.", "#notsponsored", "I wasn't paid for this.", "Not sponsored!"]),
)
def test_a_denial_is_never_passed(original: CheckInput, denial: str) -> None:
    if original.relationship != "paid":
        return
    caption = f"{original.caption.rstrip('.! ')}. {denial}"
    verdict = check(original.model_copy(update={"caption": caption}))
    assert (verdict.verdict, verdict.reason) == (Outcome.FAIL, Reason.DENIAL)


@QUICK
@given(st.text(max_size=400), st.text(max_size=80), st.sampled_from(["paid", "gift", "affiliate"]))
def test_any_text_gets_an_answer_whose_evidence_is_in_it(caption: str, overlay: str, kind: str) -> None:
    for platform, form in [("instagram", "post"), ("instagram", "story"), ("youtube", "video")]:
        given_ = post(
            caption,
            platform=platform,
            format=form,
            relationship=kind,
            overlay_text=overlay or None,
            language=None,
        )
        verdict = check(given_)
        assert verdict == check(given_)
        for evidence in verdict.evidence:
            text = given_.overlay_text if evidence.surface == "overlay_text" else caption
            assert text is not None
            assert 0 <= evidence.start < evidence.end <= len(text)


def test_the_strictest_jurisdiction_wins_and_an_unknown_one_is_never_passed() -> None:
    good = post("#ad Tea with @kelpiekettles this morning")
    assert check(good).verdict is Outcome.PASS
    both = check(good.model_copy(update={"jurisdictions": ("US", "AQ")}))
    assert (both.verdict, both.reason) == (Outcome.NEEDS_REVIEW, Reason.NO_RULE_PACK)
    assert [finding.jurisdiction for finding in both.findings] == ["US", "AQ"]
    worse = post("Tea with @kelpiekettles", jurisdictions=("AQ", "US"))
    assert (check(worse).verdict, check(worse).jurisdiction) == (Outcome.FAIL, "US")


def test_platform_terms_warn_and_never_decide() -> None:
    without = check(post("#ad Tea with @kelpiekettles today", platform_label=False))
    with_it = check(post("#ad Tea with @kelpiekettles today", platform_label=True))
    assert without.verdict is with_it.verdict is Outcome.PASS
    assert any("Paid partnership" in warning for warning in without.warnings)
    assert with_it.warnings == ()


def test_input_hash_is_the_same_for_the_same_input_only() -> None:
    one, two = post("#ad tea"), post("#ad tea")
    assert input_sha256(one) == input_sha256(two)
    assert input_sha256(one) != input_sha256(post("#ad tea "))


def test_fixed_post_passes() -> None:
    """What the engine tells a creator to do must be enough."""
    for case, original in zip(CASES, POSTS, strict=True):
        verdict = check(original)
        if verdict.change is None or verdict.reason is Reason.DENIAL or original.format != "post":
            continue
        if verdict.reason is Reason.LABEL_OTHER_BRAND:
            continue
        if verdict.change.sentence.startswith("Move"):
            text = original.caption.replace(verdict.change.words, "", 1)
        else:
            text = original.caption
        mended = original.model_copy(update={"caption": f"{verdict.change.words} {text}"})
        assert check(mended).verdict is Outcome.PASS, case["id"]


@pytest.mark.parametrize(
    "hostile", ["free " * 4000, "not " * 5000, "@a " * 6000, "#a" * 10000, "sponsored by " * 1500]
)
def test_hostile_captions_are_answered_quickly(hostile: str) -> None:
    started = time.process_time()
    check(post(hostile[:20_000], relationship="gift"))
    assert time.process_time() - started < 3
