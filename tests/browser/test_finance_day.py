"""A day of finance in a real browser: approvals by two, a hold, a shortfall, a difference, a month, a bundle.

Workers, Stripe's simulator and the mailbox are the real ones of the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from activities.ledger import post
from domain.ledger import budget_declared, payout_id
from domain.money import Money
from domain.periods import month_of
from domain.roles import HANDSEL, Role
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import Campaign, CampaignVariant, Member, PayoutAttempt
from tests.api.differences import found_difference
from tests.api.live import until
from tests.api.test_payouts import Desk
from tests.browser.conftest import PHONE
from tests.browser.test_accessible import OTHER_VIEWS, VIEWS, Views, check_views
from tests.browser.test_by_hand import tab_to
from tests.browser.test_console import Visit, mailbox, served_sessions, sign_in, visit
from tests.console.conftest import Mailbox
from tests.pages.engine import Engine
from tests.records import office as offices
from tests.records.finance import ONE_APPROVAL, TWO_APPROVALS, set_rules
from workflows.messages import COLLABORATION, COLLABORATIONS_QUEUE, collaboration_workflow_id

__all__ = ["mailbox", "served_sessions", "visit"]

ROOT = Path(__file__).resolve().parents[2]
PAST = datetime.now(UTC) - timedelta(days=40)
DEAR = Money(amount=60_000_000, currency="USD")
"""A fee that no other test's money on the balance covers."""


@pytest.fixture(scope="module")
def workers(served_settings: Settings) -> Iterator[Engine]:
    engine = Engine(served_settings)
    engine.start()
    yield engine
    engine.close()


class FinanceDesk(Desk):
    """Payments that are due, and the people who look after them in browsers."""

    def __init__(
        self, workers: Engine, app: FastAPI, sessions: sessionmaker[Session], settings: Settings
    ) -> None:
        portal = SimpleNamespace(call=lambda work, *given: workers.run(work(*given)))
        super().__init__(SimpleNamespace(portal=portal), app, sessions, settings)  # type: ignore[arg-type] # all that is used of it
        self.workers = workers

    async def _start(self, of: str) -> None:
        await self.workers.client.start_workflow(
            COLLABORATION,
            self.office.state(of),
            id=collaboration_workflow_id(of),
            task_queue=COLLABORATIONS_QUEUE,
        )

    def member(self, name: str, role: Role = Role.FINANCE) -> str:
        """A new person of the brand; their address."""
        email = f"{name.lower()}.{self.office.brand_id[-10:]}@hazel.example"
        with self.office.sessions.begin() as session:
            session.add(
                Member(
                    id=new_id("member"),
                    brand_id=self.office.brand_id,
                    name=name,
                    email=email,
                    role=role.value,
                )
            )
        return email

    def waiting(self, how_many: int = 1) -> list[str]:
        """Collaborations whose payments wait for an approval."""
        due = [self.due() for _ in range(how_many)]
        for of in due:
            self.flagged(of, "awaits_approval")
        return due

    def transfer(self, of: str) -> str:
        with self.office.sessions() as session:
            return session.get_one(PayoutAttempt, (payout_id(of), 1)).stripe_transfer_id or ""

    def stripe(self, path: str, **given: Any) -> None:
        """Something happens at Stripe."""
        self._say(f"/_sim/{path}", given)


@pytest.fixture
def desk(
    workers: Engine, served: FastAPI, served_settings: Settings, served_sessions: sessionmaker[Session]
) -> FinanceDesk:
    return FinanceDesk(workers, served, served_sessions, served_settings)


@pytest.fixture
def arrive(desk: FinanceDesk, visit: Visit, mailbox: Mailbox) -> Callable[..., Any]:
    """A person of the brand signs in, in a browser of their own."""

    def go(name: str, role: Role = Role.FINANCE, path: str = "", **options: Any) -> Any:
        page = visit("/console", **options)
        sign_in(page, mailbox, desk.member(name, role))
        if path:
            page.goto(page.url.partition("/console")[0] + path)
        return page

    return go


Arrive = Callable[..., Any]


def test_two_people_approve_and_the_money_goes_once(desk: FinanceDesk, arrive: Arrive) -> None:
    set_rules(desk.office, TWO_APPROVALS)
    (of,) = desk.waiting()
    mo = arrive("Mo")
    mo.get_by_role("link", name="Payments that wait for an approval").click()
    mo.get_by_role("link", name="Ada").first.click()
    mo.get_by_text("0 of 2 approvals are given.").first.wait_for()
    mo.get_by_role("button", name="Approve this payment").dblclick()
    mo.get_by_text("Your approval counts.").wait_for()
    mo.get_by_text("You have decided about it already.").wait_for()
    assert desk.attempts(of) == 0
    ida = arrive("Ida", path=f"/console/payouts/{payout_id(of)}", size=PHONE)
    ida.get_by_text("1 of 2 approvals are given.").first.wait_for()
    ida.get_by_role("button", name="Approve this payment").click()
    ida.get_by_text("Your approval counts.").wait_for()
    desk.paid(of)
    ida.reload()
    ida.get_by_text(desk.transfer(of)).first.wait_for()


