"""What must and what must not change a verdict, in every language that a jurisdiction asks for.

Each market gives one label that it accepts, and a text in its language; the variations are generated.
"""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.disclosure import Brand, CheckInput, Outcome, Reason, available, check, load_pack
from domain.disclosure.lexicons import languages, load_lexicon
from tests.disclosure.test_packs import FILLER

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INVISIBLE = st.sampled_from(["\u200b", "\u200c", "\u2060", "\ufeff", "\u00ad"])
EMOJI = st.sampled_from(["✨", "🍵", "❤️", "🔥", "🫖", "👩‍🍳"])
BRANDS = st.sampled_from(
    [("Kelpie Kettles", "@kelpiekettles"), ("Otter", "@otter.tea"), ("Žabka & Co", "@zabka_co")]
)
TAGS = ["#tea", "#home", "#slow", "#sunday", "#copper"]
DENIALS = {
    "en": "This is not an ad.",
    "de": "Das ist keine Werbung.",
    "fr": "Ceci n'est pas une publicité.",
    "it": "Questa non è pubblicità.",
    "es": "Esto no es publicidad.",
    "nl": "Dit is geen reclame.",
    "sv": "Det här är inte reklam.",
    "da": "Det her er ikke reklame.",
    "nb": "Dette er ikke reklame.",
    "fi": "Tämä ei ole mainos.",
    "pl": "To nie jest reklama.",
    "pt": "Isso não é publicidade.",
    "ja": "これは広告ではありません。",
    "ko": "이건 광고 아닙니다.",
}
MARKETS = st.sampled_from([code for code in available() if code != "EU"])


def marked(code: str, brand: tuple[str, str], between: str = " ", **more: object) -> CheckInput:
    """A paid post with the words that the market's creators are told to write, first."""
    pack = load_pack(code)
    assert pack is not None
    language = pack.file.language.own[0]
    words = pack.file.advice.paid.replace("{brand}", brand[1])
    filler = FILLER.get(language, "Steam on the window, quiet in the house.")
    data = {
        "platform": "instagram",
        "format": "post",
        "jurisdictions": (code,),
        "relationship": "paid",
        "brand": Brand(name=brand[0], handles=(brand[1],)),
        "caption": f"{words}{between}{filler} {brand[1]}",
        "language": language,
    }
    return CheckInput.model_validate({**data, **more})


def outcome(post: CheckInput, caption: str) -> tuple[Outcome, Reason]:
    verdict = check(post.model_copy(update={"caption": caption}))
    return verdict.verdict, verdict.reason


@QUICK
@given(MARKETS, BRANDS, st.data())
def test_a_leading_label_passes_whatever_surrounds_it(
    code: str, brand: tuple[str, str], data: st.DataObject
) -> None:
    post = marked(code, brand)
    assert outcome(post, post.caption)[0] is Outcome.PASS
    text = post.caption
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(INVISIBLE) + text[at:]
    assert outcome(post, text)[0] is Outcome.PASS, text
    emoji = data.draw(EMOJI)
    assert outcome(post, f"{emoji} {post.caption} {emoji}")[0] is Outcome.PASS
    assert outcome(post, f"{post.caption}\n\n{' '.join(TAGS)}")[0] is Outcome.PASS
    assert outcome(post, marked(code, brand, between="\n").caption)[0] is Outcome.PASS
    assert outcome(post, unicodedata.normalize("NFD", post.caption))[0] is Outcome.PASS


@QUICK
@given(MARKETS, BRANDS)
def test_a_denial_in_the_language_of_the_post_takes_the_label_back(code: str, brand: tuple[str, str]) -> None:
    post = marked(code, brand)
    assert post.language is not None
    assert outcome(post, f"{post.caption} {DENIALS[post.language]}") == (Outcome.FAIL, Reason.DENIAL)


@QUICK
@given(MARKETS, BRANDS, st.integers(4, 30))
def test_a_label_behind_the_fold_or_among_hashtags_fails(
    code: str, brand: tuple[str, str], count: int
) -> None:
    post = marked(code, brand)
    filler = FILLER.get(post.language or "en", "Steam on the window, quiet in the house.")
    assert outcome(post, " ".join([filler] * 20) + " " + post.caption)[0] is Outcome.FAIL
    tags = " ".join(f"#x{i}y" for i in range(count))
    pack = load_pack(code)
    assert pack is not None
    label = load_lexicon(pack.file.language.own[0]).label
    buried = outcome(post, f"{filler} {tags} #{label} #z1 #z2")
    assert buried == (Outcome.FAIL, Reason.BURIED_IN_HASHTAGS)


@QUICK
@given(MARKETS, BRANDS)
def test_without_a_label_nothing_passes(code: str, brand: tuple[str, str]) -> None:
    post = marked(code, brand)
    filler = FILLER.get(post.language or "en", "Steam on the window, quiet in the house.")
    assert outcome(post, f"{filler} {brand[1]}") == (Outcome.FAIL, Reason.MISSING)


@pytest.mark.parametrize("language", [language for language in languages() if language in FILLER])
def test_the_language_of_a_post_is_told_from_its_text(language: str) -> None:
    """A label in another language is seen as such although nobody said what the language is."""
    text = {
        "de": "Wir haben heute im Garten gefrühstückt und es war endlich nicht mehr kalt.",
        "fr": "On a mangé dans le jardin ce matin et il ne faisait plus froid du tout.",
        "it": "Questa mattina abbiamo fatto colazione nel giardino e non era più freddo.",
        "es": "Esta mañana hemos desayunado en el jardín y por fin no hacía frío.",
        "nl": "We hebben vanmorgen in de tuin ontbeten en het was eindelijk niet meer koud.",
        "sv": "Vi åt frukost i trädgården och det var äntligen inte kallt längre.",
        "da": "Vi spiste morgenmad i haven, og det var endelig ikke koldt mere. Jeg var så glad.",
        "nb": "Vi spiste frokost i hagen, og det var endelig ikke kaldt lenger. Jeg var så glad nå.",
        "fi": "Söimme aamupalaa puutarhassa eikä ollut enää kylmä, niin ihanaa se oli.",
        "pl": "Jedliśmy śniadanie w ogrodzie i nareszcie nie było już zimno.",
        "pt": "Tomamos café no jardim hoje e não estava mais frio, que delícia.",
        "ja": "今朝は庭で朝ごはんを食べました。もう寒くなかった。",
        "ko": "오늘 아침은 정원에서 먹었어요. 이제 춥지 않네요.",
        "ga": "Bhí bricfeasta againn sa ghairdín agus ní raibh sé fuar.",
    }[language]
    base = marked("US", ("Kelpie Kettles", "@kelpiekettles"), language=None)
    assert outcome(base, f"#ad {text} @kelpiekettles") == (Outcome.FAIL, Reason.WRONG_LANGUAGE)
