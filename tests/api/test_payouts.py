"""Payments over the API: lists, one with its story, decisions by persons, many at once, and rules."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.stripe_gateway import StripeGateway
from api.commands import give
from domain.commands import HoldPayout, RefusePayout, ReleasePayout, Request
from domain.errors import Refused
from domain.ledger import payout_id
from domain.roles import Actor, Role
from infra.api_keys import make_key
from infra.ids import new_id
from infra.persons import act_as
from infra.settings import Settings
from infra.tables import Event, PayoutAttempt
from tests.api.conftest import Tenant
from tests.api.live import until, working
from tests.records.finance import ONE_APPROVAL, TWO_APPROVALS, approve, person, set_rules, waiting
from tests.records.office import Office
from workflows.messages import COLLABORATION, COLLABORATIONS_QUEUE, collaboration_workflow_id

Sessions = sessionmaker[Session]


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@dataclass
class Person(Tenant):
    """A member who is signed in, in place of keys."""

    authorization: str

    def call(self, method: str, path: str, role: Role = Role.OWNER, **options: Any) -> httpx.Response:
        del role
        headers = {"Authorization": self.authorization} | options.pop("headers", {})
        return self.web.request(method, f"/api/v1{path}", headers=headers, **options)


class Desk:
    """A brand with payments that are due, their workflows running, and people who call the API."""

    def __init__(self, web: TestClient, app: FastAPI, sessions: Sessions, settings: Settings) -> None:
        self.web, self.app, self.settings = web, app, settings
        self.office = Office(sessions, app.state.vault)
        self.office.clock = datetime.now(UTC) - timedelta(days=3, minutes=1)  # the parcel takes three days
        self.office.open()
        self.gateway = StripeGateway(
            settings.stripe_api_key,
            settings.stripe_api_base,
            settings.stripe_accounts_api,
            loopback_only=True,
        )
        with sessions.begin() as session:
            keys = {
                role: make_key(
                    session, mode="local", brand_id=self.office.brand_id, name=role, role=role
                ).secret
                for role in Role
            }
        self.tenant = Tenant(self.office.brand_id, keys, web)
        self.people: dict[str, tuple[str, Role]] = {}

    def due(self, *, funded: bool = True) -> str:
        """A payment whose workflow runs, to a real account of the simulator."""
        of = waiting(self.office)
        account = self.gateway.create_account(of, "US", None, f"account:{of}")
        self._say(f"/_sim/accounts/{account}/onboard", {"outcome": "active"})
        if funded:
            self._say("/_sim/fund", {"amount": 22_000, "currency": "usd"})
        self.office.payee(of, account)
        assert self.web.portal is not None
        self.web.portal.call(self._start, of)
        return of

    def _say(self, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self.settings.stripe_api_key}"}
        httpx.post(self.settings.stripe_api_base + path, json=body, headers=headers).raise_for_status()

    async def _start(self, of: str) -> None:
        await self.app.state.temporal.start_workflow(
            COLLABORATION,
            self.office.state(of),
            id=collaboration_workflow_id(of),
            task_queue=COLLABORATIONS_QUEUE,
        )

    def give(self, of: str, command: Any, actor: Actor, request_id: str = "") -> str:
        """Give a command as somebody who is signed in; `done`, or the code of the refusal."""
        assert self.web.portal is not None
        order = Request(id=request_id or f"test:{new_id('job')}", actor=actor, command=command)
        state = self.app.state
        try:
            self.web.portal.call(partial(give, state.temporal, state.sessions, of, order, patience=60))
        except Refused as refusal:
            return refusal.code
        return "done"

    def signed_in(self, actor: Actor) -> Tenant:
        """The API as this member."""
        with self.office.sessions.begin() as session:
            opened = act_as(session, self.settings, self.office.brand_id, actor.id, datetime.now(UTC))
        return Person(self.office.brand_id, {}, self.web, f"Session {opened.secret}")

    def flagged(self, of: str, reason: str) -> None:
        until(lambda: self.office.state(of).attention == reason, 120)

    def transfers(self, of: str) -> int:
        return len(self.gateway.find_transfers(payout_id(of)))

    def attempts(self, of: str) -> int:
        with self.office.sessions() as session:
            return session.query(PayoutAttempt).filter(PayoutAttempt.payout_id == payout_id(of)).count()

    def paid(self, of: str) -> None:
        try:
            until(lambda: self.office.state(of).stage in ("paid", "completed"), 120)
        except AssertionError:
            events = [(one.name, one.data, one.actor_id) for one in self.office.rows(Event, of)[-9:]]
            raise AssertionError((self.office.state(of).attention, events)) from None
        assert self.transfers(of) == self.attempts(of) == 1


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: Sessions, settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


def test_a_key_sees_all_and_approves_nothing(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    (line,) = desk.tenant.get("/payouts", params={"waiting_on": "finance", "attention": "awaits_approval"})[
        "items"
    ]
    assert (line["id"], line["amount"], line["state"]) == (payout_id(of), 22_000, "ready")
    shown = desk.tenant.get(f"/payouts/{payout_id(of)}")
    assert shown["need"] == {
        "approvals": 1,
        "owner": False,
        "given": 0,
        "enough": False,
        "rules_version": 1,
    }
    assert shown["may"] == {"approve": False, "why_not": "An API key cannot approve; a person has to."}
    gates = {gate["name"]: gate["result"] for gate in shown["gates"]["gates"]}
    assert gates["approvals_given"] == "waiting"
    refused = desk.tenant.call("POST", f"/payouts/{payout_id(of)}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "needs_person")
    refused = desk.tenant.call("POST", "/payouts/approvals", json={"all_waiting": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "needs_person")
    ops = desk.tenant.call("POST", f"/payouts/{payout_id(of)}/approve", Role.OPS)
    assert (ops.status_code, ops.json()["detail"]) == (
        403,
        "this needs a key of role owner or finance; yours is ops",
    )
    assert desk.attempts(of) == 0


def test_an_approval_lets_the_payment_go_once(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    mo = person(desk.office)
    assert desk.give(of, approve(of), mo, "click") == "done"
    assert desk.give(of, approve(of), mo, "click") == "done"  # the same click, sent again
    desk.paid(of)
    shown = desk.tenant.get(f"/payouts/{payout_id(of)}")
    (decision,) = shown["decisions"]
    assert (decision["member_id"], decision["decision"], decision["counts"]) == (mo.id, "approved", True)
    gates = {gate["name"]: gate for gate in shown["gates"]["gates"]}
    assert shown["gates"]["all_pass"]
    assert gates["approvals_given"]["detail"] == "Approved by 1 of 1."


def test_two_approvers_at_once_pay_once(desk: Desk) -> None:
    """Two persons, each clicking twice from two windows, all in the same moment."""
    set_rules(desk.office, TWO_APPROVALS)
    due = [desk.due() for _ in range(3)]
    people = [person(desk.office), person(desk.office)]
    for of in due:
        desk.flagged(of, "awaits_approval")
    clicks = [(of, mo, window) for of in due for mo in people for window in range(2)]
    with ThreadPoolExecutor(len(clicks)) as crowd:
        results = list(
            crowd.map(lambda one: desk.give(one[0], approve(one[0]), one[1], f"{one[1].id}:{one[2]}"), clicks)
        )
    assert results.count("done") == 2 * len(due)
    assert set(results) <= {"done", "already_decided", "wrong_stage", "ended"}
    for of in due:
        desk.paid(of)


def test_an_approval_meets_a_hold(desk: Desk) -> None:
    """Whichever comes first, a held payment does not go, and goes once when it is released."""
    set_rules(desk.office, ONE_APPROVAL)
    due = [desk.due() for _ in range(6)]
    mo, ida, owner = person(desk.office), person(desk.office), person(desk.office, Role.OWNER)
    for of in due:
        desk.flagged(of, "awaits_approval")
    orders = [order for of in due for order in ((of, approve(of), mo), (of, HoldPayout(reason="stop"), ida))]
    with ThreadPoolExecutor(len(orders)) as crowd:
        results = list(crowd.map(lambda one: desk.give(*one), orders))
    assert set(results) <= {"done", "wrong_stage", "ended"}
    for of in due:
        if desk.office.state(of).held:
            assert desk.attempts(of) == desk.transfers(of) == 0
            assert desk.give(of, ReleasePayout(reason="fine"), owner) == "done"
        desk.paid(of)


def test_a_refusal_holds_and_the_list_says_so(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    mo = person(desk.office)
    assert desk.give(of, RefusePayout(payout_id=payout_id(of), reason="amount_unclear"), mo) == "done"
    desk.flagged(of, "payout_held")
    (line,) = desk.tenant.get("/payouts", params={"held": "true"})["items"]
    assert (line["held"], line["waiting_on"]) == ("approval_refused", "finance")
    assert desk.tenant.get("/payouts", params={"held": "false"})["items"] == []
    assert desk.tenant.get("/payouts", params={"older_than": "1d"})["items"] == []
    shown = desk.tenant.get(f"/payouts/{payout_id(of)}")
    assert [(one["reason"], one["released_at"]) for one in shown["holds"]] == [("approval_refused", None)]
    assert [one["reason"] for one in shown["decisions"]] == ["amount_unclear"]


def test_a_key_may_hold_with_words_but_not_release(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    path = f"/payouts/{payout_id(of)}"
    body = {"reason": "ask_first", "remark": "Is this the Ada of last year?"}
    outcome = desk.tenant.call("POST", f"{path}/hold", Role.OPS, json=body)
    assert (outcome.status_code, outcome.json()["outcome"]) == (200, "payout_held")
    (hold,) = desk.tenant.get(path)["holds"]
    assert (hold["remark"], hold["held_by"].partition("_")[0]) == (body["remark"], "brand:key")
    refused = desk.tenant.call("POST", f"{path}/release", json={"reason": "fine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "needs_person")


def test_rules_are_versions_that_an_owner_sets(desk: Desk) -> None:
    tenant = desk.tenant
    assert tenant.get("/approval-rules")["version"] == 0
    mo = person(desk.office)
    body = ONE_APPROVAL | {"limits": [{"member_id": mo.id, "currency": "USD", "up_to": 30_000}]}
    assert tenant.post("/approval-rules", body)["version"] == 1
    assert tenant.post("/approval-rules", TWO_APPROVALS)["version"] == 2
    shown = tenant.get("/approval-rules")
    assert (shown["version"], shown["rules"]["tiers"]["USD"][0]["approvals"]) == (2, 2)
    assert tenant.call("POST", "/approval-rules", Role.FINANCE, json=body).status_code == 403
    stranger = {"limits": [{"member_id": new_id("member"), "currency": "USD", "up_to": 1}]}
    refused = tenant.call("POST", "/approval-rules", json=stranger)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "limits.0.member_id")
    falling = {"tiers": {"USD": [{"above": 9, "approvals": 1}, {"above": 1, "approvals": 2}]}}
    assert tenant.call("POST", "/approval-rules", json=falling).status_code == 422
    assert tenant.get("/approval-rules")["version"] == 2


def test_who_made_the_campaign_over_the_api_is_its_author(desk: Desk, brand: Tenant) -> None:
    """The author's rows are written where the terms are: by creating, changing, and inviting with a fee."""
    from infra.tables import TermsAuthor
    from tests.api.conftest import campaign_body, creator_body, lamp

    brand.post("/products", lamp())
    creator = brand.post("/creators", creator_body())["id"]
    campaign = brand.post("/campaigns", campaign_body())["id"]
    brand.call("PATCH", f"/campaigns/{campaign}", json={"budget": 200_000})
    fee = {"amount": 30_000, "currency": "USD"}
    invited = brand.post(
        f"/campaigns/{campaign}/invitations", {"creator_ids": [creator], "fee": fee}, status=200
    )
    with desk.office.sessions() as session:
        rows = session.query(TermsAuthor).filter(TermsAuthor.campaign_id == campaign)
        found = [(row.what, row.collaboration_id) for row in rows.order_by(TermsAuthor.id)]
    assert found == [("terms", None), ("terms", None), ("amount", invited["collaboration_ids"][0])]


