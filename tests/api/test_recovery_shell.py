"""`handsel payout clawback`, `off-platform` and `reversal`: asked for by one member, decided by another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from domain.commands import ConfirmTransfer, RecordReversal
from domain.ledger import payout_id
from domain.roles import Role
from infra.settings import Settings
from tests.api.live import until, working
from tests.api.shell import Shell, shell_of
from tests.api.test_payouts import Desk
from tests.conftest import RunningStack
from tests.records.finance import ONE_APPROVAL, approve, person, set_rules
from tests.records.office import STRIPE

RECEIPT = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@pytest.fixture
def desk(web: TestClient, app: FastAPI, sessions: sessionmaker[Session], settings: Settings) -> Desk:
    return Desk(web, app, sessions, settings)


@pytest.fixture
def shell(desk: Desk, stack: RunningStack, address: str, tmp_path: Path) -> Shell:
    """`handsel payout ...` with the brand's key."""
    return partial(shell_of(stack, address, tmp_path, desk.tenant.keys[Role.OWNER]), "payout")


def completed(desk: Desk) -> str:
    """A payment that was approved, sent and confirmed: the id of its collaboration."""
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    assert desk.give(of, approve(of), person(desk.office)) == "done"
    desk.paid(of)
    (made,) = desk.gateway.find_transfers(payout_id(of))
    confirm = ConfirmTransfer(payout_id=payout_id(of), transfer_id=made.transfer_id)
    assert desk.give(of, confirm, STRIPE) in ("done", "ended")
    until(lambda: desk.office.state(of).stage == "completed", 120)
    return of


def test_a_clawback_is_asked_for_refused_and_asked_for_again(desk: Desk, shell: Shell) -> None:
    of = completed(desk)
    mo, ida = person(desk.office).id, person(desk.office).id
    ask = ["clawback", "ask", payout_id(of), "--reason", "post_deleted", "--remark", "Gone."]
    nobody = shell(*ask, "--amount", "100", ends=1).stderr
    assert "A person has to decide this" in nobody
    assert "/console/payouts" in nobody
    assert "no amount of USD" in shell(*ask, "--amount", "1.005", "--as", mo, ends=2).stderr
    assert "amount" in shell(*ask, "--amount", "220.01", "--as", mo, ends=1).stderr
    assert "Nothing was asked back" in shell("clawback", "approve", payout_id(of), "--as", ida, ends=1).stderr
    assert "clawback_requested" in shell(*ask, "--amount", "100.00", "--as", mo).stdout
    decide = ["clawback", "refuse", payout_id(of), "--reason", "not_owed"]
    assert "clawback_refused" in shell(*decide, "--as", ida).stdout
    assert "no_clawback" in shell(*decide, "--as", ida, ends=1).stderr
    shell(*ask, "--amount", "50", "--as", mo)
    assert "four_eyes" in shell("clawback", "approve", payout_id(of), "--as", mo, ends=1).stderr
    unknown = ["clawback", "settle", payout_id(of), "--reason", "not_at_stripe", "--as", ida]
    assert "no_clawback" in shell(*unknown, ends=1).stderr
    shell("clawback", "approve", payout_id(of), "--as", ida)
    until(lambda: "50.00 USD done" in shell("clawback", "list", payout_id(of)).stdout, 120)
    assert "1. " in shell("clawback", "list", payout_id(of)).stdout
    (transfer,) = desk.gateway.find_transfers(payout_id(of))
    assert transfer.amount_reversed == 5_000