def test_many_are_approved_by_keyboard_with_an_exception(desk: FinanceDesk, arrive: Arrive) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    due = {payout_id(of): of for of in desk.waiting(3)}
    page = arrive("Mo", path="/console/payouts?standing=approval")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "batch-payout":
            break
    page.keyboard.press("Space")
    assert page.locator("[data-ticked]").inner_text() == "3"
    tab_to(page, "payout")
    left_out = page.evaluate("document.activeElement.value")
    page.keyboard.press("Space")
    assert page.locator("[data-ticked]").inner_text() == "2"
    tab_to(page, "Approve the chosen payments")
    page.keyboard.press("Enter")
    page.get_by_text("2 approved.").wait_for()
    assert "2 approved." in page.evaluate("document.activeElement.textContent")
    for payout, of in due.items():
        if payout != left_out:
            desk.paid(of)
    assert desk.attempts(due[left_out]) == 0


def test_a_payment_is_held_and_released(desk: FinanceDesk, arrive: Arrive) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = desk.waiting()
    path = f"/console/payouts/{payout_id(of)}"
    ops = arrive("Olli", Role.OPS, path)
    ops.get_by_text("Hold", exact=True).click()
    ops.get_by_role("button", name="Hold this payment").click()
    ops.locator(".summary").wait_for()
    ops.locator("#hold-reason").select_option("ask_first")
    ops.locator("#hold-remark").fill("Is this the Ada of last year?")
    ops.get_by_role("button", name="Hold this payment").click()
    ops.get_by_text("The payment is on hold.").wait_for()
    assert ops.get_by_role("button", name="Release this payment").count() == 0
    desk.flagged(of, "payout_held")
    mo = arrive("Mo")
    mo.get_by_role("link", name="Payments on hold").click()
    mo.get_by_role("link", name="Ada").first.click()
    mo.get_by_text("Is this the Ada of last year?").first.wait_for()
    mo.get_by_text("Release the hold").click()
    mo.locator("#release-reason").select_option("cleared_up")
    mo.get_by_role("button", name="Release this payment").click()
    mo.get_by_text("The hold is ended.").wait_for()
    desk.flagged(of, "awaits_approval")
    mo.reload()
    mo.get_by_role("button", name="Approve this payment").click()
    mo.get_by_text("Your approval counts.").wait_for()
    desk.paid(of)


def test_a_shortfall_waits_for_a_top_up(
    desk: FinanceDesk, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offices, "FEE", DEAR)
    desk.office.campaign_id = another_campaign(desk, DEAR, desk.office.clock)
    of = desk.due(funded=False)
    desk.flagged(of, "funds_short")
    page = arrive("Mo")
    page.get_by_text("$600,000.00 are wanted for payments that wait for money").click()
    page.get_by_role("link", name="Ada").first.click()
    page.get_by_text("The paying balance does not cover it yet.").first.wait_for()
    desk.stripe("fund", amount=DEAR.amount + 1_000_000, currency="usd")
    page.get_by_text("Look again").click()
    page.get_by_role("button", name="Look at the conditions again").click()
    page.get_by_text("The conditions are looked at again.").wait_for()
    until_paid(desk, of)
    page.reload()
    page.get_by_text("sent").first.wait_for()


def another_campaign(desk: FinanceDesk, budget: Money, at: datetime) -> str:
    """A campaign of the same brand with a budget of its own, declared at this moment."""
    with desk.office.sessions.begin() as session:
        row = session.get_one(Campaign, desk.office.campaign_id)
        facts = {name: getattr(row, name) for name in ("brand_id", "type", "status", "currency", "brief")}
        campaign = Campaign(
            id=new_id("campaign"), name="Winter", budget_amount=budget.amount, offer={}, policy={}, **facts
        )
        session.add(campaign)
        session.flush()
        session.add(CampaignVariant(campaign_id=campaign.id, variant_id=desk.office.variant_id))
        declared = budget_declared(campaign.id, budget)
        post(session, declared, brand_id=desk.office.brand_id, actor=HANDSEL, at=at)
        return campaign.id


def until_paid(desk: FinanceDesk, of: str) -> None:
    """Wait until the money went out, once."""
    until(lambda: desk.office.state(of).stage in ("paid", "completed"), 120)
    assert desk.transfers(of) == 1