def test_many_are_approved_with_exceptions_and_a_result_for_each_line(desk: Desk) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    due = sorted(desk.due() for _ in range(3))
    for of in due:
        desk.flagged(of, "awaits_approval")
    mo = desk.signed_in(person(desk.office))
    left_out = payout_id(due[0])
    body = {"all_waiting": True, "exceptions": [left_out]}
    key = {"Idempotency-Key": "approve-the-morning"}
    report = mo.post("/payouts/approvals", body, status=200, headers=key)
    assert (report["approved"], report["refused"]) == (2, 0)
    assert {line["payout_id"] for line in report["results"]} == {payout_id(of) for of in due[1:]}
    again = mo.call("POST", "/payouts/approvals", json=body, headers=key)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (report, "true")
    for of in due[1:]:
        desk.paid(of)
    named = {"payouts": [left_out, payout_id(due[1]), "payout_" + "0" * 26]}
    lines = {line["payout_id"]: line for line in mo.post("/payouts/approvals", named, status=200)["results"]}
    assert lines[left_out]["result"] == "approved"
    assert lines[payout_id(due[1])]["code"] in ("wrong_stage", "ended")
    assert lines["payout_" + "0" * 26]["code"] == "not_found"
    desk.paid(due[0])
    for wrong in ({}, {"all_waiting": True, "payouts": [left_out]}):
        assert mo.call("POST", "/payouts/approvals", json=wrong).status_code == 422


