"""Money: every step's lines, keys that count once, and books that balance."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from activities.ledger import Posted, post
from domain.commands import ConfirmTransfer, OpenAttempt, Reassess, SettleAttempt, Withdraw
from domain.errors import Defect, IdempotencyConflict, SoldOut
from domain.ledger import Deal, NewEntry, budget_declared, fee_earned, fee_held, fee_voided, payout_id
from domain.money import Money
from domain.roles import HANDSEL
from domain.stages import Attention, Stage
from infra.ids import new_id
from infra.ledger_check import check, trial_balance
from infra.tables import Account, Campaign, Entry, Movement, Payout, PayoutAttempt
from tests.records.office import BRAND, FEE, START, STRIPE, Office

TEN_FEES = 10 * FEE.amount


def _post(office: Office, entry: NewEntry) -> Posted:
    with office.sessions.begin() as session:
        return post(session, entry, brand_id=office.brand_id, actor=HANDSEL, at=START)


def _lines(office: Office, of: str) -> set[tuple[str, str, str, int]]:
    """Kind, source, destination and amount of each line, ids written as whose they are."""
    with office.sessions() as session:
        rows = session.execute(
            select(Entry.kind, Movement.source, Movement.destination, Movement.amount)
            .join(Movement, Movement.entry_id == Entry.id)
            .where(Entry.collaboration_id == of)
        ).all()
    names = {
        of: "it",
        office.campaign_id: "its",
        office.state(of).creator_id: "them",
        payout_id(of): "one",
    }

    def plain(account: str) -> str:
        return ":".join(names.get(part, part) for part in account.split(":"))

    return {(row.kind, plain(row.source), plain(row.destination), row.amount) for row in rows}


HELD = ("fee_held", "campaign:its:budget", "collaboration:it:held", 22_000)
VOIDED = ("fee_voided", "collaboration:it:held", "campaign:its:budget", 22_000)
EARNED = ("fee_earned", "collaboration:it:held", "creator:them:owed:USD", 22_000)
OPENED = ("attempt_opened", "creator:them:owed:USD", "payout:one:in_transit", 22_000)
SENT = ("attempt_sent", "payout:one:in_transit", "creator:them:paid:USD", 22_000)
REFUSED = ("attempt_refused", "payout:one:in_transit", "creator:them:owed:USD", 22_000)


def _assert_sound(office: Office) -> None:
    with office.sessions() as session:
        assert check(session) == []
        assert sum(line.amount for line in trial_balance(session)) == 0


def _payout(office: Office, of: str) -> Payout:
    (payout,) = office.rows(Payout, of)
    return payout


def _attempts(office: Office, of: str) -> list[tuple[int, str, str | None]]:
    with office.sessions() as session:
        rows = session.scalars(
            select(PayoutAttempt)
            .where(PayoutAttempt.payout_id == payout_id(of))
            .order_by(PayoutAttempt.number)
        )
        return [(row.number, row.state, row.stripe_transfer_id) for row in rows]


# --- the life of a fee --------------------------------------------------------------------------


def test_a_fee_goes_from_the_budget_to_the_creator_in_four_steps(office: Office) -> None:
    office.open()
    of = office.sent()
    assert _lines(office, of) == {HELD, EARNED, OPENED, SENT}
    creator = office.state(of).creator_id
    assert office.balance(f"campaign:{office.campaign_id}:budget") == TEN_FEES - FEE.amount
    assert office.balance(f"creator:{creator}:paid:USD") == FEE.amount
    assert office.balance(f"creator:{creator}:owed:USD") == 0
    assert _payout(office, of).state == "sent"
    assert _attempts(office, of) == [(1, "sent", f"tr_{of}")]
    _assert_sound(office)
    office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=f"tr_{of}"), STRIPE)
    assert (_payout(office, of).state, office.state(of).stage) == ("confirmed", Stage.COMPLETED)
    _assert_sound(office)


def test_stripes_message_may_come_before_the_answer_to_the_call(office: Office) -> None:
    office.open()
    of = office.paying()
    office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id="tr_early"), STRIPE)
    assert _lines(office, of) == {HELD, EARNED, OPENED, SENT}
    assert _attempts(office, of) == [(1, "sent", "tr_early")]
    assert _payout(office, of).state == "confirmed"
    _assert_sound(office)


def test_a_withdrawn_agreement_gives_the_fee_back(office: Office) -> None:
    office.open(budget=FEE.amount)
    of = office.accepted()
    office.must(of, Withdraw(), BRAND)
    assert _lines(office, of) == {HELD, VOIDED}
    assert office.balance(f"campaign:{office.campaign_id}:budget") == FEE.amount
    _assert_sound(office)
    office.accepted()
    _assert_sound(office)


def test_a_refused_transfer_is_owed_again_and_the_next_attempt_pays(office: Office) -> None:
    office.open()
    of = office.paying()
    office.must(of, SettleAttempt(result="refused", reason="payee"))
    assert _lines(office, of) == {HELD, EARNED, OPENED, REFUSED}
    assert office.balance(f"creator:{office.state(of).creator_id}:owed:USD") == FEE.amount
    assert _payout(office, of).state == "ready"
    _assert_sound(office)
    office.must(of, Reassess(), STRIPE)
    office.must(of, OpenAttempt(report_id=office.report(of, destination=f"acct_{of}")))
    office.must(of, SettleAttempt(result="sent", transfer_id="tr_2"))
    assert _attempts(office, of) == [(1, "refused", None), (2, "sent", "tr_2")]
    assert office.balance(f"creator:{office.state(of).creator_id}:paid:USD") == FEE.amount
    _assert_sound(office)


def test_an_unknown_outcome_moves_nothing_until_it_is_known(office: Office) -> None:
    office.open()
    of = office.paying()
    office.must(of, SettleAttempt(result="unknown", reason="timeout"))
    assert _lines(office, of) == {HELD, EARNED, OPENED}
    assert (_payout(office, of).state, _attempts(office, of)) == ("unknown", [(1, "unknown", None)])
    assert office.state(of).attention is Attention.OUTCOME_UNKNOWN
    assert office.balance(f"payout:{payout_id(of)}:in_transit") == FEE.amount
    _assert_sound(office)
    office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id="tr_found"))
    assert _attempts(office, of) == [(1, "sent", "tr_found")]
    _assert_sound(office)


# --- opening an attempt --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stale",
    [
        {"all_pass": False},
        {"destination": "acct_other"},
        {"amount": FEE.amount - 1},
        {"currency": "EUR"},
        {"sequence": 1},
    ],
    ids=lambda stale: next(iter(stale)),
)
def test_no_attempt_opens_on_a_report_of_other_facts(office: Office, stale: dict[str, Any]) -> None:
    office.open()
    of = office.payable()
    office.payee(of)
    report = office.report(of, **stale)
    before = office.count_everything(of)
    assert office.give(of, OpenAttempt(report_id=report)).refused == "report_stale"
    assert office.count_everything(of) == before
    assert _attempts(office, of) == []


def test_no_attempt_opens_on_another_collaborations_report(office: Office) -> None:
    office.open()
    mine, other = office.payable(), office.payable()
    office.payee(mine)
    report = office.report(other, sequence=office.state(mine).sequence)
    assert office.give(mine, OpenAttempt(report_id=report)).refused == "report_stale"


@pytest.mark.parametrize("account", ["acct_new", ""], ids=["changed", "switched_off"])
def test_no_attempt_opens_when_the_payee_changed_after_the_report(office: Office, account: str) -> None:
    office.open()
    of = office.payable()
    office.payee(of)
    report = office.report(of)
    office.payee(of, account or "acct_1", can_receive=bool(account))
    assert office.give(of, OpenAttempt(report_id=report)).refused == "report_stale"


def test_the_attempt_keeps_the_gates_amount_and_destination_it_was_opened_on(office: Office) -> None:
    office.open()
    of = office.paying()
    office.payee(of, "acct_changed_later")
    with office.sessions() as session:
        attempt = session.get_one(PayoutAttempt, (payout_id(of), 1))
        assert (attempt.amount, attempt.currency, attempt.destination) == (22_000, "USD", f"acct_{of}")
        assert [gate["name"] for gate in attempt.gates] == ["fee_owed"]


def test_one_transfer_pays_one_payout(office: Office) -> None:
    office.open()
    first, second = office.paying(), office.paying()
    office.must(first, SettleAttempt(result="sent", transfer_id="tr_same"))
    with pytest.raises(Defect) as caught:
        office.give(second, SettleAttempt(result="sent", transfer_id="tr_same"))
    assert "stripe_transfer_id" in caught.value.message
    assert _payout(office, second).state == "sending"
    _assert_sound(office)


# --- posting ------------------------------------------------------------------------------------


def test_the_same_entry_again_is_the_first_one(office: Office) -> None:
    office.open()
    entry = budget_declared(office.campaign_id, Money(amount=TEN_FEES, currency="USD"))
    assert _post(office, entry) == Posted(entry.id, repeated=True)
    assert office.balance(f"campaign:{office.campaign_id}:budget") == TEN_FEES


def test_another_amount_under_the_same_key_is_refused(office: Office) -> None:
    office.open()
    with pytest.raises(IdempotencyConflict):
        _post(office, budget_declared(office.campaign_id, Money(amount=TEN_FEES + 1, currency="USD")))
    assert office.balance(f"campaign:{office.campaign_id}:budget") == TEN_FEES
    _assert_sound(office)


def test_an_entry_is_taken_back_once(office: Office) -> None:
    office.open()
    deal = Deal(office.campaign_id, new_id("collaboration"), new_id("creator"))
    _post(office, fee_held(deal, FEE))
    _post(office, fee_voided(deal, FEE))
    assert _post(office, fee_voided(deal, FEE)).repeated
    with pytest.raises(IdempotencyConflict):
        _post(office, fee_voided(deal, Money(amount=1, currency="USD")))
    assert office.balance(f"campaign:{office.campaign_id}:budget") == TEN_FEES


def test_a_short_budget_is_sold_out_and_any_other_short_account_is_a_defect(office: Office) -> None:
    office.open(budget=FEE.amount - 1)
    deal = Deal(office.campaign_id, new_id("collaboration"), new_id("creator"))
    with pytest.raises(SoldOut) as short:
        _post(office, fee_held(deal, FEE))
    assert short.value.code == "budget_short"
    with pytest.raises(Defect):
        _post(office, fee_earned(deal, FEE))
    with office.sessions() as session:
        assert session.get(Account, f"collaboration:{deal.collaboration_id}:held") is None


def test_an_account_keeps_one_currency(office: Office) -> None:
    office.open()
    deal = Deal(office.campaign_id, new_id("collaboration"), new_id("creator"))
    with pytest.raises(Defect):
        _post(office, fee_held(deal, Money(amount=1, currency="EUR")))


def test_no_personal_data_in_the_books(office: Office) -> None:
    """Ids, codes and amounts only: nothing that a creator typed is in any ledger table."""
    office.open()
    of = office.sent()
    with office.sessions() as session:
        text = repr(
            [
                tuple(row)
                for table in (Account, Entry, Movement, Payout, PayoutAttempt)
                for row in session.execute(select(*table.__table__.c))
            ]
        )
        assert session.get_one(Campaign, office.campaign_id).name not in text
    assert of in text
    for personal in ("Ada", "Byron", "Ringweg", "Jena", "@example.net"):
        assert personal not in text
