"""What happened, what is next, and who has the ball: a collaboration told to its creator.

Every event and every stage has its words in the catalogue. Events that only matter inside (reminders, looks
at the gates) are left out, so that the story stays short enough to be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.pages.dossier import Dossier
from api.pages.proof import wanted
from api.pages.wording import Reader, knows, say, span
from domain.alarms import ball
from domain.clocks import later
from domain.gate_facts import GateResult
from domain.roles import ActorKind
from domain.stages import ENDS, Attention, Ball, Stage
from infra.tables import Event

NOT_TOLD: Final = frozenset(
    {
        "reminder_sent",
        "reassessment_asked",
        "attempt_opened",
        "preparation_started",
        "check_requested",
        "gates_wait_for_nobody",
        "hold_overdue",
        "gate_overridden",
        "reversal_settled",
        "clawback_requested",
        "clawback_approved",
        "clawback_refused",
        "clawback_failed",
        "clawback_unknown",
        "off_platform_reported",
        "off_platform_refused",
    }
)
"""Events that a creator's page leaves out."""

_CONTENT: Final = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED, Stage.APPROVED)


@dataclass(frozen=True)
class Line:
    """One thing that happened."""

    at: datetime
    text: str
    by: str


@dataclass(frozen=True)
class Now:
    """Where it stands: a headline, what is next, whose turn, until when."""

    title: str
    next: str
    ball: Ball
    turn: str
    due: datetime | None
    due_label: str
    remark: str


@dataclass(frozen=True)
class Step:
    """One condition of the payment, in words."""

    label: str
    result: str
    """pass, waiting or fail."""
    result_text: str
    detail: str


def told(dossier: Dossier) -> list[Line]:
    """The history, newest first."""
    lines = [_line(event, dossier) for event in dossier.events if event.name not in NOT_TOLD]
    return list(reversed(lines))


def _line(event: Event, dossier: Dossier) -> Line:
    facts = {"brand": dossier.brand.name, "span": "", **event.data}
    if event.data.get("span"):
        facts["span"] = span(str(event.data["span"]))
    return Line(event.at, say(_name_of(event), **facts), _who(event, dossier))


def _name_of(event: Event) -> str:
    base = f"event.{event.name}"
    for detail in ("reason", "problem", "code"):
        special = f"{base}.{event.data.get(detail)}"
        if event.data.get(detail) and knows(special):
            return special
    if event.data.get("by_silence") or event.data.get("late"):
        special = f"{base}.{'by_silence' if event.data.get('by_silence') else 'late'}"
        if knows(special):
            return special
    return f"{base}.any" if knows(f"{base}.any") else base


def _who(event: Event, dossier: Dossier) -> str:
    if event.actor_kind == ActorKind.CREATOR:
        return say("who.creator")
    if event.actor_kind == ActorKind.BRAND:
        return dossier.brand.name
    return say(f"who.{event.actor_kind}")


def now(dossier: Dossier, moment: datetime) -> Now:
    """Where it stands at this moment."""
    state = dossier.state
    case = _case(dossier)
    whose = ball(state)
    due, label = _due(dossier, whose)
    rest = sum(part.amount for part in state.all_parts if part.to_earn)
    facts = {
        "rest": reader_of(dossier).money(rest, state.fee.currency) if state.fee else "",
        "brand": dossier.brand.name,
        "campaign": dossier.campaign.name,
        "live_for": span(state.policy.live_for),
        "ship_within": span(state.policy.ship_within),
        "review_within": span(state.policy.review_within),
    }
    return Now(
        title=say(f"now.{case}.title", **facts),
        next=say(f"now.{case}.next", **facts),
        ball=whose,
        turn="" if whose is Ball.NOBODY else say(f"turn.{whose.value}", **facts),
        due=due,
        due_label=label,
        remark=_remark(dossier, moment),
    )


def _case(dossier: Dossier) -> str:
    state = dossier.state
    if state.stage in ENDS:
        if any(part.over == "withheld" for part in state.parts):
            return "completed_withheld"
        special = f"{state.stage.value}_{state.end_reason}"
        return special if knows(f"now.{special}.title") else state.stage.value
    for name, holds in _special_cases(dossier):
        if holds:
            return name
    return state.stage.value


