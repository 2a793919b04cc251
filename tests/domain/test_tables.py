"""The tables of the domain are whole: a stage or command that is added half makes these fail."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import pytest

from domain.command_table import COMMANDS
from domain.commands import Command, Request
from domain.decide import HANDLERS, decide
from domain.errors import HandselError, IllegalCommand, Refused
from domain.ids import PREFIXES, derived_id, encode, is_id
from domain.notices import ONLY_AT, TRANSACTIONAL, NoticeKind
from domain.offer import CampaignType
from domain.policy import Policy
from domain.roles import Actor, ActorKind
from domain.stages import ATTENTION_OWNER, ENDS, STAGES, Attention, Ball, Stage
from tests.domain.walks import START, command, opening

MODELS = {model.model_fields["name"].default: model for model in get_args(get_args(Command)[0])}


AFTER_THE_END = {
    "record_look",
    "settle_finding",
    "record_reversal",
    "settle_reversal",
    "record_bank_payout",
    "request_clawback",
    "approve_clawback",
    "refuse_clawback",
    "settle_clawback",
}
"""What is found after the payment, money that comes back, and persons' words on it (decision 7)."""


def test_every_command_has_a_model_a_rule_and_a_handler() -> None:
    assert set(MODELS) == set(COMMANDS) == set(HANDLERS)


def test_every_rule_names_somebody_some_stage_and_an_effect_in_a_sentence() -> None:
    for name, rule in COMMANDS.items():
        assert rule.actors, name
        assert rule.stages, name
        assert rule.effect.endswith("."), name
        after = {Stage.COMPLETED} if name in AFTER_THE_END else set()
        assert rule.stages & ENDS == after, f"{name} would act after the end"


def test_every_stage_has_facts_and_a_way_out() -> None:
    assert set(STAGES) == set(Stage)
    for stage, facts in STAGES.items():
        assert facts.meaning.endswith(".")
        assert facts.end == (facts.ball is Ball.NOBODY and stage is not Stage.VERIFIED)
        if not facts.end:
            assert [name for name, rule in COMMANDS.items() if stage in rule.stages], stage


def test_every_attention_has_an_owner() -> None:
    assert set(ATTENTION_OWNER) == set(Attention)
    assert set(ATTENTION_OWNER.values()) <= {"ops", "finance", "creator", "engineer"}


def test_notices_that_can_be_overtaken_say_where_they_belong() -> None:
    for kind in NoticeKind:
        if kind not in TRANSACTIONAL:
            assert kind in ONLY_AT, kind
            assert not ONLY_AT[kind] & ENDS


def test_commands_carry_ids_and_codes_only() -> None:
    """No free text, so that nothing personal can enter a workflow's history through a command."""
    for model in MODELS.values():
        for name, field in model.model_fields.items():
            if field.annotation is str and name != "name":
                bounded = any(getattr(rule, "max_length", None) for rule in field.metadata)
                shaped = any(getattr(rule, "pattern", None) for rule in field.metadata)
                assert bounded or shaped, f"{model.__name__}.{name}"


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_outside_its_stages_or_by_another_actor_is_illegal(name: str, stage: Stage) -> None:
    state = opening(CampaignType.GIFTING_PAID, Policy()).model_copy(
        update={"stage": stage, "parcel": 1, "attempt": 1}
    )
    rule = COMMANDS[name]
    for kind in ActorKind:
        request = Request(id="x", actor=Actor(kind=kind), command=command(name, state))
        if stage not in rule.stages or kind not in rule.actors:
            with pytest.raises(IllegalCommand) as caught:
                decide(state, request, START)
            assert caught.value.code == ("wrong_stage" if stage not in rule.stages else "wrong_actor")


def _subclasses(of: type[HandselError]) -> set[type[HandselError]]:
    return {of} | {deep for child in of.__subclasses__() for deep in _subclasses(child)}


def test_every_refusal_has_a_code_and_a_status_a_client_can_use() -> None:
    kinds = [kind for kind in _subclasses(Refused) if kind.__module__ == "domain.errors"]
    for kind in kinds:
        assert kind.code
        assert 400 <= kind.status < 500
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_ids_are_readable_derived_alike_and_of_one_kind() -> None:
    assert derived_id("payout", "a", 1) == derived_id("payout", "a", 1)
    assert derived_id("payout", "a", 1) != derived_id("payout", "a", 2)
    assert derived_id("payout", "ab", "c") != derived_id("payout", "a", "bc")
    assert len(set(PREFIXES.values())) == len(PREFIXES)
    for kind, prefix in PREFIXES.items():
        assert is_id(kind, derived_id(kind, "x"))
        assert derived_id(kind, "x").startswith(f"{prefix}_")
        assert not is_id(kind, derived_id(kind, "x").upper())
        assert not is_id(kind, derived_id(kind, "x") + "\n")


def test_ids_are_typeids_as_others_write_them() -> None:
    """The example of the specification, https://github.com/jetify-com/typeid/tree/main/spec."""

    assert (
        encode("prefix", UUID("01890a5d-ac96-774b-bcce-b302099a8057")) == "prefix_01h455vb4pex5vsknk084sn02q"
    )
