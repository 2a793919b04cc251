"""Payments on the staff's pages: where they stand, who may decide, many at once, holds, bundles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from domain.bundle_verifier import verify
from domain.ledger import payout_id
from domain.roles import Actor, Role
from infra.settings import Settings
from infra.tables import CreatorKey, PaymentDocument
from tests.api.live import until, working
from tests.api.test_payouts import Desk
from tests.console.conftest import hidden_fields
from tests.console.walk import Insider
from tests.records.finance import ONE_APPROVAL, TWO_APPROVALS, person, set_rules

As = Callable[[Actor], Insider]
LIST = "/console/payouts"


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


@pytest.fixture
def signed_in(app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> As:
    return lambda actor: Insider(app, sessions, settings, actor.id)


def waiting(desk: Desk, how_many: int = 1) -> list[str]:
    """Collaborations whose payments wait for an approval."""
    due = [desk.due() for _ in range(how_many)]
    for of in due:
        desk.flagged(of, "awaits_approval")
    return due


def words(text: str) -> str:
    """What a page says, without its markup."""
    body = text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def send(insider: Insider, path: str, action: str, **typed: Any) -> Any:
    """Send the form of this page that goes to `action`."""
    page = insider.client.get(path)
    assert page.status_code == 200, page.text
    return insider.client.post(action, data=hidden_fields(page.text, action) | typed)


def test_a_list_says_where_each_payment_stands_and_how_much_it_is(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    first, second = waiting(desk, 2)
    mo, ops = person(desk.office), person(desk.office, Role.OPS)
    assert desk.give(second, _hold(), ops) == "done"
    desk.flagged(second, "payout_held")
    page = signed_in(mo).client.get(LIST)
    said = words(page.text)
    assert "waits for approval 1 $220.00" in said
    assert "on hold 1 $220.00" in said
    assert "A person has to approve it." in said
    assert "Held: somebody has to be asked first." in said
    only = signed_in(mo).client.get(LIST, params={"standing": "held"}).text
    assert payout_id(second) in only
    assert payout_id(first) not in only
    assert "No payment fits." in signed_in(mo).client.get(LIST, params={"older": "30d"}).text
    assert "<form" not in signed_in(ops).client.get(LIST, params={"standing": "approval"}).text.partition(
        "<main"
    )[2].replace('<form method="get"', "")


def _hold() -> Any:
    from domain.commands import HoldPayout

    return HoldPayout(reason="ask_first")


def test_a_batch_answers_for_each_line_and_counts_once(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    first, second, third = waiting(desk, 3)
    mo, ida = person(desk.office), person(desk.office)
    here = signed_in(mo)
    page = here.client.get(LIST, params={"standing": "approval"})
    fields = hidden_fields(page.text, f"{LIST}/approve")
    assert page.text.count('name="payout"') == 3
    # Meanwhile somebody else approves one of them, and it is on its way.
    other = send(
        signed_in(ida),
        f"{LIST}/{payout_id(first)}",
        f"{LIST}/{payout_id(first)}/approve",
    )
    assert other.status_code == 303, other.text
    desk.paid(first)
    ticked = {"payout": [payout_id(first), payout_id(second)]}
    answer = here.client.post(f"{LIST}/approve", data=fields | ticked)
    said = words(answer.text)
    assert answer.status_code == 200, answer.text
    assert "1 approved, 1 refused" in said
    desk.paid(second)
    again = here.client.post(f"{LIST}/approve", data=fields | ticked)
    assert "1 approved, 1 refused" in words(again.text)
    assert desk.transfers(first) == desk.transfers(second) == 1
    assert desk.transfers(third) == desk.attempts(third) == 0
    nothing = send(here, f"{LIST}?standing=approval", f"{LIST}/approve")
    assert nothing.status_code == 422
    assert "Tick at least one payment." in words(nothing.text)


def test_a_limit_and_four_eyes_are_named_before_and_after(desk: Desk, signed_in: As) -> None:
    mo, ida = person(desk.office), person(desk.office)
    set_rules(
        desk.office,
        TWO_APPROVALS | {"limits": [{"member_id": mo.id, "currency": "USD", "up_to": 10_000}]},
    )
    (of,) = waiting(desk)
    page = signed_in(mo).client.get(LIST, params={"standing": "approval"}).text
    assert "You may approve up to USD 100.00; this is larger." in page
    assert 'name="payout"' not in page
    here = signed_in(mo)
    one = f"{LIST}/{payout_id(of)}"
    assert "You cannot approve it: You may approve up to USD 100.00; this is larger." in words(
        here.client.get(one).text
    )
    marks = {"csrf": here.csrf, "nonce": "mine"}
    refused = here.client.post(f"{one}/approve", data=marks)
    assert refused.status_code == 403
    assert "You may approve up to" in words(refused.text)
    batch = here.client.post(f"{LIST}/approve", data=marks | {"payout": [payout_id(of)]})
    assert "Nothing was approved." in words(batch.text)
    assert "You may approve up to" in words(batch.text)
    assert send(signed_in(ida), one, f"{one}/approve").status_code == 303
    twice = signed_in(ida).client.get(one).text
    assert "You have decided about it already." in twice
    assert desk.attempts(of) == 0


def test_hold_and_release_with_words_and_an_owner(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    mo, ops = person(desk.office), person(desk.office, Role.OPS)
    one = f"{LIST}/{payout_id(of)}"
    here = signed_in(ops)
    empty = send(here, one, f"{one}/hold")
    assert empty.status_code == 422
    assert 'href="#hold-reason"' in empty.text
    held = send(here, one, f"{one}/hold", reason="other", remark="Is this the Ana of last year?", owner=mo.id)
    assert held.headers["location"] == f"{one}?done=payout_hold"
    desk.flagged(of, "payout_held")
    page = here.client.get(one).text
    assert "Is this the Ana of last year?" in page
    assert f"{one}/release" not in page  # ops may hold, and cannot release
    assert "takes the role owner or finance" in page
    theirs = signed_in(mo)
    assert send(theirs, one, f"{one}/release", reason="other").status_code == 422
    assert send(theirs, one, f"{one}/release", reason="cleared_up").status_code == 303
    desk.flagged(of, "awaits_approval")
    assert "it is cleared up" in words(theirs.client.get(one).text)


def test_a_refusal_shows_who_said_no_and_why(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    one = f"{LIST}/{payout_id(of)}"
    here = signed_in(person(desk.office))
    sent = send(here, one, f"{one}/refuse", reason="amount_unclear", remark="The offer said 200.")
    assert sent.status_code == 303
    said = words(here.client.get(one).text)
    assert "the amount is not clear: The offer said 200." in said
    assert "Held: an approver refused." in said


def test_an_override_needs_words_and_only_what_may_be_answered_for(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    one = f"{LIST}/{payout_id(of)}"
    here = signed_in(person(desk.office))
    marks = {"csrf": here.csrf, "nonce": "mine"}
    for gate in ("funds_available", "payee_ready", "nonsense", ""):
        fields = marks | {"gate": gate, "reason": "checked_by_hand", "remark": "I looked."}
        refused = here.client.post(f"{one}/override", data=fields)
        assert refused.status_code == 422, gate
        assert 'href="#override-gate"' in refused.text
    silent = here.client.post(
        f"{one}/override", data=marks | {"gate": "not_duplicate", "reason": "checked_by_hand"}
    )
    assert 'href="#override-remark"' in silent.text
    fields = marks | {"gate": "not_duplicate", "reason": "checked_by_hand", "remark": "Two people, one reel."}
    assert here.client.post(f"{one}/override", data=fields).status_code == 303
    assert "checked by hand: Two people, one reel." in words(here.client.get(one).text)


def test_the_whole_story_and_a_bundle_that_verifies(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    one = f"{LIST}/{payout_id(of)}"
    here = signed_in(person(desk.office))
    assert send(here, one, f"{one}/approve").status_code == 303
    desk.paid(of)
    assert send(here, one, f"{one}/bundles").headers["location"].startswith(f"{one}?done=bundle_")
    page = here.client.get(one).text
    said = words(page)
    assert "Approved by 1 of 1." in said
    assert re.search(r"tr_\w+", said)
    assert "$220.00 from creator:" in said
    assert "Payment due" in said or "Fee" in said
    found = re.search(rf'href="({one}/bundles/\d+)"', page)
    assert found, said
    bundle = here.client.get(found.group(1))
    assert bundle.headers["content-type"] == "application/zip"
    assert verify(bundle.content) == []
    assert "manifest.json" in ZipFile(BytesIO(bundle.content)).namelist()
    viewer = signed_in(person(desk.office, Role.VIEWER))
    assert viewer.client.get(found.group(1)).content == bundle.content
    assert f'action="{one}/bundles"' not in viewer.client.get(one).text


def test_payments_of_another_brand_do_not_exist(
    desk: Desk, web: TestClient, app: FastAPI, settings: Settings, signed_in: As
) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    stranger = signed_in(person(Desk(web, app, desk.office.sessions, settings).office, Role.OWNER))
    one = f"{LIST}/{payout_id(of)}"
    marks = {"csrf": stranger.csrf, "nonce": "mine", "reason": "other", "remark": "x"}
    marks["gate"] = "not_duplicate"
    assert stranger.client.get(one).status_code == 404
    assert stranger.client.get(f"{one}/bundles/1").status_code == 404
    assert stranger.client.get(f"/console/collaborations/{of}").status_code == 404
    for act in ("approve", "refuse", "hold", "release", "override", "reassess", "settle", "bundles"):
        assert stranger.client.post(f"{one}/{act}", data=marks).status_code == 404, act
    batch = stranger.client.post(f"{LIST}/approve", data=marks | {"payout": [payout_id(of)]})
    assert "A payment that is not of this brand" in words(batch.text)
    assert "0 approved" not in words(batch.text)
    assert payout_id(of) not in stranger.client.get(LIST).text
    assert desk.office.state(of).held == ""
    assert desk.attempts(of) == 0


def test_a_collaboration_is_told_to_staff(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    page = signed_in(person(desk.office, Role.VIEWER)).client.get(f"/console/collaborations/{of}")
    said = words(page.text)
    assert page.status_code == 200, said
    assert "The fee is earned; the gates decide when it goes." in said
    assert "Payments that wait for an approval" in said
    assert "The parcel arrived" in said
    assert f"{LIST}/{payout_id(of)}" in page.text
    home = signed_in(person(desk.office)).client.get("/console").text
    assert f'href="{LIST}?standing=approval"' in home


def test_money_is_asked_back_by_one_and_decided_by_another(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, {})
    of = desk.due()
    desk.paid(of)
    one = f"{LIST}/{payout_id(of)}"
    mo, ida = signed_in(person(desk.office)), signed_in(person(desk.office))
    too_much = send(mo, one, f"{one}/clawback", amount="220.01", reason="post_deleted", remark="Gone.")
    assert too_much.status_code == 422
    assert 'href="#clawback-amount"' in too_much.text
    asked = send(mo, one, f"{one}/clawback", amount="20.00", reason="post_deleted", remark="Gone.")
    assert asked.headers["location"] == f"{one}?done=payout_clawback"
    refused = send(mo, one, f"{one}/clawback-approve")
    assert refused.status_code == 403
    assert "Four eyes: you asked for it yourself" in words(refused.text)
    assert f'href="{LIST}?attention=clawback_asked"' in ida.client.get("/console").text
    assert payout_id(of) in ida.client.get(LIST, params={"attention": "clawback_asked"}).text
    said = {"reason": "not_owed", "remark": "We agreed that she keeps it."}
    assert send(ida, one, f"{one}/clawback-refuse", **said).status_code == 303
    seen = words(mo.client.get(one).text)
    assert "it is not owed back: We agreed that she keeps it." in seen
    assert "the post was taken down: Gone." in seen
    asked = send(mo, one, f"{one}/clawback", amount="20.00", reason="post_deleted", remark="Really gone.")
    assert asked.status_code == 303
    assert send(ida, one, f"{one}/clawback-approve").status_code == 303
    until(lambda: "$20.00 came back." in words(mo.client.get(one).text), 120)


def test_a_payment_outside_of_stripe_needs_a_document_and_a_second_person(desk: Desk, signed_in: As) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    (of,) = waiting(desk)
    one = f"{LIST}/{payout_id(of)}"
    mo, ida = signed_in(person(desk.office)), signed_in(person(desk.office))
    fields = hidden_fields(mo.client.get(one).text, f"{one}/elsewhere") | {"reason": "bank_transfer"}
    none = mo.client.post(f"{one}/elsewhere", data=fields)
    assert 'href="#elsewhere-document"' in none.text
    wrong = mo.client.post(f"{one}/elsewhere", data=fields, files={"document": ("x.pdf", b"no document")})
    assert "This is not a PDF, JPEG or PNG file" in words(wrong.text)
    receipt = ("receipt.pdf", b"%PDF-1.7 a receipt", "application/pdf")
    sent = mo.client.post(f"{one}/elsewhere", data=fields, files={"document": receipt})
    assert sent.status_code == 303, words(sent.text)
    assert send(mo, one, f"{one}/elsewhere-approve").status_code == 403
    assert send(ida, one, f"{one}/elsewhere-approve").status_code == 303
    said = words(ida.client.get(one).text)
    assert "paid elsewhere" in said
    assert desk.transfers(of) == desk.attempts(of) == 0


def test_a_document_is_downloaded_by_finance_alone_and_only_as_it_was_uploaded(
    desk: Desk, signed_in: As, app: FastAPI
) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of, second = waiting(desk, 2)
    one = f"{LIST}/{payout_id(of)}"
    mo = signed_in(person(desk.office))
    fields = hidden_fields(mo.client.get(one).text, f"{one}/elsewhere") | {"reason": "bank_transfer"}
    body = b"%PDF-1.7 <script>alert(1)</script>"
    receipt = ('ada "lovelace".html', body, "text/html")
    assert mo.client.post(f"{one}/elsewhere", data=fields, files={"document": receipt}).status_code == 303
    link = re.search(rf'href="({one}/documents/[^"]+)"', mo.client.get(one).text)
    assert link
    file = mo.client.get(link.group(1))
    assert file.content == body
    assert file.headers["content-type"] == "application/pdf"
    assert re.fullmatch(r'attachment; filename="\w+\.pdf"', file.headers["content-disposition"])
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in file.headers["content-security-policy"]
    for role in (Role.OPS, Role.VIEWER):
        other = signed_in(person(desk.office, role))
        assert other.client.get(link.group(1)).status_code == 403
        assert link.group(1) not in other.client.get(one).text
    of_another = link.group(1).replace(payout_id(of), payout_id(second))
    assert mo.client.get(of_another).status_code == 404
    with desk.office.sessions() as session:
        kept = session.get_one(PaymentDocument, link.group(1).rpartition("/")[2])
    sealed = app.state.objects.read(kept.object_key)
    assert b"script" not in sealed, "the store holds it sealed"
    assert kept.file_name == "document.pdf", "its own name may name the creator"
    app.state.objects.put(kept.object_key, b"%PDF-1.7 another", "application/pdf")
    changed = mo.client.get(link.group(1))
    assert changed.status_code == 409
    assert "not the one that was uploaded" in words(changed.text)
    app.state.objects.put(kept.object_key, sealed, "application/octet-stream")
    assert mo.client.get(link.group(1)).content == body
    with desk.office.sessions.begin() as session:
        session.execute(delete(CreatorKey).where(CreatorKey.creator_id == desk.office.state(of).creator_id))
    assert mo.client.get(link.group(1)).status_code == 404, "gone with the creator's key"