def test_a_difference_is_found_and_settled_and_a_month_closed(desk: FinanceDesk, arrive: Arrive) -> None:
    set_rules(desk.office, {})
    of = desk.due()
    desk.paid(of)
    desk.stripe(f"transfers/{desk.transfer(of)}/change", amount=1)
    another_campaign(desk, Money(amount=500, currency="USD"), PAST)
    page = arrive("Mo", path="/console/reconciliation")
    page.get_by_role("button", name="Compare now").click()
    page.get_by_text("A comparison is asked for.").wait_for()
    link = page.get_by_role("link", name=desk.transfer(of))
    for _ in range(120):
        if link.count():
            break
        page.wait_for_timeout(1000)
        page.goto(page.url.partition("?")[0])
    link.click()
    page.get_by_text("Both sides know it, with another amount or currency.").wait_for()
    page.get_by_label("Note").fill("Asked Stripe on the phone.")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    page.locator("#settle-reason").fill("Stripe corrects it tomorrow.")
    page.get_by_role("button", name="Settle this difference").dblclick()
    page.get_by_text("The difference is settled.").wait_for()
    page.get_by_role("link", name="Months").first.click()
    month = month_of(PAST, "UTC")
    page.get_by_role("link", name=month).click()
    page.get_by_role("button", name=f"Close {month}").dblclick()
    page.get_by_text("The month is closed.").wait_for()
    page.get_by_role("heading", name="Totals that it was closed with").wait_for()


def test_a_bundle_is_downloaded_and_verified(desk: FinanceDesk, arrive: Arrive, tmp_path: Path) -> None:
    set_rules(desk.office, {})
    of = desk.due()
    desk.paid(of)
    page = arrive("Mo", path=f"/console/payouts/{payout_id(of)}")
    page.get_by_role("button", name="Build the bundle now").click()
    page.get_by_role("link", name="Download bundle").first.wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download bundle").first.click()
    file = tmp_path / "bundle.zip"
    waiting.value.save_as(file)
    words = [sys.executable, "-m", "infra.cli", "evidence", "verify", str(file)]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Every file is as it was sealed." in told.stdout


RICHEST = ("/console/payouts?standing=approval", "/console/exports")


@pytest.mark.parametrize(("role", "views"), [(Role.FINANCE, VIEWS), (Role.VIEWER, VIEWS[:1])])
def test_every_page_of_money_is_accessible(
    role: Role, views: Views, desk: FinanceDesk, arrive: Arrive
) -> None:
    """Who only looks sees less on the same pages: one view is enough of them."""
    set_rules(desk.office, ONE_APPROVAL)
    first, _ = desk.waiting(2)
    difference = found_difference(desk.office.sessions, desk.office.brand_id)
    page = arrive("Mo", role)
    address = page.url.partition("/console")[0]
    account = f"campaign:{desk.office.campaign_id}:budget"
    for path in (
        "/console",
        "/console/payouts",
        "/console/payouts?standing=approval",
        f"/console/payouts/{payout_id(first)}",
        f"/console/collaborations/{first}",
        "/console/reconciliation",
        f"/console/reconciliation/{difference}",
        "/console/months",
        f"/console/months/{datetime.now(UTC):%Y-%m}",
        "/console/ledger",
        f"/console/ledger/account?account={account}",
        "/console/exports",
        "/console/account-codes",
        "/console/yearly-totals",
        "/console/approval-rules",
    ):
        page.goto(address + path)
        check_views(page, views + (OTHER_VIEWS if path in RICHEST else ()))
        keep_picture(page, f"{role}{path}")


def test_the_form_of_the_rules_is_accessible_with_its_errors(desk: FinanceDesk, arrive: Arrive) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    page = arrive("Olga", Role.OWNER, "/console/approval-rules")
    check_views(page, VIEWS)
    page.locator("#rules-tier-0-above").fill("1,5")
    page.get_by_role("button", name="Set these rules").click()
    page.locator(".summary").wait_for()
    assert page.evaluate("document.activeElement.className") == "summary"
    check_views(page, VIEWS)
    keep_picture(page, "owner/console/approval-rules-refused")


def keep_picture(page: Any, name: str) -> None:
    """A picture of the page for people to look at, where a folder is named for them."""
    folder = os.environ.get("PICTURES")
    if folder:
        plain = name.partition("?")[0].strip("/").replace("/", "-")[:60] + ("-q" if "?" in name else "")
        for size in (PHONE, {"width": 1280, "height": 900}):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme="light")
            page.screenshot(path=f"{folder}/{plain}-{size['width']}.png", full_page=True)
