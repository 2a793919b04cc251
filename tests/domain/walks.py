"""Random lives of a collaboration: commands of every kind, at any time, by anybody, right or wrong.

A walk gives commands to `decide` and applies what comes of it, exactly as the workflow does, and keeps a
simple ledger of what was promised, so that tests can ask about whole lives instead of single steps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from domain import commands as given
from domain.alarms import next_alarm
from domain.command_table import COMMANDS
from domain.commands import Command, Request
from domain.decide import decide
from domain.decisions.fulfilment import current_shipment
from domain.errors import Refused
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.money import Money
from domain.offer import CampaignType, FeeTail
from domain.payment_policy import LateFee, PaymentPolicy
from domain.policy import Policy
from domain.roles import CLOCK, HANDSEL, Actor, ActorKind
from domain.stages import Attention, Stage
from domain.state import Change, State, apply

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
ADDRESS, DRAFT, POST = (derived_id(kind, "x") for kind in ("answer", "submission", "post"))


def opening(
    kind: CampaignType, policy: Policy, zone: str = "UTC", tails: list[FeeTail] | None = None
) -> State:
    """A collaboration that waits for its invitation."""
    return State(
        collaboration_id=derived_id("collaboration", "c"),
        campaign_id=derived_id("campaign", "c"),
        brand_id=derived_id("brand", "b"),
        creator_id=derived_id("creator", "a"),
        offer_id=derived_id("offer", "c", 1),
        type=kind,
        fee=Money(amount=22_000, currency="USD") if kind.pays else None,
        tails=tails or [] if kind.pays else [],
        policy=policy,
        zone=zone,
        since=START,
    )


def any_opening(dice: Random) -> State:
    """A collaboration of any type, under any policy, in any of the zones."""
    policy = Policy(
        needs_draft=dice.random() < 0.5,
        replacements=dice.randrange(3),
        revisions=dice.randrange(3),
        live_for=dice.choice(["0s", "2d"]),
        invitation_reminders=dice.choice([[], ["3d", "5d"], ["5d", "3d"], ["9d"]]),
        content_reminders=dice.choice([[], ["7d", "2d"], ["30d", "1h"]]),
        grace=dice.choice(["0d", "14d", "30s"]),
        content_within=dice.choice(["21d", "21d", "10s"]),
        pay_within=dice.choice(["30d", "1d", "1h"]),
        payment=PaymentPolicy(late_fee=dice.choice([None, LateFee(per_day=10, flat=1000)])),
    )
    tails = dice.choice([[], [], TAILS[:1], TAILS])
    return opening(dice.choice(list(CampaignType)), policy, dice.choice(ZONES), tails)


TAILS = [FeeTail(percent=20, live_for="3d"), FeeTail(percent=15, live_for="10d")]


@dataclass
class Move:
    """One thing that somebody tries."""

    name: str
    """A command; `onward`: what the side that has the ball would do; `likely`: a command of this stage;
    `alarm`: wait for the next alarm and give its command."""
    actor: ActorKind | None
    """None: the first whom the table allows."""
    wait: timedelta
    pick: int
    """Chooses among possible arguments."""


_ENDING = sorted(
    {"withdraw", "decline", "expire", "excuse", "reject_post", "close_waitlist", "close_content"}
)
_EXTENSION = ["ask_extension", "grant_extension", "refuse_extension"]
_STAYING = sorted(set(COMMANDS) - set(_ENDING))


def any_move(dice: Random) -> Move:
    """Anything, by anybody, at any time."""
    return Move(
        dice.choice(["alarm", "likely", "onward", *COMMANDS]),
        dice.choice([None, None, None, *ActorKind]),
        dice.choice([timedelta(0), timedelta(minutes=1), timedelta(hours=30), timedelta(days=4)]),
        dice.randrange(12),
    )


def long_life(dice: Random) -> list[Move]:
    """Mostly onward, with trouble on the way, and seldom an early end."""
    on = dice.randrange(11)
    names = ["onward"] * 18 + ["likely"] * 24 + ["alarm"] * 4 + _STAYING
    names += dice.sample(_ENDING, dice.randrange(4)) * 2 + ["reassess"] * 2
    names += ["flag", "decline", "reject_post", *_EXTENSION] * dice.choice([0, 1, 4, 12])
    waits = [timedelta(0), timedelta(minutes=1), timedelta(hours=7), timedelta(days=2)]
    return [
        Move("onward" if number < on else dice.choice(names), None, dice.choice(waits), dice.randrange(12))
        for number in range(45)
    ]


def walked(seed: int) -> Walk:
    """The life that this seed gives; it may be under way still."""
    dice = Random(seed)
    walk = Walk(any_opening(dice), stern=seed % 4 == 0, comes_back=seed % 5 == 0)
    moves = [any_move(dice) for _ in range(30)] if dice.random() < 0.25 else long_life(dice)
    sold_out_from = dice.randrange(60)
    for number, move in enumerate(moves):
        walk.sold_out = number >= sold_out_from
        walk.take(move)
    return walk


class Step(NamedTuple):
    """One thing that was tried."""

    before: State
    change: Change | None
    """None when it was refused."""
    after: State


@dataclass
class Walk:
    """A collaboration on its way, and everything that was recorded of it."""

    state: State
    now: datetime = START
    steps: list[Step] = field(default_factory=list)
    sold_out: bool = False
    """Whether the database has nothing left to promise."""
    stern: bool = False
    """Whether the post is taken down after the first payment, and nobody forgives it."""

    comes_back: bool = False
    """Whether Stripe reverses a transfer after the end, so that it is paid again."""

    def copy(self) -> Walk:
        """The same life, to go on with in another way. States and steps never change."""
        return replace(self, steps=self.steps[:])

    @property
    def changes(self) -> list[Change]:
        """Everything that was recorded, in order."""
        return [step.change for step in self.steps if step.change is not None]

    def take(self, move: Move) -> Change | None:
        """Try one move; the change, or None when it was refused."""
        self.now += move.wait
        if move.name == "alarm":
            return self.ring()
        name = move.name
        if name == "onward":
            name = self._onward(move.pick)
        elif name == "likely":
            possible = [one for one in _STAYING if self.state.stage in COMMANDS[one].stages]
            name = possible[move.pick % len(possible)] if possible else "remind"
        allowed = sorted(COMMANDS[name].actors, key=lambda kind: (kind is not ActorKind.HANDSEL, kind))
        actor = acting(move.actor or allowed[move.pick % len(allowed)])
        return self.give(command(name, self.state, move.pick), actor)

    def _onward(self, pick: int) -> str:
        if self.state.stage in MAKING:
            return "submit_draft" if self.state.draft_first else "submit_post"
        if self.state.stage is Stage.IN_REVIEW and pick < 4:
            return "request_changes"
        return ONWARD.get(self.state.stage, "recheck")

    def ring(self) -> Change | None:
        """Wait for the next alarm and give its command, which must be possible then."""
        alarm = next_alarm(self.state)
        if alarm is None:
            return None
        self.now = max(self.now, alarm.at)
        return self.must(alarm.command, CLOCK)

    def give(self, command: Command, actor: Actor) -> Change | None:
        """Decide and apply one command, and what follows when nothing is left; None when refused."""
        try:
            return self.must(command, actor)
        except Refused:
            self.steps.append(Step(self.state, None, self.state))
            return None

    def must(self, command: Command, actor: Actor = HANDSEL) -> Change:
        """The same, for a command that has to be possible."""
        request = Request(id=f"walk:{len(self.steps)}", actor=actor, command=command)
        change = decide(self.state, request, self.now)
        if change.instead and self.sold_out:
            instead: Command = given.Excuse()
            if change.instead == "waitlist":
                instead = given.Waitlist(answer_id=change.patch["answer_id"])
            change = decide(
                self.state, request.model_copy(update={"actor": HANDSEL, "command": instead}), self.now
            )
        before, self.state = self.state, apply(self.state, change)
        self.steps.append(Step(before, change, self.state))
        return change

    def _money_comes_back(self) -> bool:
        """Once, after the end: Stripe reverses the first transfer, and a person has it paid again."""
        if not self.comes_back or not self.state.transferred or self.state.clawback:
            return False
        self.comes_back = False
        part = next(one for one in self.state.parts if one.transfer_id)
        of = payout_id(self.state.collaboration_id, part.number)
        if part.returned < part.amount:
            self.must(
                given.RecordReversal(payout_id=of, transfer_id=part.transfer_id, total=part.amount),
                acting(ActorKind.STRIPE),
            )
        again = given.SettleReversal(payout_id=of, then="pay_again", reason="a_mistake")
        return self.give(again, acting(ActorKind.BRAND)) is not None

    def finish(self) -> None:
        """Let time and the side that has the ball go on until nothing is left to do."""
        self.sold_out = False
        for _ in range(80):
            if self.state.ended and not self._money_comes_back():
                return
            if self.state.elsewhere:
                self.must(command("refuse_off_platform", self.state), acting(ActorKind.BRAND))
            elif self.state.held:
                self.must(command("release_payout", self.state), acting(ActorKind.BRAND))
            elif self.stern and self.state.transferred and self.state.stage is Stage.VERIFIED:
                removed = list(given.CheckOutcome).index(given.CheckOutcome.REMOVED)
                self.must(command("record_look", self.state, removed), HANDSEL)
            elif self.stern and self.state.transferred and self.state.stage is Stage.DISCLOSURE_CHECK:
                self.must(command("reject_post", self.state), acting(ActorKind.BRAND))
            elif next_alarm(self.state) is not None:
                self.ring()
            else:
                name, actor = SENSIBLE[self.state.stage]
                self.must(command(name, self.state), acting(actor))

    def effects(self, *names: str) -> list[Any]:
        """Every recorded effect of these names, in order."""
        return [effect for change in self.changes for effect in change.effects if effect.do in names]

    def notices(self) -> Counter[tuple[str, int]]:
        """How often each (kind, step) was queued."""
        return Counter((one.kind.value, one.step) for one in self.effects("send_notice"))


def acting(kind: ActorKind) -> Actor:
    """Somebody of this kind; of the brand a person, since a key may not do everything."""
    return Actor(kind=kind, id=derived_id("member", "m") if kind is ActorKind.BRAND else "")


def command(name: str, state: State, pick: int = 0) -> Command:
    """A command of this name whose ids are mostly right."""
    wrong = pick == 11
    shipment = derived_id("shipment", "other") if wrong else current_shipment(state)
    submission = derived_id("submission", state.drafts, wrong)
    arguments: dict[str, dict[str, Any]] = {
        "accept": {
            "answer_id": ADDRESS,
            "offer_id": derived_id("offer", "other") if wrong else state.offer_id,
            "variant_id": derived_id("variant", pick % 2) if state.type.ships or wrong else None,
        },
        "decline": {"reason": list(given.DeclineReason)[pick % 6]},
        "waitlist": {"answer_id": ADDRESS},
        "correct_address": {"answer_id": ADDRESS},
        "ship": {"shipment_id": shipment},
        "scan": {"shipment_id": shipment, "code": "in_transit"},
        "deliver": {"shipment_id": shipment},
        "lose": {"shipment_id": shipment, "reason": ["lost", "damaged", "wrong_item"][pick % 3]},
        "return": {"shipment_id": shipment},
        "report_parcel": {"problem": list(given.ParcelProblem)[pick % 3]},
        "submit_draft": {"submission_id": submission},
        "request_changes": {"submission_id": state.submission_id or submission},
        "approve": {"submission_id": submission if wrong else state.submission_id or submission},
        "ask_extension": {"span": ["1d", "3d", "5d", "7d", "90d", "0s"][pick % 6]},
        "submit_post": {"submission_id": submission},
        "record_check": {
            "check_id": derived_id("disclosure_check", state.checks),
            "outcome": list(given.CheckOutcome)[max(0, pick - 5)],
        },
        "record_look": {
            "check_id": derived_id("disclosure_check", "watch", state.sequence),
            "watch": state.watch + wrong,
            "outcome": list(given.CheckOutcome)[pick % 7],
        },
        "settle_finding": {"verdict": ["accepted", "rejected"][pick % 2], "reason": "seen"},
        "accept_post": {"reason": "clear_in_context"},
        "reject_post": {"reason": "not_ours"},
        "flag": {"reason": list(Attention)[pick % len(Attention)].value},
        "approve_payout": {"payout_id": payout_id(state.collaboration_id, 2 if wrong else state.part)},
        "refuse_payout": {
            "payout_id": payout_id(state.collaboration_id, state.part),
            "reason": "amount_unclear",
        },
        "hold_payout": {"reason": "looks_odd"},
        "release_payout": {"reason": "looked_at"},
        "override_gate": {
            "payout_id": payout_id(state.collaboration_id, state.part),
            "gate": ["not_duplicate", "payee_ready", "tax_data_present"][pick % 3],
            "reason": "known_person",
        },
        "record_reversal": {
            "payout_id": _some_payout(state, pick),
            "transfer_id": f"tr_{_some_part(state, pick)}",
            "total": 1000 * (pick + 1),
        },
        "settle_reversal": {
            "payout_id": _unsettled(state) or _some_payout(state, pick),
            "then": ["keep", "pay_again"][pick % 2],
            "reason": "seen",
        },
        "record_bank_payout": {"outcome": ["failed", "paid"][pick % 2], "bank_payout_id": f"po_{pick}"},
        "request_clawback": {
            "payout_id": _some_payout(state, pick),
            "amount": 1000 * (pick + 1),
            "reason": "post_deleted",
        },
        "approve_clawback": {"number": state.clawbacks},
        "refuse_clawback": {"number": state.clawbacks, "reason": "no_reason"},
        "settle_clawback": {
            "number": state.clawbacks,
            "result": list(given.TransferResult)[pick % 3],
            "reversal_id": "trr_1",
        },
        "record_off_platform": {
            "payout_id": payout_id(state.collaboration_id, state.part),
            "document_id": derived_id("payment_document", pick),
            "method": "bank_transfer",
        },
        "approve_off_platform": {
            "payout_id": payout_id(state.collaboration_id, state.elsewhere_part or state.part)
        },
        "refuse_off_platform": {
            "payout_id": payout_id(state.collaboration_id, state.elsewhere_part or state.part),
            "reason": "not_there",
        },
        "open_attempt": {"report_id": derived_id("gate_report", state.sequence)},
        "settle_attempt": {
            "result": list(given.TransferResult)[pick if pick < 3 else 0],
            "transfer_id": f"tr_{state.part}",
            "reason": ["payee", "funds", ""][pick % 3],
        },
        "confirm_transfer": {
            "payout_id": payout_id(state.collaboration_id, state.part),
            "transfer_id": "tr_other" if wrong and state.stage is Stage.PAID else f"tr_{state.part}",
        },
    }
    return Request.model_validate(
        {"id": "x", "actor": HANDSEL, "command": {"name": name, **arguments.get(name, {})}}
    ).command


def _some_part(state: State, pick: int) -> int:
    return pick % max(1, len(state.parts)) + 1


def _some_payout(state: State, pick: int) -> str:
    return payout_id(state.collaboration_id, _some_part(state, pick))


def _unsettled(state: State) -> str:
    waiting = [part.number for part in state.parts if part.unsettled]
    return payout_id(state.collaboration_id, waiting[0]) if waiting else ""


MAKING = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED)
ONWARD = {
    Stage.QUEUED: "invite",
    Stage.INVITED: "accept",
    Stage.WAITLISTED: "promote",
    Stage.ACCEPTED: "correct_address",
    Stage.PREPARING: "ship",
    Stage.SHIPPED: "deliver",
    Stage.IN_REVIEW: "approve",
    Stage.APPROVED: "submit_post",
    Stage.POSTED: "record_check",
    Stage.DISCLOSURE_CHECK: "submit_post",
    Stage.VERIFIED: "recheck",
    Stage.PAYABLE: "open_attempt",
    Stage.PAYING: "settle_attempt",
    Stage.PAID: "confirm_transfer",
}
"""What leads on to the good end."""

SENSIBLE = {
    Stage.QUEUED: ("invite", ActorKind.HANDSEL),
    Stage.WAITLISTED: ("close_waitlist", ActorKind.BRAND),
    Stage.PREPARING: ("ship", ActorKind.BRAND),
    Stage.SHIPPED: ("deliver", ActorKind.BRAND),
    Stage.POSTED: ("record_check", ActorKind.HANDSEL),
    Stage.DISCLOSURE_CHECK: ("accept_post", ActorKind.BRAND),
    Stage.PAYABLE: ("open_attempt", ActorKind.HANDSEL),
    Stage.PAYING: ("confirm_transfer", ActorKind.STRIPE),
    Stage.PAID: ("confirm_transfer", ActorKind.STRIPE),
}
"""What the side that has the ball would do where time alone changes nothing."""
