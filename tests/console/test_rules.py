"""Approval rules, account codes and yearly totals on the staff's pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from activities.rules import rules_of
from domain.roles import Actor, Role
from infra.settings import Settings
from infra.tables import AuditFact, Creator, Member, Variant
from tests.console.conftest import hidden_fields
from tests.console.test_payouts import words
from tests.console.walk import Insider
from tests.records.finance import person, set_rules
from tests.records.office import Office

As = Callable[[Actor], Insider]
RULES = "/console/approval-rules"
CODES = "/console/account-codes"
YEARS = "/console/yearly-totals"


@pytest.fixture
def office(sessions: sessionmaker[Session], app: FastAPI) -> Office:
    office = Office(sessions, app.state.vault)
    office.clock = datetime.now(UTC) - timedelta(minutes=5)
    office.open(cost=1450)
    return office


@pytest.fixture
def signed_in(app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> As:
    return lambda actor: Insider(app, sessions, settings, actor.id)


def form(here: Insider, path: str) -> dict[str, str]:
    """The form of this page as it is shown: hidden fields, what is typed, chosen and ticked."""
    text = here.client.get(path).text
    fields = hidden_fields(text, path)
    for tag in re.findall(r"<input [^>]*>", text.partition("<main")[2]):
        said = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if said.get("type") == "text" or (said.get("type") == "checkbox" and " checked" in tag):
            fields[said["name"]] = said["value"]
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen.group(1) if chosen else re.findall(r'value="([^"]*)"', options)[0]
    return fields


def facts(office: Office, event: str) -> int:
    with office.sessions() as session:
        query = select(AuditFact.id).where(AuditFact.brand_id == office.brand_id, AuditFact.event == event)
        return len(session.scalars(query).all())


TIERS = {
    "tier-0-currency": "usd",
    "tier-0-above": "1,000.00",
    "tier-0-approvals": "2",
    "tier-0-owner": "yes",
    "tier-2-currency": "USD",
    "tier-2-above": "200",
    "tier-2-approvals": "1",
    "other_currencies": "1",
    "when": "daily",
    "at": "09:30",
}


def test_an_owner_sets_tiers_limits_and_the_run(office: Office, signed_in: As) -> None:
    ida = person(office)
    owner = signed_in(person(office, Role.OWNER))
    assert "There are no rules: payments go without approval." in words(owner.client.get(RULES).text)
    limits = {"limit-0-whose": "finance", "limit-0-currency": "USD", "limit-0-up_to": "2500.00"}
    limits |= {"limit-1-whose": ida.id, "limit-1-currency": "JPY", "limit-1-up_to": "90000"}
    sent = form(owner, RULES) | TIERS | limits
    assert owner.client.post(RULES, data=sent).headers["location"] == f"{RULES}?done=rules_set"
    assert owner.client.post(RULES, data=sent).status_code == 303
    with office.sessions() as session:
        version, rules = rules_of(session, office.brand_id)
    assert version == 1
    assert facts(office, "approval_rules_set") == 1
    assert rules.model_dump(mode="json") == {
        "tiers": {
            "USD": [
                {"above": 20_000, "approvals": 1, "owner": False},
                {"above": 100_000, "approvals": 2, "owner": True},
            ]
        },
        "other_currencies": 1,
        "limits": [
            {"member_id": None, "role": "finance", "currency": "USD", "up_to": 250_000},
            {"member_id": ida.id, "role": None, "currency": "JPY", "up_to": 90_000},
        ],
        "run": {"when": "daily", "at": "09:30"},
    }
    shown = form(owner, RULES)
    assert (shown["tier-0-above"], shown["tier-1-above"]) == ("200.00", "1000.00")
    assert owner.client.post(RULES, data=shown).status_code == 303
    with office.sessions() as session:
        again = rules_of(session, office.brand_id)
    assert (again.version, again.rules) == (2, rules)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"tier-0-above": "1,5"}, "tier-0-above"),
        ({"tier-0-above": "200.005"}, "tier-0-above"),
        ({"tier-0-above": "NaN"}, "tier-0-above"),
        ({"tier-0-above": "999999999999999"}, "tier-0-above"),
        ({"tier-0-above": ""}, "tier-0-above"),
        ({"tier-0-currency": "dollars"}, "tier-0-currency"),
        ({"tier-0-approvals": "6"}, "tier-0-approvals"),
        ({"tier-0-approvals": "0"}, "tier-0-approvals"),
        ({"tier-2-above": "1000"}, "tier-2-above"),
        ({"at": "25:00"}, "at"),
        ({"when": "never"}, "when"),
        ({"limit-0-whose": "", "limit-0-currency": "USD", "limit-0-up_to": "5"}, "limit-0-whose"),
        ({"limit-0-whose": "x", "limit-0-currency": "USD", "limit-0-up_to": "5"}, "limit-0-whose"),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_kept(
    typed: dict[str, str], field: str, office: Office, signed_in: As
) -> None:
    owner = signed_in(person(office, Role.OWNER))
    answer = owner.client.post(RULES, data=form(owner, RULES) | TIERS | typed)
    assert answer.status_code == 422
    assert f'href="#rules-{field}"' in answer.text
    assert f'id="rules-{field}-error"' in answer.text
    assert 'value="1,000.00"' in answer.text or "tier-0-above" in typed
    with office.sessions() as session:
        assert rules_of(session, office.brand_id).version == 0


def test_more_lines_change_nothing_and_keep_what_was_typed(office: Office, signed_in: As) -> None:
    owner = signed_in(person(office, Role.OWNER))
    answer = owner.client.post(RULES, data=form(owner, RULES) | TIERS | {"then": "more"})
    assert answer.status_code == 200
    assert 'name="tier-5-currency"' in answer.text
    assert 'value="1,000.00"' in answer.text
    with office.sessions() as session:
        assert rules_of(session, office.brand_id).version == 0


def test_two_owners_do_not_undo_each_other_unseen(office: Office, signed_in: As) -> None:
    one, other = signed_in(person(office, Role.OWNER)), signed_in(person(office, Role.OWNER))
    first, second = form(one, RULES) | TIERS, form(other, RULES) | {"other_currencies": "3"}
    assert one.client.post(RULES, data=first).status_code == 303
    refused = other.client.post(RULES, data=second)
    assert refused.status_code == 409
    assert "Somebody else changed the rules meanwhile" in words(refused.text)
    assert "$1,000.00" in words(refused.text)
    again = hidden_fields(refused.text, RULES) | {"other_currencies": "3", "when": "at_once"}
    assert other.client.post(RULES, data=again).status_code == 303
    with office.sessions() as session:
        assert rules_of(session, office.brand_id).rules.other_currencies == 3


def test_a_limit_of_somebody_of_another_brand_is_refused(office: Office, signed_in: As, app: FastAPI) -> None:
    other = Office(office.sessions, app.state.vault)
    other.open()
    stranger, owner = person(other), signed_in(person(office, Role.OWNER))
    limit = {"limit-0-whose": stranger.id, "limit-0-currency": "USD", "limit-0-up_to": "5"}
    answer = owner.client.post(RULES, data=form(owner, RULES) | limit)
    assert answer.status_code == 422
    assert "is no member of this brand" in words(answer.text)


def test_a_removed_persons_limit_stays_until_it_is_cleared(office: Office, signed_in: As) -> None:
    ida = person(office)
    set_rules(office, {"limits": [{"member_id": ida.id, "currency": "USD", "up_to": 100}]})
    with office.sessions.begin() as session:
        session.execute(update(Member).where(Member.id == ida.id).values(removed_at=office.clock))
    owner = signed_in(person(office, Role.OWNER))
    assert "Mo (removed)" in words(owner.client.get(RULES).text)
    shown = form(owner, RULES)
    assert shown["limit-0-whose"] == ida.id
    cleared = {f"limit-0-{name}": "" for name in ("whose", "currency", "up_to")}
    assert owner.client.post(RULES, data=shown | cleared).status_code == 303
    with office.sessions() as session:
        assert rules_of(session, office.brand_id).rules.limits == []


@pytest.mark.parametrize("role", [Role.OPS, Role.FINANCE, Role.VIEWER])
def test_others_see_the_rules_and_whose_they_are(role: Role, office: Office, signed_in: As) -> None:
    set_rules(office, {"tiers": {"USD": [{"above": 20_000, "approvals": 1}]}})
    here = signed_in(person(office, role))
    text = here.client.get(RULES).text
    assert "$200.00" in words(text)
    assert "takes the role owner" in words(text)
    assert f'action="{RULES}"' not in text
    assert here.client.post(RULES, data={"csrf": here.csrf} | TIERS).status_code == 403


# --- account codes ------------------------------------------------------------------------------


def test_finance_gives_codes_and_the_journal_goes(office: Office, signed_in: As) -> None:
    mo = signed_in(person(office))
    assert mo.client.get("/console/exports/file", params={"name": "journal"}).status_code == 409
    wrong = form(mo, CODES) | {"code-world": "no blanks here", "code-creator.owed": "2100"}
    answer = mo.client.post(CODES, data=wrong)
    assert answer.status_code == 422
    assert 'href="#codes-code-world"' in answer.text
    assert 'value="2100"' in answer.text
    assert facts(office, "account_code_set") == 0
    given = form(mo, CODES)
    given |= {name: str(4000 + n) for n, name in enumerate(given) if name.startswith("code-")}
    given |= {"code-creator.owed": "2100", "name-creator.owed": "Creators payable"}
    assert mo.client.post(CODES, data=given).headers["location"] == f"{CODES}?done=codes_set"
    said = words(mo.client.get(CODES).text)
    assert "Every kind of account has a code." in said
    assert mo.client.get("/console/exports/file", params={"name": "journal"}).status_code == 200
    told = facts(office, "account_code_set")
    one = form(mo, CODES)
    assert one["name-creator.owed"] == "Creators payable"
    assert mo.client.post(CODES, data=one | {"code-creator.owed": ""}).status_code == 303
    assert facts(office, "account_code_set") == told + 1
    assert "1 kinds of account have no code yet." in words(mo.client.get(CODES).text)


def test_a_line_that_somebody_else_changed_is_not_overwritten(office: Office, signed_in: As) -> None:
    mo, ida = signed_in(person(office)), signed_in(person(office))
    first, second = form(mo, CODES), form(ida, CODES)
    assert mo.client.post(CODES, data=first | {"code-world": "1000"}).status_code == 303
    untouched = ida.client.post(CODES, data=second | {"code-creator.owed": "2100"})
    assert untouched.status_code == 303
    refused = ida.client.post(CODES, data=second | {"code-world": "9000"})
    assert refused.status_code == 422
    assert "Somebody else changed this line meanwhile" in words(refused.text)
    shown = form(mo, CODES)
    assert (shown["code-world"], shown["code-creator.owed"]) == ("1000", "2100")


def test_ops_read_codes_and_may_not_set_them(office: Office, signed_in: As) -> None:
    ops = signed_in(person(office, Role.OPS))
    text = ops.client.get(CODES).text
    assert "takes the role owner or finance" in words(text)
    assert f'action="{CODES}"' not in text
    given: dict[str, Any] = {"csrf": ops.csrf, "nonce": "mine", "code-world": "1"}
    assert ops.client.post(CODES, data=given).status_code == 403
    assert facts(office, "account_code_set") == 0


# --- yearly totals ------------------------------------------------------------------------------


def test_a_year_names_cash_gifts_and_thresholds(office: Office, signed_in: As) -> None:
    of = office.sent()
    year = datetime.now(UTC).year
    with office.sessions.begin() as session:
        creator = session.get_one(Creator, office.state(of).creator_id)
        creator.country = "US"
        session.execute(update(Variant).where(Variant.id == office.variant_id).values(retail_amount=180_000))
    mo, viewer = signed_in(person(office)), signed_in(person(office, Role.VIEWER))
    said = words(mo.client.get(YEARS).text)
    assert f"Yearly totals, {year}" in said
    assert "$220.00 $1,800.00 1 product" in said
    assert "reached $2,020.00 of $2,000.00" in said
    assert "Public Law 119-21" in said
    assert "Ada" in said
    assert "Ada" not in words(viewer.client.get(YEARS).text)
    assert "$220.00" in words(viewer.client.get(YEARS, params={"warned": "yes"}).text)
    before = words(mo.client.get(YEARS, params={"year": str(year - 1), "warned": "yes"}).text)
    assert "Nobody is near a threshold in this year." in before
    assert f"Yearly totals, {year}" in words(mo.client.get(YEARS, params={"year": "1066"}).text)


def test_another_brands_rules_are_not_shown(office: Office, signed_in: As, app: FastAPI) -> None:
    set_rules(office, {"tiers": {"USD": [{"above": 31_900, "approvals": 1}]}})
    other = Office(office.sessions, app.state.vault)
    other.open()
    stranger = signed_in(person(other, Role.OWNER))
    assert "$319.00" not in stranger.client.get(RULES).text
