"""Whole lives: whatever anybody tries, at whatever time, the promises of the product hold."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.alarms import next_alarm
from domain.command_table import COMMANDS
from domain.commands import Lose, MarkSilent
from domain.stages import ENDS, STAGES, Attention, Stage
from domain.state import Change, State
from tests.domain.test_tables import AFTER_THE_END
from tests.domain.walks import SENSIBLE, Walk, walked

AFTER_PAYMENT = (
    Attention.POST_CHANGED,
    Attention.TRANSFER_REVERSED,
    Attention.BANK_PAYOUT_FAILED,
    Attention.CLAWBACK_ASKED,
    Attention.CLAWBACK_FAILED,
    Attention.CLAWBACK_UNKNOWN,
)
"""What a person may still have to look at when all is done."""
PARCEL_AWAY = (Stage.PREPARING, Stage.SHIPPED)
FIRST_SEEDS = range(700)


@pytest.fixture(scope="module")
def under_way() -> list[Walk]:
    """Lives as far as they got."""
    return [walked(seed) for seed in FIRST_SEEDS]


@pytest.fixture(scope="module")
def finished(under_way: list[Walk]) -> list[Walk]:
    """The same lives, brought to their end by time and by whoever has the ball."""
    walks = [walk.copy() for walk in under_way]
    for walk in walks:
        walk.finish()
    return walks


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=len(FIRST_SEEDS)))
def test_other_lives_come_to_an_end_too(seed: int) -> None:
    """New lives at every run; what fails is kept and tried again. Anything but a `Refused` fails the walk."""
    walk = walked(seed)
    walk.finish()
    assert walk.state.ended


def test_the_walks_reach_every_command_and_every_end(finished: list[Walk]) -> None:
    """Otherwise the properties below would hold for want of trying."""
    commands = {change.command for walk in finished for change in walk.changes}
    assert set(COMMANDS) - commands == set()
    assert ENDS - {walk.state.stage for walk in finished} == set()


def test_every_command_is_a_change_or_a_named_refusal(under_way: list[Walk]) -> None:
    """A change counts on from where the state stood and survives being written down."""
    for step in (step for walk in under_way for step in walk.steps if step.change):
        change, after = step.change, step.after
        assert change.events
        assert change.sequence == step.before.sequence
        assert after.sequence == step.before.sequence + len(change.events)
        assert change.events[-1].stage is after.stage
        assert Change.model_validate_json(change.model_dump_json(by_alias=True)) == change
        assert State.model_validate_json(after.model_dump_json()) == after


def test_the_clocks_command_is_possible_when_its_alarm_rings(under_way: list[Walk]) -> None:
    """Else the workflow would wake again and again: `ring` raises when the command is refused."""
    for walk in (one.copy() for one in under_way):
        while (alarm := next_alarm(walk.state)) is not None:
            walk.ring()
            assert next_alarm(walk.state) != alarm, "the same alarm would ring again"


def test_every_life_comes_to_an_end(finished: list[Walk]) -> None:
    for walk in finished:
        assert walk.state.ended, walk.state.stage
        assert next_alarm(walk.state) is None
        assert walk.state.attention in (None, *AFTER_PAYMENT)
        assert walk.effects("revoke_links")
        possible = {name for name, rule in COMMANDS.items() if walk.state.stage in rule.stages}
        assert possible <= AFTER_THE_END


def test_no_clock_runs_against_a_creator_whose_parcel_is_not_there(finished: list[Walk]) -> None:
    for step in (step for walk in finished for step in walk.steps):
        if step.after.stage in PARCEL_AWAY:
            assert step.after.due_at is None
            alarm = next_alarm(step.after)
            assert alarm is None or isinstance(alarm.command, MarkSilent | Lose)


def test_reminders_go_out_only_while_the_creator_has_the_ball(finished: list[Walk]) -> None:
    for step in (step for walk in finished for step in walk.steps):
        if step.change is not None and step.change.command == "remind":
            waits_for_creator = STAGES[step.before.stage].ball == "creator"
            assert waits_for_creator or step.before.attention is Attention.PAYEE_MISSING


def test_no_two_notices_share_a_kind_and_a_step(finished: list[Walk]) -> None:
    """The second would be dropped in silence: at most one is sent per (collaboration, kind, step)."""
    for walk in finished:
        assert not [of for of, count in walk.notices().items() if count > 1]


def test_a_fee_is_held_once_then_earned_or_given_back(finished: list[Walk]) -> None:
    for walk in finished:
        effects = walk.effects("hold_fee", "void_fee", "earn_fee", "unearn_fee")
        moves = " ".join(effect.do for effect in effects)
        assert re.fullmatch("(hold_fee( earn_fee( unearn_fee)?)*( void_fee| earn_fee))?", moves)
        completed = walk.state.stage is Stage.COMPLETED
        assert ("earn_fee" in moves.replace("earn_fee unearn_fee", "")) == (
            completed and walk.state.type.pays
        )
        numbers = [effect.number for effect in effects if effect.do == "earn_fee"]
        assert numbers == list(range(1, len(numbers) + 1))
        if not walk.state.type.pays:
            assert not moves


def test_what_is_found_before_the_payment_takes_the_fee_back_and_after_it_moves_nothing(
    finished: list[Walk],
) -> None:
    looks = [
        step
        for walk in finished
        for step in walk.steps
        if step.change is not None and step.change.command == "record_look"
    ]
    assert {step.before.stage for step in looks} == COMMANDS["record_look"].stages
    for step in looks:
        assert step.change is not None
        moves = [effect.do for effect in step.change.effects if effect.do.endswith("_fee")]
        if step.before.stage in (Stage.VERIFIED, Stage.PAYABLE):
            earned = step.before.stage is Stage.PAYABLE
            assert step.after.stage is Stage.DISCLOSURE_CHECK
            assert moves == (["unearn_fee"] if earned else [])
        else:
            assert step.after.stage is step.before.stage
            assert moves == []


def test_an_attempt_is_opened_when_none_is_open_and_closed_once(finished: list[Walk]) -> None:
    for walk in finished:
        opened, closed = 0, 0
        for effect in walk.effects("start_attempt", "close_attempt"):
            if effect.do == "start_attempt":
                opened += 1
            elif effect.result != "unknown":
                closed += 1
            assert effect.number == opened
            assert opened - closed in (0, 1)
        assert opened == closed
        sent = [effect for effect in walk.effects("close_attempt") if effect.result == "sent"]
        elsewhere = [one for one in walk.effects("close_elsewhere") if one.decision == "approved"]
        owed = len(walk.effects("earn_fee", "owe_late_fee", "pay_again")) - len(walk.effects("unearn_fee"))
        assert len(sent) + len(elsewhere) == owed


def test_pieces_and_parcels_add_up(finished: list[Walk]) -> None:
    """Every parcel takes a piece unless it is a returned one; one that never left gives it back."""
    for walk in finished:
        opened = walk.effects("open_parcel")
        assert [parcel.number for parcel in opened] == list(range(1, len(opened) + 1))
        assert len(walk.effects("reserve_stock")) == len([one for one in opened if one.kind != "resent"])
        assert all(0 < mark.number <= len(opened) for mark in walk.effects("mark_parcel"))
        cancelled = [mark for mark in walk.effects("mark_parcel") if mark.state == "cancelled"]
        assert len(walk.effects("release_stock")) == len(cancelled) <= 1


def test_the_brand_cannot_walk_away_from_work_that_was_handed_in(finished: list[Walk]) -> None:
    for walk in finished:
        if walk.state.stage is Stage.WITHDRAWN_BY_BRAND:
            last = [step for step in walk.steps if step.change][-1].before
            assert last.drafts == 0
            assert last.post_id is None


def test_a_plain_gift_never_leaves_a_mark(finished: list[Walk]) -> None:
    gifts = [walk for walk in finished if not walk.state.type.owes_content]
    closed = [walk for walk in gifts if walk.state.stage is Stage.NO_POST]
    assert closed
    assert {walk.state.end_reason for walk in closed} == {"not_owed"}
    assert not [effect for walk in gifts for effect in walk.effects("hold_fee")]


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in ENDS])
def test_waiting_stages_have_an_alarm_or_somebody_who_acts(stage: Stage) -> None:
    clocked = {
        Stage.INVITED,
        Stage.ACCEPTED,
        Stage.DELIVERED,
        Stage.IN_PRODUCTION,
        Stage.IN_REVIEW,
        Stage.CHANGES_REQUESTED,
        Stage.APPROVED,
        Stage.VERIFIED,
    }
    assert (stage in clocked) != (stage in SENSIBLE)


def test_no_more_comes_back_than_was_paid_and_each_clawback_ends_once(finished: list[Walk]) -> None:
    for walk in finished:
        opened = [one for one in walk.effects("decide_clawback") if one.decision == "approved"]
        closed = walk.effects("close_clawback")
        assert len(opened) - len(closed) == (walk.state.clawback in ("approved", "unknown"))
        for part in walk.state.parts:
            taken = sum(one.amount for one in closed if one.result == "sent" and one.part == part.number)
            reversed_ = sum(one.amount for one in walk.effects("return_money") if one.part == part.number)
            assert part.returned == taken + reversed_
            assert taken <= part.amount
            settled = sum(one.amount for one in walk.effects("settle_returned") if one.part == part.number)
            again = sum(one.amount for one in walk.effects("pay_again") if one.of == part.number)
            assert part.unsettled == reversed_ - settled - again


def test_the_parts_of_a_fee_are_paid_or_withheld_and_make_up_the_fee(finished: list[Walk]) -> None:
    """Whatever a fee was split into, at the end every unit of it is paid or the campaign's again."""
    tails_paid, tails_withheld = 0, 0
    for walk in finished:
        fee = walk.state.fee.amount if walk.state.fee else 0
        promised = [part for part in walk.state.all_parts if part.of_the_fee]
        assert sum(part.amount for part in promised) == fee
        voided = sum(one.fee.amount for one in walk.effects("void_fee"))
        paid = sum(part.amount for part in promised if part.over in ("paid", "elsewhere"))
        held = bool(walk.effects("hold_fee"))
        assert paid + voided == (fee if held else 0)
        withheld = sum(part.amount for part in promised if part.over == "withheld")
        assert withheld == (voided if paid else 0)
        tails_paid += paid == fee and len(promised) > 1
        tails_withheld += bool(withheld)
    assert tails_paid
    assert tails_withheld


