"""Gates and rules as properties: money moves only where each gate passes or is answered for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.approvals import ApprovalRules, Given, Limit, Need, Tier, enough, limit_of, need
from domain.commands import CheckOutcome
from domain.gate_facts import GateFacts, GateResult, Override
from domain.gates import ATTENTION_OF, OVERRIDABLE, all_pass, assess, flag_of, look_at
from domain.ids import derived_id
from domain.money import Money
from domain.offer import CampaignType
from domain.payout_line import UNSURE_LOOKS_AGAIN, Standing
from domain.roles import Role
from domain.stages import Attention, Stage

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MEMBERS = [derived_id("member", number) for number in range(4)]
SHA = "a" * 64

GOOD: dict[str, Any] = {
    "type": CampaignType.GIFTING_PAID,
    "stage": Stage.PAYABLE,
    "terms_sha256": SHA,
    "accepted_sha256": SHA,
    "accepted_event": 3,
    "delivered_event": 6,
    "last_check": CheckOutcome.PASS,
    "check_event": 9,
    "accepted_by_person": None,
    "verified_at": NOW - timedelta(days=3),
    "live_until": None,
    "pieces_owed": 1,
    "posts_live": 1,
    "held_for_fee": 22_000,
    "fee": 22_000,
    "currency": "USD",
    "collaboration_id": "collab_1",
    "brand_id": "brand_1",
    "payee_account": "acct_1",
    "payee_can_receive": True,
    "pay_by": NOW + timedelta(days=20),
    "open_attempt": False,
}
WRONG: dict[str, dict[str, Any]] = {
    "terms_accepted": {"accepted_sha256": "b" * 64},
    "parcel_arrived": {"delivered_event": None},
    "content_complete": {"posts_live": 0},
    "disclosure_passed": {"last_check": CheckOutcome.FAIL},
    "live_long_enough": {"live_until": NOW + timedelta(days=1)},
    "not_duplicate": {"duplicate_of": "collab_other"},
    "fee_owed": {"held_for_fee": 21_999},
    "not_held": {"held": "looks_odd"},
    "payee_ready": {"payee_can_receive": False},
    "tax_data_present": {"tax_data_missing": True},
    "payee_unchanged": {"payee_changed_until": NOW + timedelta(days=1)},
    "approvals_given": {"need": Need(1, owner=False)},
    "in_payout_run": {"run_at": NOW + timedelta(hours=2)},
    "funds_available": {"line": Standing(place=2, of=3, lacking=1, shortage=22_001)},
    "no_open_attempt": {"open_attempt": True},
}
"""For each gate, the facts in which it alone is in the way."""


def facts(*wrong: str, **more: Any) -> GateFacts:
    values = GOOD.copy()
    for name in wrong:
        values |= WRONG[name]
    return GateFacts(**values | more)


def test_each_gate_has_a_case_in_which_it_alone_is_in_the_way() -> None:
    assert [gate.name for gate in assess(facts(), NOW)] == list(WRONG)
    assert all_pass(assess(facts(), NOW))
    for name in WRONG:
        in_the_way = [gate.name for gate in assess(facts(name), NOW) if gate.result is not GateResult.PASS]
        assert in_the_way == [name]


def test_whoever_waits_is_named_with_a_time() -> None:
    for name in WRONG:
        gate = {gate.name: gate for gate in assess(facts(name), NOW)}[name]
        assert gate.detail.endswith(".")
        if gate.result is GateResult.WAITING:
            assert gate.waiting_on in ("creator", "brand", "finance", "stripe", "time")
            assert gate.until is not None
        else:
            assert gate.waiting_on == ""


_gates = st.sets(st.sampled_from(sorted(WRONG)))


@given(wrong=_gates, answered=_gates)
def test_money_moves_only_where_every_gate_passes_or_may_be_answered_for(
    wrong: set[str], answered: set[str]
) -> None:
    overrides = {name: Override(by=MEMBERS[0], reason="known", event=11) for name in answered}
    gates = assess(facts(*wrong, overrides=overrides), NOW)
    assert all_pass(gates) == (wrong <= answered & OVERRIDABLE)
    for gate in gates:
        overridden = gate.name in wrong & answered & OVERRIDABLE
        assert (gate.result is GateResult.OVERRIDDEN) == overridden
        if overridden:
            assert gate.override == overrides[gate.name]
            assert gate.event == 11
    if all_pass(gates):
        assert flag_of(gates, facts(*wrong)) == ""
    else:
        open_ = {gate.name for gate in gates if gate.result is GateResult.WAITING}
        failed = any(gate.result is GateResult.FAIL for gate in gates)
        assert bool(flag_of(gates, facts(*wrong))) == (failed or bool(open_ & set(ATTENTION_OF)))


def test_who_waits_for_money_is_told_the_place_and_what_the_whole_run_lacks() -> None:
    gate = {gate.name: gate for gate in assess(facts("funds_available"), NOW)}["funds_available"]
    assert gate.waiting_on == "finance"
    assert gate.detail == (
        "Place 2 of 3 in the payout run; the paying balance lacks USD 0.01 for this fee, "
        "and USD 220.01 for the whole run."
    )


def test_money_under_way_is_waited_for_without_asking_anybody() -> None:
    unsure = facts(line=Standing(place=2, of=3, lacking=1, shortage=1, certain=False))
    gates = assess(unsure, NOW)
    assert not all_pass(gates)
    assert flag_of(gates, unsure) == ""
    assert look_at(gates, NOW) == NOW + UNSURE_LOOKS_AGAIN
    parked = unsure.model_copy(update={"parked": True})
    assert flag_of(gates, parked) == Attention.FUNDS_SHORT, "who was told before is not told that it is over"


def test_a_hold_that_is_too_old_asks_louder() -> None:
    held = facts("not_held")
    assert flag_of(assess(held, NOW), held) == Attention.PAYOUT_HELD
    overdue = held.model_copy(update={"hold_overdue": True})
    assert flag_of(assess(overdue, NOW), overdue) == Attention.HOLD_OVERDUE


# --- rules of approval --------------------------------------------------------------------------------

RULES = ApprovalRules(
    tiers={
        "USD": [
            Tier(above=0, approvals=0),
            Tier(above=10_000, approvals=1),
            Tier(above=100_000, approvals=2, owner=True),
        ]
    },
    other_currencies=1,
)


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [
        (1, Need(0, owner=False)),
        (10_000, Need(0, owner=False)),
        (10_001, Need(1, owner=False)),
        (100_000, Need(1, owner=False)),
        (100_001, Need(2, owner=True)),
    ],
)
def test_the_amount_decides_how_many_look(amount: int, wanted: Need) -> None:
    assert need(RULES, Money(amount=amount, currency="USD")) == wanted


def test_other_currencies_and_second_looks() -> None:
    assert need(RULES, Money(amount=1, currency="EUR")) == Need(1, owner=False)
    assert need(ApprovalRules(), Money(amount=10**9, currency="USD")) == Need(0, owner=False)
    assert need(ApprovalRules(), Money(amount=1, currency="USD"), again=True) == Need(1, owner=False)


@given(
    amount=st.integers(1, 10**7),
    given_by=st.lists(st.tuples(st.sampled_from(MEMBERS), st.sampled_from([Role.FINANCE, Role.OWNER]))),
)
def test_approvals_count_persons_not_clicks(amount: int, given_by: list[tuple[str, Role]]) -> None:
    wanted = need(RULES, Money(amount=amount, currency="USD"))
    given_ = [Given(member, role, number) for number, (member, role) in enumerate(given_by)]
    persons = {member for member, _ in given_by}
    owners = {member for member, role in dict(given_by).items() if role is Role.OWNER}
    assert enough(wanted, given_) == (len(persons) >= wanted.approvals and (not wanted.owner or bool(owners)))


def test_ones_own_limit_goes_before_the_roles() -> None:
    rules = ApprovalRules(
        limits=[
            Limit(role=Role.FINANCE, currency="USD", up_to=100),
            Limit(member_id=MEMBERS[0], currency="USD", up_to=500),
        ]
    )
    assert limit_of(rules, MEMBERS[0], Role.FINANCE, "USD") == 500
    assert limit_of(rules, MEMBERS[1], Role.FINANCE, "USD") == 100
    assert limit_of(rules, MEMBERS[1], Role.OWNER, "USD") is None
    assert limit_of(rules, MEMBERS[1], Role.FINANCE, "EUR") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"tiers": {"USD": [{"above": 5, "approvals": 1}, {"above": 5, "approvals": 2}]}},
        {"tiers": {"USD": [{"above": 9, "approvals": 1}, {"above": 5, "approvals": 2}]}},
        {"tiers": {"USD": [{"above": 0, "approvals": 0, "owner": True}]}},
        {"tiers": {"usd": []}},
        {"limits": [{"currency": "USD", "up_to": 5}]},
        {"limits": [{"role": "finance", "member_id": MEMBERS[0], "currency": "USD", "up_to": 5}]},
        {"tiers": {"USD": [{"above": 0, "approvals": 9}]}},
        {"approvals": 1},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ApprovalRules.model_validate(wrong)