def _special_cases(dossier: Dossier) -> Iterator[tuple[str, bool]]:
    state, stage = dossier.state, dossier.stage
    disputed = state.attention is Attention.PARCEL_DISPUTED
    yield "invited_again", stage is Stage.INVITED and state.round > 1
    yield "accepted_returned", stage is Stage.ACCEPTED and state.parcel_back
    yield "preparing_replacement", stage is Stage.PREPARING and state.parcel > 1
    yield "shipped_disputed", stage is Stage.SHIPPED and disputed
    yield "production_no_parcel", stage is Stage.IN_PRODUCTION and not state.type.ships
    yield "production_no_draft", stage is Stage.IN_PRODUCTION and not state.draft_first
    yield "check_proof", wanted(dossier)
    yield "check_person", stage is Stage.DISCLOSURE_CHECK and state.remedy_by is None
    yield "check_problem", stage is Stage.DISCLOSURE_CHECK and _last_problem(dossier)
    yield "verified_tail", stage is Stage.VERIFIED and state.transferred
    yield "payable_setup", stage is Stage.PAYABLE and state.attention is Attention.PAYEE_MISSING
    yield "payable_waits", stage is Stage.PAYABLE and state.attention is not None
    yield "paying_unknown", stage is Stage.PAYING and state.attention is not None


def _last_problem(dossier: Dossier) -> bool:
    told = [event.name for event in dossier.events if event.name in ("disclosure_failed", "post_problem")]
    return bool(told) and told[-1] == "post_problem"


def _due(dossier: Dossier, whose: Ball) -> tuple[datetime | None, str]:
    """The moment that the page counts to, and the name of what is due then."""
    state, stage = dossier.state, dossier.stage
    found: tuple[datetime | None, str] = (None, "")
    if stage in ENDS:
        return found
    if stage is Stage.PREPARING and state.since is not None:
        found = later(state.since, state.policy.ship_within, state.zone), "ship"
    elif stage is Stage.IN_REVIEW or whose is Ball.BRAND:
        found = state.review_by, "review"
    elif stage is Stage.DISCLOSURE_CHECK:
        found = state.remedy_by, "remedy"
    elif stage is Stage.VERIFIED:
        found = state.live_until, "live"
    elif stage in (Stage.PAYABLE, Stage.PAYING):
        found = state.pay_by, "pay"
    elif state.due_at is not None:
        found = state.due_at, "content" if stage in _CONTENT else "answer"
    return found if found[0] is not None else (None, "")


def _remark(dossier: Dossier, moment: datetime) -> str:
    """What is said of a question for more time, or when the due date is over and content still taken."""
    state = dossier.state
    if state.extension and state.extension_at is not None:
        return say(
            "now.extension",
            span=span(state.extension),
            brand=dossier.brand.name,
            until=reader_of(dossier).by(state.extension_at),
        )
    if dossier.stage not in _CONTENT or state.due_at is None or moment <= state.due_at:
        return ""
    until = later(state.due_at, state.policy.grace, state.zone)
    return say("now.late", until=reader_of(dossier).by(until))


def reader_of(dossier: Dossier) -> Reader:
    """How this creator reads money and time."""
    return Reader(dossier.creator.country, dossier.state.zone)


def payment_steps(dossier: Dossier) -> list[Step]:
    """Why the money is not there yet: each condition, done or waiting for whom."""
    if dossier.report is not None and dossier.stage in (Stage.PAYABLE, Stage.PAYING):
        return [_of_gate(gate) for gate in dossier.report.gates if gate["name"] != "no_open_attempt"]
    return [_step(name, result) for name, result in _computed(dossier)]


def _of_gate(gate: dict[str, str]) -> Step:
    result = gate["result"]
    waits = gate.get("waiting_on") or ""
    text = say(f"gate_result.waiting_on_{waits}") if waits else say(f"gate_result.{result}")
    more = f"gate_more.{gate['name']}"
    detail = say(more) if result != GateResult.PASS and knows(more) else ""
    return Step(say(f"gate.{gate['name']}"), result, text, detail)


def _step(name: str, result: GateResult) -> Step:
    return Step(say(f"gate.{name}"), result.value, say(f"gate_result.{result.value}"), "")


def _computed(dossier: Dossier) -> Iterator[tuple[str, GateResult]]:
    state = dossier.state
    yield "terms_accepted", _is(state.accepted_at is not None)
    if state.type.ships:
        yield "parcel_arrived", _is(state.delivered_at is not None)
    yield "content_complete", _is(state.post_id is not None)
    yield "disclosure_passed", _is(state.verified_at is not None)
    if state.policy.live_for[0] != "0" or state.tails:
        yield "live_long_enough", _is(state.verified_at is not None and state.live_until is None)
    yield "payee_ready", _is(dossier.payee is not None and dossier.payee.can_receive)


def _is(done: bool) -> GateResult:
    return GateResult.PASS if done else GateResult.WAITING
