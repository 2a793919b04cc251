"""Approvals, holds and overrides against the real database: who may, what counts, and what nobody can."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.exc import DBAPIError

from activities.contracts import Recorded
from activities.record import record
from domain.commands import (
    Command,
    HoldPayout,
    OpenAttempt,
    OverrideGate,
    RefusePayout,
    ReleasePayout,
    SettleAttempt,
)
from domain.errors import Defect, Forbidden, IllegalCommand
from domain.ledger import payout_id
from domain.roles import Actor, ActorKind, Role
from domain.stages import Stage
from domain.state import Change
from infra.ids import new_id
from infra.ledger_check import check
from infra.tables import GateReport, Payee, PayoutAttempt, PayoutDecision, PayoutHold, Remark, TermsAuthor
from tests.records.finance import ONE_APPROVAL, TWO_APPROVALS, approve, gates, pay, person, set_rules, waiting
from tests.records.office import FEE, HANDSEL, Office

KEY = Actor(kind=ActorKind.BRAND, id=new_id("api_key"))


def refused(office: Office, of: str, command: Command, actor: Actor) -> str:
    """The refusal's code; nothing may be changed by it."""
    before = office.count_everything(of)
    recorded = office.give(of, command, actor)
    assert recorded.refused
    assert recorded.message
    assert office.count_everything(of) == before
    return recorded.refused


def attempts(office: Office, of: str) -> int:
    with office.sessions() as session:
        return session.query(PayoutAttempt).filter(PayoutAttempt.payout_id == payout_id(of)).count()


# --- without rules ------------------------------------------------------------------------------


def test_a_brand_without_rules_pays_without_approval(office: Office) -> None:
    office.open()
    of = waiting(office)
    _, found = gates(office, of)
    assert found["approvals_given"]["detail"] == "No approval is needed for this amount."
    pay(office, of)
    assert attempts(office, of) == 1


# --- who may approve ----------------------------------------------------------------------------


