"""Money that came back or went another way: entries that balance, and never one person alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from activities.errands import Errand
from domain.commands import (
    ApproveClawback,
    ApproveOffPlatform,
    Command,
    ConfirmTransfer,
    Reassess,
    RecordBankPayout,
    RecordOffPlatform,
    RecordReversal,
    RefuseClawback,
    RefuseOffPlatform,
    RequestClawback,
    SettleClawback,
    SettleReversal,
)
from domain.errors import IllegalCommand, Invalid
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.roles import Actor, Role
from domain.stages import Attention, Stage
from infra.tables import (
    Brand,
    Clawback,
    Collaboration,
    OffPlatformPayment,
    Payee,
    Payout,
)
from infra.yearly import yearly_totals
from tests.records.finance import document, gates, person, sound, told, waiting
from tests.records.office import FEE, STRIPE, Office


def completed(office: Office) -> str:
    of = office.sent()
    office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=f"tr_{of}"), STRIPE)
    return of


def balances(office: Office, of: str) -> dict[str, int]:
    creator = office.state(of).creator_id
    return {
        "budget": office.balance(f"campaign:{office.campaign_id}:budget"),
        "paid": office.balance(f"creator:{creator}:paid:USD"),
        "owed": office.balance(f"creator:{creator}:owed:USD"),
        "elsewhere": office.balance(f"creator:{creator}:paid_elsewhere:USD"),
        "returned": office.balance(f"payout:{payout_id(of)}:returned"),
        "returning": office.balance(f"payout:{payout_id(of)}:returning"),
    }


def refused(office: Office, of: str, command: Command, actor: Actor) -> str:
    before = office.count_everything(of)
    recorded = office.give(of, command, actor)
    assert recorded.refused
    assert office.count_everything(of) == before
    return recorded.refused


# --- reversals by Stripe -------------------------------------------------------------------------------


def test_what_stripe_reverses_waits_for_a_persons_word(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = completed(office)
    office.must(of, _reversal(of, 10_000), STRIPE)
    assert office.state(of).attention is Attention.TRANSFER_REVERSED
    assert balances(office, of) | {"elsewhere": 0} == {
        "budget": 0,
        "paid": 12_000,
        "owed": 0,
        "elsewhere": 0,
        "returned": 10_000,
        "returning": 0,
    }
    sound(office)
    with pytest.raises(IllegalCommand, match="known"):
        office.decided(of, _reversal(of, 10_000), STRIPE)
    office.must(of, _reversal(of, FEE.amount), STRIPE)
    office.must(of, SettleReversal(payout_id=payout_id(of), reason="wrong_person"), person(office))
    assert balances(office, of)["budget"] == FEE.amount
    assert balances(office, of)["returned"] == 0
    assert (office.state(of).stage, office.state(of).attention) == (Stage.COMPLETED, None)
    sound(office)


def test_what_came_back_meanwhile_is_not_asked_back_again(office: Office) -> None:
    """Asked for, then Stripe reverses all of it by itself, then another person approves: refused by name."""
    office.open(budget=FEE.amount)
    of = completed(office)
    mo, ida = person(office), person(office)
    office.must(of, _ask(of, 10_000), mo)
    office.must(of, _reversal(of, FEE.amount), STRIPE)
    with pytest.raises(Invalid, match="no more than 0") as caught:
        office.decided(of, ApproveClawback(number=1), ida)
    assert caught.value.field == "number"
    office.must(of, RefuseClawback(number=1, reason="not_owed"), ida)
    sound(office)


# --- clawbacks -------------------------------------------------------------------------------------------


def _reversal(of: str, total: int) -> RecordReversal:
    return RecordReversal(payout_id=payout_id(of), transfer_id=f"tr_{of}", total=total)


def _ask(of: str, amount: int = 10_000) -> RequestClawback:
    return RequestClawback(payout_id=payout_id(of), amount=amount, reason="post_deleted")


def test_a_clawback_needs_two_persons_and_moves_money_once(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = completed(office)
    mo, ida = person(office), person(office)
    office.must(of, _ask(of), mo)
    assert office.state(of).attention is Attention.CLAWBACK_ASKED
    assert refused(office, of, ApproveClawback(number=1), mo) == "four_eyes"
    assert refused(office, of, ApproveClawback(number=1), person(office, Role.OPS)) == "not_an_approver"
    office.must(of, ApproveClawback(number=1), ida)
    assert (balances(office, of)["paid"], balances(office, of)["returning"]) == (12_000, 10_000)
    sound(office)
    with pytest.raises(IllegalCommand, match="with Stripe"):
        office.decided(of, _reversal(of, 10_000), STRIPE)
    office.must(of, SettleClawback(number=1, result="sent", reversal_id="trr_1"))
    assert (balances(office, of)["budget"], balances(office, of)["returning"]) == (10_000, 0)
    with pytest.raises(IllegalCommand, match="known"):  # Stripe's message about our own reversal
        office.decided(of, _reversal(of, 10_000), STRIPE)
    with pytest.raises(Invalid, match="12000"):
        office.decided(of, _ask(of, 12_001), mo)
    (row,) = [one for one in _rows(office, Clawback) if one.payout_id == payout_id(of)]
    assert (row.state, row.reversal_id, row.asked_by, row.decided_by) == (
        "done",
        "trr_1",
        f"brand:{mo.id}",
        f"brand:{ida.id}",
    )
    sound(office)


def test_stripe_may_refuse_and_an_unknown_outcome_waits(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = completed(office)
    mo, ida = person(office), person(office)
    office.must(of, _ask(of), mo)
    office.must(of, ApproveClawback(number=1), ida)
    office.must(of, SettleClawback(number=1, result="unknown", reason="no_answer"))
    assert balances(office, of)["returning"] == 10_000
    with pytest.raises(IllegalCommand, match="only as refused"):
        office.decided(of, SettleClawback(number=1, result="sent", reversal_id="trr_1"), mo)
    office.must(of, SettleClawback(number=1, result="refused", reason="funds"))
    assert (balances(office, of)["paid"], office.state(of).attention) == (
        FEE.amount,
        Attention.CLAWBACK_FAILED,
    )
    office.must(of, _ask(of), mo)
    office.must(of, RefuseClawback(number=2, reason="not_worth_it"), mo)
    assert balances(office, of)["paid"] == FEE.amount
    sound(office)


# --- paid outside of Stripe ---------------------------------------------------------------------------------


def test_a_payment_elsewhere_closes_the_payout_with_two_persons_and_adocument(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = waiting(office)
    mo, ida = person(office), person(office)
    report = RecordOffPlatform(payout_id=payout_id(of), document_id=document(office, of), method="cash")
    stranger = report.model_copy(update={"document_id": derived_id("payment_document", "other")})
    assert refused(office, of, stranger, mo) == "not_found"
    office.must(of, report, mo)
    _, found = gates(office, of)
    assert found["not_held"]["result"] == "waiting"
    assert refused(office, of, ApproveOffPlatform(payout_id=payout_id(of)), mo) == "four_eyes"
    office.must(of, ApproveOffPlatform(payout_id=payout_id(of)), ida)
    assert office.state(of).stage is Stage.COMPLETED
    assert (balances(office, of)["owed"], balances(office, of)["elsewhere"]) == (0, FEE.amount)
    (payout,) = office.rows(Payout, of)
    assert payout.state == "paid_elsewhere"
    sound(office)


def test_a_payment_that_was_not_made_elsewhere_goes_on(office: Office) -> None:
    office.open()
    of = waiting(office)
    mo = person(office)
    office.must(
        of, RecordOffPlatform(payout_id=payout_id(of), document_id=document(office, of), method="cash"), mo
    )
    office.must(of, RefuseOffPlatform(payout_id=payout_id(of), reason="not_on_statement"), mo)
    _, found = gates(office, of)
    assert {gate["result"] for gate in found.values()} == {"pass"}
    assert [row.state for row in _rows(office, OffPlatformPayment)] == ["refused"]


# --- what Stripe's messages lead to ----------------------------------------------------------------


def test_the_year_counts_what_was_sent_less_what_came_back_and_gifts_that_arrived(office: Office) -> None:
    office.open()
    of = completed(office)
    office.must(of, _reversal(of, 2_000), STRIPE)
    with office.sessions() as session:
        brand = session.get_one(Brand, office.brand_id)
        (year,) = yearly_totals(session, brand, office.clock.year)
        assert (year.creator_id, year.country) == (office.state(of).creator_id, "DE")
        assert (year.cash, year.gifts, year.pieces) == ({"USD": FEE.amount - 2_000}, {"USD": 4200}, 1)
        assert yearly_totals(session, brand, office.clock.year + 1) == []


def test_a_bank_that_refuses_is_told_once_and_moves_no_money(office: Office) -> None:
    office.open()
    of = completed(office)
    (errand,) = told(
        office, "payout.failed", account=f"acct_{of}", object_id="po_1", failure_code="no_account"
    )
    assert errand.collaboration_id == of
    before = balances(office, of)
    office.must(of, errand.command, STRIPE)
    assert office.state(of).attention is Attention.BANK_PAYOUT_FAILED
    assert balances(office, of) == before
    with pytest.raises(IllegalCommand, match="known"):
        office.decided(of, errand.command, STRIPE)
    (errand,) = told(office, "payout.paid", account=f"acct_{of}", object_id="po_2")
    assert errand.command == RecordBankPayout(outcome="paid", bank_payout_id="po_2")
    office.must(of, errand.command, STRIPE)
    assert office.state(of).attention is None
    assert told(office, "payout.paid", account=f"acct_{of}", object_id="po_3") == []


def test_a_reversal_names_the_total(office: Office) -> None:
    office.open()
    of = completed(office)
    (errand,) = told(
        office, "transfer.reversed", payout_id=payout_id(of), object_id=f"tr_{of}", amount_reversed=500
    )
    assert errand.command == _reversal(of, 500)
    assert told(office, "transfer.reversed", payout_id="payout_unknown", amount_reversed=5) == []


def test_new_funds_wake_who_waits_for_them(office: Office) -> None:
    office.open()
    of, other = waiting(office), waiting(office)
    with office.sessions.begin() as session:
        session.execute(
            update(Collaboration).where(Collaboration.id == of).values(attention=Attention.FUNDS_SHORT.value)
        )
    for kind in ("balance.available", "topup.succeeded"):
        assert told(office, kind) == [Errand(of, Reassess())]
    del other


def test_another_bank_account_makes_payments_rest_but_not_the_first_one(
    office: Office, sessions: sessionmaker[Session]
) -> None:
    office.open()
    of = waiting(office)
    account = f"acct_{of}"

    def replaced() -> datetime | None:
        with sessions() as session:
            return session.scalar(select(Payee.replaced_at).where(Payee.stripe_account_id == account))

    assert told(office, "account.updated", account=account) == [Errand(of, Reassess())]  # ready since now
    told(office, "account.external_account.created", account=account, object_id="ba_1")
    assert replaced() is None
    with sessions.begin() as session:
        session.execute(
            update(Payee)
            .where(Payee.stripe_account_id == account)
            .values(ready_at=func.now() - timedelta(days=30))
        )
    told(office, "account.external_account.created", account=account, object_id="ba_2")
    assert replaced() is not None
    _, found = gates(office, of)
    assert found["payee_unchanged"]["result"] == "waiting"


def _rows(office: Office, table: type) -> list:  # type: ignore[type-arg] # any table
    with office.sessions() as session:
        return list(session.scalars(select(table)))
