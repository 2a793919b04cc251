"""Payout runs on the staff's pages, over the API, and in the one mail that says how much is lacking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from activities.gates import report
from activities.paying_balance import forget, remember
from activities.shortage_alerts import about_of, tell_of_shortages
from domain.commands import HoldPayout
from domain.ledger import payout_id
from domain.roles import Actor, Role
from infra.settings import Settings
from infra.tables import Creator, Member, PayoutRunRow, StaffMail
from tests.console.conftest import Mailbox
from tests.console.test_payouts import words
from tests.console.walk import Insider
from tests.records.finance import person, waiting
from tests.records.line_alone import at_hand, line_alone, look
from tests.records.office import BRAND, Office

As = Callable[[Actor], Insider]


@pytest.fixture
def office(sessions: sessionmaker[Session], app: FastAPI) -> Office:
    office = Office(sessions, app.state.vault)
    office.open()
    return office


@pytest.fixture
def signed_in(app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> As:
    return lambda actor: Insider(app, sessions, settings, actor.id)


@pytest.fixture
def short(office: Office) -> list[str]:
    """Two payments of 220 dollars, 100 dollars at hand."""
    made = [waiting(office) for _ in range(2)]
    at_hand(office, 10_000)
    look(office, made * 2)
    return made


@pytest.fixture(autouse=True)
def alone(sessions: sessionmaker[Session]) -> Iterator[None]:
    with line_alone(sessions):
        yield


def run_of(office: Office) -> PayoutRunRow:
    with office.sessions() as session:
        return session.scalars(select(PayoutRunRow).where(PayoutRunRow.brand_id == office.brand_id)).one()


def mails_of(office: Office) -> list[StaffMail]:
    with office.sessions() as session:
        found = select(StaffMail).where(StaffMail.about.startswith(run_of(office).id))
        return list(session.scalars(found))


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_what_the_whole_run_lacks(
    role: Role, office: Office, short: list[str], signed_in: As
) -> None:
    here = signed_in(person(office, role)).client
    listed = words(here.get("/console/runs").text)
    assert "short of money $440.00 payments: 2 $0.00 payments: 0 $340.00" in listed
    page = here.get(f"/console/runs/{run_of(office).id}").text
    assert "lacks $340.00 for the whole run; 2 of its payments wait" in words(page)
    assert [page.index(payout_id(of)) for of in short] == sorted(page.index(payout_id(of)) for of in short)


def test_the_list_is_by_state_and_says_what_to_expect_when_it_is_empty(office: Office, signed_in: As) -> None:
    here = signed_in(person(office)).client
    assert "Nothing has been due yet." in here.get("/console/runs").text
    assert here.get("/console/runs?state=nonsense").status_code == 200
    assert here.get("/console/runs/run_00000000000000000000000000").status_code == 404
    assert here.get("/console/runs/nonsense").status_code == 404


def test_another_brands_run_does_not_exist(
    office: Office, short: list[str], signed_in: As, sessions: sessionmaker[Session], app: FastAPI
) -> None:
    del short
    other = Office(sessions, app.state.vault)
    other.open()
    here = signed_in(person(other)).client
    assert here.get(f"/console/runs/{run_of(office).id}").status_code == 404
    assert "Nothing has been due yet." in here.get("/console/runs").text


def test_a_page_asks_nobody_but_the_database(office: Office, short: list[str], signed_in: As) -> None:
    forget(office.sessions)
    here = signed_in(person(office)).client
    text = words(here.get(f"/console/runs/{run_of(office).id}").text)
    assert "Balance as last seen" in text
    del short


# --- the mail ----------------------------------------------------------------------------------------


def test_finance_gets_one_mail_with_the_total_however_many_wait(
    office: Office, short: list[str], settings: Settings, mailbox: Mailbox
) -> None:
    people = {role: person(office, role).id for role in Role}
    for _ in short:
        tell_of_shortages(office.sessions, settings)
    told = {about_of(run_of(office).id, people[role]) for role in (Role.FINANCE, Role.OWNER)}
    assert {one.about for one in mails_of(office)} == told
    assert len(mails_of(office)) == 2
    mailbox.carry()
    (letter,) = mailbox.letters(f"{people[Role.FINANCE]}@hazel.example")
    assert letter["subject"] == "Hazel: the payout run lacks USD 340.00"
    assert "2 of 2" in letter["text"]
    assert f"/console/runs/{run_of(office).id}" in letter["text"]


def test_a_mail_is_dropped_when_the_run_goes_on_before_it_leaves(
    office: Office, short: list[str], settings: Settings, mailbox: Mailbox
) -> None:
    person(office)
    mailbox.carry()
    tell_of_shortages(office.sessions, settings)
    remember(office.sessions, "USD", 10**12, datetime.now(UTC))
    look(office, short)
    assert run_of(office).state == "open"
    assert mailbox.carry() == ["skipped"]


def test_who_is_short_again_is_told_again(office: Office, short: list[str], settings: Settings) -> None:
    person(office)
    assert _told(office, settings) == 1
    remember(office.sessions, "USD", 10**12, datetime.now(UTC))
    look(office, short)
    remember(office.sessions, "USD", 0, datetime.now(UTC))
    look(office, short)
    assert _told(office, settings) == 2


def _told(office: Office, settings: Settings) -> int:
    tell_of_shortages(office.sessions, settings)
    return len(mails_of(office))


def test_a_run_of_which_everything_left_is_finished(office: Office, short: list[str]) -> None:
    for of in short:
        office.must(of, HoldPayout(reason="odd"), BRAND)
        report(office.sessions, of, office.state(of).sequence)
    run = run_of(office)
    assert (run.state, run.due_count, run.shortage) == ("finished", 0, 0)


def test_viewers_see_no_names(office: Office, short: list[str], signed_in: As) -> None:
    viewer = signed_in(person(office, Role.VIEWER)).client
    assert "Ada" not in viewer.get(f"/console/runs/{run_of(office).id}").text
    finance = signed_in(person(office)).client
    assert "Ada" in finance.get(f"/console/runs/{run_of(office).id}").text
    with office.sessions() as session:
        assert session.get(Creator, office.state(short[0]).creator_id) is not None
        assert session.scalar(select(func.count()).select_from(Member)) is not None