def test_one_approval_by_finance_lets_the_payment_go(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = waiting(office)
    _, found = gates(office, of)
    assert (found["approvals_given"]["result"], found["approvals_given"]["waiting_on"]) == (
        "waiting",
        "finance",
    )
    office.must(of, approve(of), person(office))
    _, found = gates(office, of)
    assert found["approvals_given"]["result"] == "pass"
    assert found["approvals_given"]["event"] == office.state(of).sequence
    pay(office, of)


@pytest.mark.parametrize(("role", "code"), [(Role.OPS, "not_an_approver"), (Role.VIEWER, "not_an_approver")])
def test_only_finance_and_owner_approve(office: Office, role: Role, code: str) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = waiting(office)
    assert refused(office, of, approve(of), person(office, role)) == code


def test_a_key_never_approves_releases_or_overrides(office: Office) -> None:
    office.open()
    of = waiting(office)
    office.must(of, HoldPayout(reason="looks_odd"), KEY)
    for command in (
        approve(of),
        ReleasePayout(reason="fine"),
        OverrideGate(payout_id=payout_id(of), gate="not_duplicate", reason="fine"),
        RefusePayout(payout_id=payout_id(of), reason="odd"),
    ):
        with pytest.raises(Forbidden, match="a person") as caught:
            office.decided(of, command, KEY)
        assert caught.value.code == "needs_person"


def test_a_person_of_another_brand_or_one_who_left_is_no_member(office: Office) -> None:
    office.open()
    of = waiting(office)
    stranger = Actor(kind=ActorKind.BRAND, id=new_id("member"))
    assert refused(office, of, approve(of), stranger) == "not_a_member"


def test_nobody_approves_twice(office: Office) -> None:
    office.open()
    set_rules(office, TWO_APPROVALS)
    of = waiting(office)
    mo = person(office)
    office.must(of, approve(of), mo)
    assert refused(office, of, approve(of), mo) == "already_decided"
    _, found = gates(office, of)
    assert found["approvals_given"]["detail"] == "1 of 2 approvals are given."


def test_a_large_amount_needs_two_and_an_owner(office: Office) -> None:
    office.open()
    set_rules(office, {"tiers": {"USD": [{"above": 20_000, "approvals": 2, "owner": True}]}})
    of = waiting(office)
    office.must(of, approve(of), person(office))
    office.must(of, approve(of), person(office))
    _, found = gates(office, of)
    assert found["approvals_given"]["result"] == "waiting"
    assert "owner" in found["approvals_given"]["detail"]
    office.must(of, approve(of), person(office, Role.OWNER))
    pay(office, of)


def test_a_persons_limit_is_named_and_kept(office: Office) -> None:
    office.open()
    mo, ida = person(office), person(office)
    limits = [
        {"role": "finance", "currency": "USD", "up_to": 10_000},
        {"member_id": ida.id, "currency": "USD", "up_to": 50_000},
    ]
    set_rules(office, ONE_APPROVAL | {"limits": limits})
    of = waiting(office)
    recorded = office.give(of, approve(of), mo)
    assert recorded.refused == "over_limit"
    assert "USD 100.00" in recorded.message
    office.must(of, approve(of), ida)


# --- four eyes ------------------------------------------------------------------------------------


def _author(office: Office, actor: Actor, of: str | None, what: str) -> None:
    with office.sessions.begin() as session:
        session.add(
            TermsAuthor(
                brand_id=office.brand_id,
                campaign_id=office.campaign_id,
                collaboration_id=of,
                what=what,
                actor_id=actor.id,
            )
        )


def test_who_set_the_terms_or_the_amount_cannot_approve(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of, other = waiting(office), waiting(office)
    writer, spender = person(office, Role.OWNER), person(office)
    _author(office, writer, None, "terms")
    _author(office, spender, of, "amount")
    assert refused(office, of, approve(of), writer) == "four_eyes"
    assert refused(office, of, approve(of), spender) == "four_eyes"
    office.must(other, approve(other), spender)  # only the other amount was theirs


def test_after_a_persons_settle_another_person_has_to_approve(office: Office) -> None:
    """Even where no rule asks for approvals: what one person called unpaid is not sent again by the same."""
    office.open()
    of = waiting(office)
    pay(office, of)
    office.must(of, SettleAttempt(result="unknown", reason="no_answer"))
    mo = person(office)
    office.must(of, SettleAttempt(result="refused", reason="looked_up"), mo)
    _, found = gates(office, of)
    assert found["approvals_given"]["result"] == "waiting"
    assert refused(office, of, approve(of), mo) == "four_eyes"
    office.must(of, approve(of), person(office))
    pay(office, of)
    assert attempts(office, of) == 2


def test_another_account_needs_another_approval(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = waiting(office)
    mo = person(office)
    office.must(of, approve(of), mo)
    with office.sessions.begin() as session:
        session.execute(update(Payee).values(stripe_account_id=f"acct_other_{of}"))
    _, found = gates(office, of)
    assert found["approvals_given"]["result"] == "waiting"


def test_approval_before_the_account_is_known_is_refused(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = office.payable()
    assert refused(office, of, approve(of), person(office)) == "payee_not_ready"


# --- refusals and holds -----------------------------------------------------------------------------


def test_a_refusal_holds_the_payment_and_voids_earlier_approvals(office: Office) -> None:
    office.open()
    set_rules(office, TWO_APPROVALS)
    of = waiting(office)
    mo, ida, owner = person(office), person(office), person(office, Role.OWNER)
    office.must(of, approve(of), mo)
    office.must(of, RefusePayout(payout_id=payout_id(of), reason="amount_unclear"), ida)
    state = office.state(of)
    assert (state.held, state.approval_round) == ("approval_refused", 1)
    _, found = gates(office, of)
    assert found["not_held"]["result"] == found["approvals_given"]["result"] == "waiting"
    assert found["approvals_given"]["detail"] == "0 of 2 approvals are given."
    office.must(of, ReleasePayout(reason="explained"), owner)
    office.must(of, approve(of), mo)
    office.must(of, approve(of), ida)
    pay(office, of)
    assert len(office.rows(PayoutHold, of)) == 1


def test_a_hold_has_an_owner_and_words_and_its_release_too(office: Office) -> None:
    office.open()
    of = waiting(office)
    mo = person(office)
    remark = new_id("remark")
    with office.sessions.begin() as session:
        session.add(
            Remark(id=remark, brand_id=office.brand_id, collaboration_id=of, actor="x", text="Ask Ada first")
        )
    office.must(of, HoldPayout(reason="ask_first", owner=mo.id, remark_id=remark), KEY)
    (hold,) = office.rows(PayoutHold, of)
    assert (hold.owner_id, hold.remark_id, hold.released_at) == (mo.id, remark, None)
    with pytest.raises(IllegalCommand, match="held already"):
        office.decided(of, HoldPayout(reason="again"), mo)
    office.later(days=1)
    office.must(of, ReleasePayout(reason="asked"), mo)
    (hold,) = office.rows(PayoutHold, of)
    assert (hold.released_by, hold.released_at) == (f"brand:{mo.id}", office.clock)
    assert refused(office, of, HoldPayout(reason="x", owner=new_id("member")), KEY) == "invalid"


def _at_once(office: Office, *changes: Change) -> list[Recorded | Defect]:
    def one(change: Change) -> Recorded | Defect:
        try:
            return record(office.sessions, change)
        except Defect as defect:
            return defect

    with ThreadPoolExecutor(len(changes)) as crowd:
        return list(crowd.map(one, changes))


@pytest.mark.parametrize("time", range(5))
def test_a_hold_and_the_start_of_the_transfer_cannot_both_count(office: Office, time: int) -> None:
    del time
    office.open()
    of = waiting(office)
    report_id, _ = gates(office, of)
    results = _at_once(
        office,
        office.decided(of, OpenAttempt(report_id=report_id), HANDSEL),
        office.decided(of, HoldPayout(reason="stop"), person(office)),
    )
    assert len([one for one in results if isinstance(one, Recorded) and not one.refused]) == 1
    held = bool(office.state(of).held)
    assert attempts(office, of) == (0 if held else 1)
    with office.sessions() as session:
        assert check(session) == []


@pytest.mark.parametrize("time", range(3))
def test_an_approval_and_a_hold_at_once_never_pay(office: Office, time: int) -> None:
    del time
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = waiting(office)
    mo, ida = person(office), person(office)
    _at_once(office, office.decided(of, approve(of), mo), office.decided(of, HoldPayout(reason="stop"), ida))
    report_id, found = gates(office, of)
    passed = all(gate["result"] == "pass" for gate in found.values())
    assert passed != bool(office.state(of).held)
    del report_id


def test_a_hold_makes_an_older_report_worthless(office: Office) -> None:
    office.open()
    of = waiting(office)
    report_id, _ = gates(office, of)
    office.must(of, HoldPayout(reason="stop"), person(office))
    with pytest.raises(IllegalCommand, match="held"):
        office.decided(of, OpenAttempt(report_id=report_id))
    office.must(of, ReleasePayout(reason="fine"), person(office))
    assert refused(office, of, OpenAttempt(report_id=report_id), HANDSEL) == "report_stale"


def test_two_approvers_at_once_are_two_approvals_or_one_that_is_asked_again(office: Office) -> None:
    office.open()
    set_rules(office, TWO_APPROVALS)
    of = waiting(office)
    mo, ida = person(office), person(office)
    for actor in (mo, ida):  # what the workflow's turn does: decided one after the other
        office.must(of, approve(of), actor)
    with office.sessions() as session:
        assert session.query(PayoutDecision).count() == 2
    same = office.decided(of, approve(of), person(office))
    results = _at_once(office, same, same, same)
    assert [one.refused for one in results if isinstance(one, Recorded)] == ["", "", ""]
    with office.sessions() as session:
        assert session.query(PayoutDecision).count() == 3


# --- other gates -------------------------------------------------------------------------------------


def test_the_same_post_is_not_paid_twice_unless_a_person_answers_for_it(office: Office) -> None:
    office.open()
    waiting(office, url="https://social.example/p/1")
    of = waiting(office, url="https://social.example/p/1")
    _, found = gates(office, of)
    assert found["not_duplicate"]["result"] == "fail"
    mo = person(office)
    override = OverrideGate(payout_id=payout_id(of), gate="not_duplicate", reason="two_people_one_reel")
    office.must(of, override, mo)
    _, found = gates(office, of)
    gate = found["not_duplicate"]
    assert (gate["result"], gate["override"]["by"]) == ("overridden", mo.id)
    assert gate["override"]["reason"] == "two_people_one_reel"
    assert refused(office, of, override, mo) == "already_overridden"
    pay(office, of)


@pytest.mark.parametrize(
    "gate", ["funds_available", "payee_ready", "no_open_attempt", "approvals_given", "not_held", "fee_owed"]
)
def test_what_protects_the_money_cannot_be_overridden(office: Office, gate: str) -> None:
    office.open()
    of = waiting(office)
    command = OverrideGate(payout_id=payout_id(of), gate=gate, reason="please")
    with pytest.raises(IllegalCommand) as caught:
        office.decided(of, command, person(office))
    assert caught.value.code == "not_overridable"


def test_who_overrides_does_not_approve(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = waiting(office)
    mo = person(office)
    office.must(of, OverrideGate(payout_id=payout_id(of), gate="tax_data_present", reason="known"), mo)
    assert refused(office, of, approve(of), mo) == "four_eyes"


def test_a_changed_payee_rests_by_itself(office: Office) -> None:
    office.open()
    of = waiting(office)
    with office.sessions.begin() as session:
        session.execute(update(Payee).values(replaced_at=text("now() - interval '6 days'")))
    _, found = gates(office, of)
    assert (found["payee_unchanged"]["result"], found["payee_unchanged"]["waiting_on"]) == ("waiting", "time")
    with office.sessions.begin() as session:
        session.execute(update(Payee).values(replaced_at=text("now() - interval '9 days'")))
    _, found = gates(office, of)
    assert found["payee_unchanged"]["result"] == "pass"


def test_tax_data_that_the_country_asks_for_is_waited_for(office: Office) -> None:
    office.open()
    of = waiting(office)
    with office.sessions.begin() as session:
        session.execute(update(Payee).values(requirements=["identity.individual.tax_id"]))
    _, found = gates(office, of)
    assert (found["tax_data_present"]["result"], found["tax_data_present"]["waiting_on"]) == (
        "waiting",
        "creator",
    )


# --- what the database itself refuses ------------------------------------------------------------------


def _attempt(owner: Engine, office: Office, of: str, **changed: Any) -> None:
    """Write an attempt past the program, as the owner of the tables."""
    values = {
        "payout_id": payout_id(of),
        "number": 9,
        "state": "open",
        "amount": FEE.amount,
        "currency": "USD",
        "destination": f"acct_{of}",
        "gates": [],
        "failure_code": "",
    } | changed
    with owner.begin() as connection:
        connection.execute(insert(PayoutAttempt).values(**values, opened_at=text("now()")))


def test_no_attempt_can_be_written_without_a_report_in_which_all_passes(
    office: Office, owner: Engine
) -> None:
    office.open()
    of = waiting(office)
    passing, _ = gates(office, of)
    office.must(of, HoldPayout(reason="stop"), person(office))
    failing, _ = gates(office, of)
    office.must(of, ReleasePayout(reason="fine"), person(office))
    for changed in (
        {"report_id": failing},
        {"report_id": new_id("gate_report")},
        {"report_id": passing, "amount": FEE.amount + 1},
        {"report_id": passing, "destination": "acct_thief"},
        {"report_id": passing, "currency": "EUR"},
    ):
        with pytest.raises(DBAPIError, match="released_by_report"):
            _attempt(owner, office, of, **changed)
    assert attempts(office, of) == 0
    _attempt(owner, office, of, report_id=passing)


def test_no_attempt_can_be_written_while_held(office: Office, owner: Engine) -> None:
    office.open()
    of = waiting(office)
    passing, _ = gates(office, of)
    office.must(of, HoldPayout(reason="stop"), person(office))
    with pytest.raises(DBAPIError, match="is held"):
        _attempt(owner, office, of, report_id=passing)


def test_a_report_cannot_say_more_than_its_gates(office: Office) -> None:
    office.open()
    of = office.payable()
    for found in (
        [{"name": "fee_owed", "result": "fail"}],
        [{"name": "fee_owed", "result": "pass"}, {"name": "x", "result": "waiting"}],
        [{"name": "fee_owed"}],
        [],
    ):
        with pytest.raises(DBAPIError, match="all_pass_is_true"):
            office.report(of, gates=found)
    with office.sessions() as session:
        assert session.query(GateReport).count() == 0


def test_an_approval_lives_on_with_what_it_was_given_for(office: Office) -> None:
    office.open()
    set_rules(office, ONE_APPROVAL)
    of = waiting(office)
    mo = person(office)
    office.must(of, approve(of), mo)
    with office.sessions() as session:
        row = session.get_one(PayoutDecision, (payout_id(of), 0, mo.id))
        assert (row.amount, row.currency, row.destination, row.rules_version) == (
            FEE.amount,
            "USD",
            f"acct_{of}",
            1,
        )
        assert row.sequence == office.state(of).sequence
    assert office.state(of).stage is Stage.PAYABLE
