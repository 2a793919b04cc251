"""Differences, months, ledger and exports on the staff's pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from domain.periods import month_of
from domain.roles import Actor, Role
from infra.settings import Settings
from infra.tables import StripeCursor
from tests.api.differences import found_difference
from tests.console.test_payouts import send, words
from tests.console.walk import Insider
from tests.records.finance import person
from tests.records.office import Office

As = Callable[[Actor], Insider]
PAST = datetime.now(UTC) - timedelta(days=40)
MONTH = month_of(PAST, "UTC")


@pytest.fixture
def office(sessions: sessionmaker[Session], app: FastAPI) -> Office:
    """A brand whose books begin forty days ago."""
    office = Office(sessions, app.state.vault)
    office.clock = PAST
    office.open(cost=1450)
    return office


@pytest.fixture
def signed_in(app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> As:
    return lambda actor: Insider(app, sessions, settings, actor.id)


def compared(office: Office, at: datetime) -> None:
    with office.sessions.begin() as session:
        session.merge(StripeCursor(name="balance_transactions", complete_at=at, reached_begin=True))


def test_a_difference_is_taken_noted_and_settled_once(office: Office, signed_in: As) -> None:
    item = found_difference(office.sessions, office.brand_id)
    mo = person(office)
    here, path = signed_in(mo), f"/console/reconciliation/{item}"
    home = here.client.get("/console").text
    assert "Differences between Stripe and the books" in home
    listed = words(here.client.get("/console/reconciliation").text)
    assert "tr_1 Stripe's without ours nothing -$7.00" in listed
    wrong = send(here, path, f"{path}/take", owner=mo.id, note="ask ana@mail.example")
    assert wrong.status_code == 422
    assert 'href="#take-note"' in wrong.text
    assert send(here, path, f"{path}/take", owner=mo.id, note="Asked Stripe.").status_code == 303
    assert 'href="#settle-reason"' in send(here, path, f"{path}/settle", reason="").text
    assert send(here, path, f"{path}/settle", reason="Made by hand in November.").status_code == 303
    said = words(here.client.get(path).text)
    assert "settled" in said
    assert "Asked Stripe." in said
    assert "Made by hand in November." in said
    assert "No difference fits." in here.client.get("/console/reconciliation").text
    assert item in here.client.get("/console/reconciliation?state=settled").text


def test_ops_see_differences_and_months_and_whose_they_are(office: Office, signed_in: As) -> None:
    item = found_difference(office.sessions, office.brand_id)
    ops = signed_in(person(office, Role.OPS))
    for path in (f"/console/reconciliation/{item}", f"/console/months/{MONTH}"):
        text = ops.client.get(path).text.partition("<main")[2]
        assert "takes the role owner or finance" in text
        assert "<form" not in text
    marks = {"csrf": ops.csrf, "nonce": "mine", "reason": "because"}
    assert ops.client.post(f"/console/reconciliation/{item}/settle", data=marks).status_code == 403
    assert ops.client.post(f"/console/months/{MONTH}/close", data=marks).status_code == 403


def test_another_brand_sees_no_difference(office: Office, signed_in: As, app: FastAPI) -> None:
    item = found_difference(office.sessions, office.brand_id)
    other = Office(office.sessions, app.state.vault)
    other.open()
    stranger = signed_in(person(other, Role.OWNER))
    marks = {"csrf": stranger.csrf, "nonce": "mine", "reason": "because", "note": "x"}
    path = f"/console/reconciliation/{item}"
    assert stranger.client.get(path).status_code == 404
    for act in ("take", "settle"):
        assert stranger.client.post(f"{path}/{act}", data=marks).status_code == 404
    assert item not in stranger.client.get("/console/reconciliation").text


def test_a_month_says_what_is_in_the_way_closes_and_opens_again(office: Office, signed_in: As) -> None:
    compared(office, PAST)
    finance, owner = signed_in(person(office)), signed_in(person(office, Role.OWNER))
    path = f"/console/months/{MONTH}"
    said = words(finance.client.get(path).text)
    assert "The month is over done" in said
    assert "Stripe's rows are compared up to its end open" in said
    refused = send(finance, path, f"{path}/close")
    assert refused.status_code == 409
    assert "not compared up to the end" in words(refused.text)
    compared(office, datetime.now(UTC))
    assert send(finance, path, f"{path}/close").status_code == 303
    said = words(finance.client.get(path).text)
    assert "Totals that it was closed with" in said
    assert "takes the role owner" in said
    assert send(owner, path, f"{path}/reopen", reason="").status_code == 422
    assert send(owner, path, f"{path}/reopen", reason="An invoice came late.").status_code == 303
    assert "opened again" in words(finance.client.get("/console/months").text)
    running = f"/console/months/{datetime.now(UTC):%Y-%m}"
    assert "has to be closed first" in words(finance.client.get(running).text)
    assert finance.client.get("/console/months/1999-01").status_code == 404
    assert finance.client.get("/console/months/soon").status_code == 404


def test_the_trial_balance_sums_to_zero_and_leads_to_statements(office: Office, signed_in: As) -> None:
    viewer = signed_in(person(office, Role.VIEWER))
    said = words(viewer.client.get("/console/ledger").text)
    assert "All accounts in USD together: $0.00" in said
    assert "What a campaign may still promise." in said
    account = f"campaign:{office.campaign_id}:budget"
    by_account = viewer.client.get("/console/ledger?by=account").text
    assert f"/console/ledger/account?account={account}" in by_account.replace("%3A", ":")
    statement = words(viewer.client.get("/console/ledger/account", params={"account": account}).text)
    assert "Opening balance $0.00" in statement
    assert "Closing balance $2,200.00" in statement
    before = {"day": f"{PAST - timedelta(days=2):%Y-%m-%d}"}
    assert "Nothing is posted yet." in viewer.client.get("/console/ledger", params=before).text
    wrong = viewer.client.get("/console/ledger", params={"day": "soon"})
    assert wrong.status_code == 422
    assert "Write a day like 2026-11-25." in words(wrong.text)
    assert viewer.client.get("/console/ledger/account?account=world:XXX").status_code == 404


def test_a_file_is_chosen_and_downloaded(office: Office, signed_in: As) -> None:
    finance, viewer = signed_in(person(office)), signed_in(person(office, Role.VIEWER))
    assert "Ledger, every line" in finance.client.get("/console/exports").text
    asked = {"name": "ledger", "form": "csv", "month": MONTH}
    file = finance.client.get("/console/exports/file", params=asked)
    assert file.headers["content-disposition"] == f'attachment; filename="handsel-ledger-{MONTH}.csv"'
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert {"budget_declared", "goods_received"} == {row["kind"] for row in rows}
    nothing = finance.client.get("/console/exports/file")
    assert nothing.status_code == 422
    assert 'href="#export-name"' in nothing.text
    no_account = finance.client.get("/console/exports/file", params={"name": "statement"})
    assert 'href="#export-account"' in no_account.text
    journal = finance.client.get("/console/exports/file", params={"name": "journal"})
    assert journal.status_code == 409
    assert "code" in words(journal.text)
    assert viewer.client.get("/console/exports/file", params=asked).status_code == 403
    assert "takes the role owner or ops or finance" in viewer.client.get("/console/exports").text
