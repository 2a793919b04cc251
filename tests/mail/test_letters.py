"""Every e-mail, as its reader sees it: complete, plain, safe, and the same in both forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from activities.letter_format import by, locale_of, money, zone_title
from activities.letters import FOLDER, Letter, render
from domain.money import Money
from domain.notices import NoticeKind
from domain.offer import CampaignType
from infra.cli.mail_samples import sample, samples

EVERY = [(kind, type_, context) for kind in NoticeKind for type_, context in samples(kind)]
IDS = [f"{kind}-{type_}" for kind, type_, _ in EVERY]
MOMENTS = ("due_at", "review_by", "remedy_by", "live_until", "pay_by", "paid_at")
VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Seen(HTMLParser):
    """The parts of a page that matter here."""

    texts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open_: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag not in VOID:
            self.open_.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open_ and self.open_.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"style", "title"} & set(self.open_):
            self.texts.append(" ".join(data.split()))


def seen(letter: Letter) -> Seen:
    found = Seen()
    found.feed(letter.html)
    return found


def words(text: str) -> str:
    """The letters and digits of a text, so that two layouts of it can be compared."""
    return "".join(re.findall(r"\w+", text))


@pytest.fixture(params=EVERY, ids=IDS)
def written(request: pytest.FixtureRequest) -> tuple[Any, Letter]:
    kind, _, context = request.param
    return context, render(kind, context)


def test_there_is_one_letter_for_each_kind_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.letter")} == {kind.value for kind in NoticeKind}


def test_a_letter_is_fit_for_a_phone_and_for_the_dark(written: tuple[Any, Letter]) -> None:
    page = seen(written[1])
    metas = {attrs.get("name"): attrs.get("content") for tag, attrs in page.tags if tag == "meta"}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"
    assert "prefers-color-scheme: dark" in written[1].html
    styles = [attrs.get("style") or "" for tag, attrs in page.tags if tag == "td"]
    assert any("font-size:16px" in style for style in styles)


def test_a_letter_loads_and_tracks_nothing(written: tuple[Any, Letter]) -> None:
    page = seen(written[1])
    assert not {"img", "link", "script", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert "url(" not in written[1].html
    assert "@import" not in written[1].html


def test_a_letter_has_one_clear_action(written: tuple[Any, Letter]) -> None:
    context, letter = written
    page = seen(letter)
    buttons = [attrs for tag, attrs in page.tags if tag == "a" and attrs.get("class") == "button"]
    assert len(buttons) == 1
    assert buttons[0]["href"] in (context.link, context.payment_link)
    assert buttons[0]["href"] in page.texts, "the bare address stands below the button"


def test_the_plain_text_says_all_that_the_html_says(written: tuple[Any, Letter]) -> None:
    _, letter = written
    page = seen(letter)
    everything = words(letter.text)
    preview = page.texts[0]
    bare = "Or open this address"
    missing = [one for one in page.texts if words(one) not in everything and bare not in one]
    assert missing in ([], [preview])
    assert all(link in letter.text for link in page.links)


def test_links_lead_to_us_the_carrier_or_the_post_and_nowhere_else(written: tuple[Any, Letter]) -> None:
    context, letter = written
    known = {context.link, context.payment_link, context.unsubscribe_link, context.parcel.tracking_url}
    assert set(seen(letter).links) <= known | {fix.url for fix in context.fixes}
    assert "stripe.com" not in letter.html + letter.text


def test_the_brand_comes_first_and_the_foot_says_who_why_and_how_to_stop(written: tuple[Any, Letter]) -> None:
    context, letter = written
    assert letter.text.startswith(context.brand_name)
    assert seen(letter).texts[1] == context.brand_name
    foot = letter.text.partition("\n--\n")[2]
    assert "You get this because" in foot
    assert "Lindengasse 4, 1070 Vienna, Austria" in foot
    assert context.unsubscribe_link in foot
    assert "yours alone" in foot


def test_subjects_are_short_and_one_line(written: tuple[Any, Letter]) -> None:
    subject = written[1].subject
    assert 0 < len(subject) <= 60
    assert "\n" not in subject


def test_no_text_is_left_over_from_the_template(written: tuple[Any, Letter]) -> None:
    _, letter = written
    for form in (letter.subject, letter.text, letter.html.partition("<body")[2]):
        assert not re.search(r"{%|%}|{{|}}|\bNone\b|Undefined|  \.", form)
    sentences = [one for one in seen(letter).texts if one[0].isalpha() and one[-1] in ".?!"]
    assert not [one for one in sentences if re.search(r"[.?!][A-Z]|\s[.,?!]", one)]


@pytest.mark.parametrize(("kind", "type_", "context"), EVERY, ids=IDS)
def test_a_letter_can_be_written_when_a_deadline_has_gone(kind: NoticeKind, type_: Any, context: Any) -> None:
    letter = render(kind, context.model_copy(update=dict.fromkeys(MOMENTS)))
    assert context.link in letter.text


@pytest.mark.parametrize("kind", [kind for kind, type_, _ in EVERY if type_ is CampaignType.GIFTING])
def test_a_plain_gift_owes_nothing(kind: NoticeKind) -> None:
    text = render(kind, sample(kind, CampaignType.GIFTING)).text
    for demand in ("is due", "due by", "fee", "advertising, and", "your draft"):
        assert demand not in text


@pytest.mark.parametrize("kind", NoticeKind)
def test_who_is_not_paid_reads_nothing_of_money_to_come(kind: NoticeKind) -> None:
    for type_, context in samples(kind):
        if not type_.pays:
            assert "220" not in render(kind, context).text
            assert "paid" not in render(kind, context).text.replace("not in paid advertising", "")


def test_markup_in_a_name_stays_a_name() -> None:
    context = sample(
        NoticeKind.CHANGES_REQUESTED,
        CampaignType.PAID,
        reader_name="<b>Mia</b> & Co",
        feedback="<script>alert(1)</script>\nSecond line",
    )
    letter = render(NoticeKind.CHANGES_REQUESTED, context)
    assert "Hello &lt;b&gt;Mia&lt;/b&gt; &amp; Co," in letter.html
    assert "<script" not in letter.html
    assert "Hello <b>Mia</b> & Co," in letter.text
    assert "> <script>alert(1)</script>\n> Second line" in letter.text


def test_a_line_break_in_a_campaigns_name_does_not_reach_the_subject() -> None:
    context = sample(NoticeKind.FRESH_LINK, CampaignType.PAID, campaign_name="Winter\r\nBcc: all@example.com")
    assert render(NoticeKind.FRESH_LINK, context).subject == "Your new link: Winter Bcc: all@example.com"


def test_the_right_words_are_told_for_gifts_and_for_fees() -> None:
    gift = render(NoticeKind.DELIVERED, sample(NoticeKind.DELIVERED, CampaignType.GIFTING)).text
    paid = render(NoticeKind.DELIVERED, sample(NoticeKind.DELIVERED, CampaignType.GIFTING_PAID)).text
    assert "“Lumen & Oak gave me this for free”" in gift
    assert "advertising" in paid
    assert "“#ad”" in paid


def test_the_accepted_letter_names_the_text_and_its_hash() -> None:
    context = sample(NoticeKind.ACCEPTED, CampaignType.PAID)
    letter = render(NoticeKind.ACCEPTED, context)
    for form in (letter.text, letter.html):
        assert context.terms_sha256 in form
        assert "terms-winter-glow.txt" in form


def test_a_fix_says_what_to_write_where_and_by_when() -> None:
    text = render(NoticeKind.DISCLOSURE_FIX, sample(NoticeKind.DISCLOSURE_FIX, CampaignType.PAID)).text
    assert "The exact words: #ad" in text
    assert "Where: on the screen in the first seconds" in text
    assert "https://www.instagram.com/reel/C8xyz123/" in text
    assert "by the end of Friday, 6 March 2026 (Central European Time)" in text


END = datetime(2026, 3, 25, 2, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "country", "zone", "moment", "expected"),
    [
        ("en-US", "US", "America/Halifax", END, "the end of Tuesday, March 24, 2026 (Atlantic Time)"),
        ("pt-BR", "BR", "America/Sao_Paulo", END, "the end of Tuesday, 24 March 2026 (Brasilia Time)"),
        ("de-AT", "AT", "Europe/Vienna", END, "Wednesday, 25 March 2026, 03:59 (Central European Time)"),
        ("ja", "JP", "Asia/Tokyo", END, "Wednesday, 25 March 2026, 11:59\u202fam (Japan Time)"),
        ("es", "AR", "America/Argentina/Cordoba", END, "the end of Tuesday, 24 March 2026 (Cordoba time)"),
        ("en", "GB", "UTC", END, "Wednesday, 25 March 2026, 02:59 (UTC)"),
    ],
)  # fmt: skip
def test_a_deadline_is_told_in_the_readers_own_day(
    language: str, country: str, zone: str, moment: datetime, expected: str
) -> None:
    assert by(moment, locale_of(language, country), zone) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "expected"),
    [
        (123_450, "USD", "en_US", "$1,234.50"),
        (123_450, "EUR", "en_AT", "€\xa01.234,50"),
        (1_234, "JPY", "en_001", "JP¥1,234"),
        (1_234_500, "KWD", "en_001", "KWD1,234.500"),
    ],
)
def test_money_is_written_in_its_own_decimals(amount: int, currency: str, locale: str, expected: str) -> None:
    assert money(Money(amount=amount, currency=currency), locale) == expected


def test_every_zone_has_a_name_that_people_use() -> None:
    for name in ("Europe/Kyiv", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Lagos", "Pacific/Chatham"):
        title = zone_title(name, "en_001")
        assert title.lower().endswith("time")
        assert not re.search(r"[+(/_]", title)