def test_one_decides_with_words_and_sees_why_not(desk: Desk) -> None:
    set_rules(desk.office, TWO_APPROVALS)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    path = f"/payouts/{payout_id(of)}"
    mo, ida, ops = (
        desk.signed_in(person(desk.office, role)) for role in (Role.FINANCE, Role.FINANCE, Role.OPS)
    )
    assert mo.get(path)["may"] == {"approve": True, "why_not": ""}
    assert mo.post(f"{path}/approve", status=200)["outcome"] == "payout_approved"
    assert mo.get(path)["may"]["why_not"] == "You have decided about it already."
    assert ops.get(path)["may"]["why_not"] == "This needs finance or owner; you are ops."
    refused = ops.call("POST", f"{path}/approve")
    assert refused.json()["detail"] == "this needs the role owner or finance; yours is ops"
    held = ida.call("POST", f"{path}/refuse", json={"reason": "amount_unclear", "remark": "It was 200."})
    assert held.json()["outcome"] == "payout_held"
    shown = mo.get(path)
    assert [(one["decision"], one["remark"], one["counts"]) for one in shown["decisions"]] == [
        ("approved", "", False),
        ("refused", "It was 200.", False),
    ]
    released = ida.call("POST", f"{path}/release", json={"reason": "explained", "remark": "It is 220."})
    assert released.status_code == 200
    over = ida.call(
        "POST", f"{path}/override", json={"gate": "funds_available", "reason": "please", "remark": "Please."}
    )
    assert (over.status_code, over.json()["code"]) == (409, "not_overridable")
    assert desk.attempts(of) == 0


def test_a_session_that_ended_is_nobody(desk: Desk, web: TestClient) -> None:
    for secret in ("Session guess", "Session", "session  "):
        answer = web.get("/api/v1/payouts", headers={"Authorization": secret})
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_key")