def test_what_is_owed_beside_the_fee_is_paid_once_too(finished: list[Walk]) -> None:
    """Late fees and what came back: each is a part, and each is sent or paid elsewhere at the end."""
    kinds = set()
    for walk in finished:
        added = walk.effects("owe_late_fee", "pay_again")
        extra = [part for part in walk.state.parts if not part.of_the_fee]
        assert [one.part for one in added] == [part.number for part in extra]
        assert all(part.over in ("paid", "elsewhere") for part in extra)
        kinds |= {part.kind for part in extra}
        late = walk.effects("owe_late_fee")
        assert len({one.of for one in late}) == len(late)
    assert len(kinds) == 2


def test_no_part_is_sent_twice_or_before_the_post_was_verified(finished: list[Walk]) -> None:
    for walk in finished:
        sent = Counter(one.part for one in walk.effects("close_attempt") if one.result == "sent")
        elsewhere = Counter(one.part for one in walk.effects("close_elsewhere") if one.decision == "approved")
        assert all(count == 1 for count in (sent + elsewhere).values())
        for step in walk.steps:
            if step.change and any(one.do == "start_attempt" for one in step.change.effects):
                part = step.before.current
                assert part is not None
                assert part.owed
                assert step.before.verified_at is not None or not part.of_the_fee