def test_a_payment_elsewhere_is_reported_with_its_receipt(desk: Desk, shell: Shell, tmp_path: Path) -> None:
    set_rules(desk.office, ONE_APPROVAL)
    of = desk.due()
    desk.flagged(of, "awaits_approval")
    mo, ida = person(desk.office).id, person(desk.office).id
    receipt, letter, text = tmp_path / "receipt.pdf", tmp_path / "letter.pdf", tmp_path / "note.txt"
    receipt.write_bytes(RECEIPT)
    letter.write_bytes(b"not what it says")
    text.write_text("paid")
    record = ["off-platform", "record", payout_id(of)]
    how = ["--method", "bank_transfer", "--as", mo]
    assert "no PDF, JPEG or PNG" in shell(*record, str(text), *how, ends=2).stderr
    assert "not a PDF, JPEG or PNG" in shell(*record, str(letter), *how, ends=1).stderr
    shell(*record, str(tmp_path / "nothing.pdf"), *how, ends=2)
    assert "A person has to decide" in shell(*record, str(receipt), "--method", "cash", ends=1).stderr
    assert desk.tenant.get(f"/payouts/{payout_id(of)}/documents") == []
    assert "off_platform_reported" in shell(*record, str(receipt), *how, "--remark", "Monday.").stdout
    assert "four_eyes" in shell("off-platform", "approve", payout_id(of), "--as", mo, ends=1).stderr
    refuse = ["off-platform", "refuse", payout_id(of), "--reason", "not_shown", "--as", ida]
    assert "off_platform_refused" in shell(*refuse).stdout
    assert "already_reported" in shell(*record, str(receipt), *how, ends=1).stderr
    receipt.write_bytes(RECEIPT + b"% the whole statement\n")
    shell(*record, str(receipt), *how)
    assert "completed" in shell("off-platform", "approve", payout_id(of), "--as", ida).stdout
    assert desk.tenant.get(f"/payouts/{payout_id(of)}")["state"] == "paid_elsewhere"
    assert desk.transfers(of) == 0


def test_what_stripe_reversed_is_settled_by_a_person(desk: Desk, shell: Shell) -> None:
    of = completed(desk)
    settle = ["reversal", "settle", payout_id(of), "--reason", "seen_at_stripe"]
    mo = person(desk.office).id
    assert "nothing_to_settle" in shell(*settle, "--as", mo, ends=1).stderr
    (made,) = desk.gateway.find_transfers(payout_id(of))
    back = RecordReversal(payout_id=payout_id(of), transfer_id=made.transfer_id, total=7_000)
    assert desk.give(of, back, STRIPE) in ("done", "ended")
    until(lambda: desk.office.state(of).attention == "transfer_reversed", 120)
    assert "then" in shell(*settle, "--then", "burn", "--as", mo, ends=1).stderr
    assert "reversal_settled" in shell(*settle, "--as", mo).stdout
    assert desk.office.balance(f"campaign:{desk.office.campaign_id}:budget") == 10 * 22_000 - 22_000 + 7_000


def test_what_stripe_reversed_by_mistake_is_paid_once_more_when_another_person_approves(
    desk: Desk, shell: Shell
) -> None:
    of = completed(desk)
    (made,) = desk.gateway.find_transfers(payout_id(of))
    back = RecordReversal(payout_id=payout_id(of), transfer_id=made.transfer_id, total=7_000)
    assert desk.give(of, back, STRIPE) in ("done", "ended")
    until(lambda: desk.office.state(of).attention == "transfer_reversed", 120)
    mo, ida = person(desk.office), person(desk.office)
    settle = ["reversal", "settle", payout_id(of), "--reason", "a_mistake", "--then", "pay_again"]
    shell(*settle, "--as", mo.id)
    again = payout_id(of, 2)
    until(lambda: desk.office.state(of).attention == "awaits_approval", 120)
    assert "four eyes" in shell("approve", again, "--as", mo.id, ends=1).stdout.lower()
    shell("approve", again, "--as", ida.id)
    until(lambda: len(desk.gateway.find_transfers(again)) == 1, 120)
    (second,) = desk.gateway.find_transfers(again)
    assert (second.amount, second.currency) == (7_000, "usd")
    shown = desk.tenant.get(f"/payouts/{again}")
    assert (shown["kind"], shown["of_part"], shown["amount"]) == ("again", 1, 7_000)
    assert shown["parts"][0]["state"] == "confirmed"
