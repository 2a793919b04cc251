"""The payment gates of one collaboration: facts read in one transaction, assessed, and stored as a report.

Made once in the moment in which the fee is earned, and again whenever something that a gate waits for may
have changed. A report is never changed; the attempt that it releases keeps a copy.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities import payout_line
from activities.contracts import GateAnswer
from activities.rules import approvals_of, need_of, rules_of
from domain.clocks import later, length
from domain.commands import CheckOutcome
from domain.countries import tax_data_missing
from domain.gate_facts import Gate, GateFacts, Override
from domain.gates import PAID_ELSEWHERE, all_pass, assess, but_money, flag_of, look_at
from domain.ledger import payout_id
from domain.money import Money
from domain.offer import CampaignType, Offer
from domain.payout_line import LOOK_AGAIN, Standing
from domain.runs import next_run
from domain.stages import Attention, Stage
from domain.state import State
from infra.ids import new_id
from infra.tables import (
    Answer,
    Brand,
    Collaboration,
    Creator,
    DisclosureCheck,
    Entry,
    Event,
    GateOverride,
    GateReport,
    OfferRow,
    Payee,
    Payout,
    PayoutAttempt,
    PayoutDecision,
    Post,
)

_KEEP: Final = text("SELECT FROM collaborations WHERE id = :collaboration_id FOR KEY SHARE")
"""No change of the collaboration comes between what is read and what is stored."""
_OF_LIVE_POSTS = ("live", "watch")
"""Kinds of checks that count; a look of the watch that could see nothing says nothing of the post."""


def report(sessions: sessionmaker[Session], collaboration_id: str, sequence: int) -> GateAnswer:
    """Assess the gates now, take the place in the line that follows from them, and store the report."""
    now = datetime.now(UTC)
    with sessions.begin() as session:
        session.execute(_KEEP, {"collaboration_id": collaboration_id})
        facts = read_facts(session, collaboration_id)
        gates = assess(facts, now)
        line = _in_line(session, facts, gates, now)
        if line is not None:
            facts = facts.model_copy(update={"line": line})
            gates = assess(facts, now)
        passed = all_pass(gates)
        report_id = new_id("gate_report")
        session.execute(
            insert(GateReport).values(
                id=report_id,
                collaboration_id=collaboration_id,
                sequence=sequence,
                payout_id=payout_id(collaboration_id, facts.part),
                gates=[gate.model_dump(mode="json") for gate in gates],
                all_pass=passed,
                destination=facts.payee_account,
                amount=facts.fee,
                currency=facts.currency,
                at=now,
            )
        )
    return GateAnswer(
        report_id=report_id,
        all_pass=passed,
        flag=flag_of(gates, facts),
        look_at=_next_look(gates, facts, now),
    )


def _in_line(session: Session, facts: GateFacts, gates: list[Gate], now: datetime) -> Standing | None:
    """Join those that wait for the same money while nothing else is in the way, or leave them.

    Whose attempt is under way keeps its place until the attempt is closed.
    """
    of = payout_id(facts.collaboration_id, facts.part)
    if not but_money(gates) or facts.pay_by is None:
        if not facts.open_attempt:
            payout_line.leave(session, of, now)
        return None
    waiting = payout_line.Waiting(
        payout_id=of,
        brand_id=facts.brand_id,
        amount=Money(amount=facts.fee, currency=facts.currency),
        pay_by=facts.pay_by,
        due_at=facts.run_at if facts.run_at is not None and facts.run_at > now else None,
    )
    return payout_line.take_place(session, waiting)


def _next_look(gates: list[Gate], facts: GateFacts, now: datetime) -> datetime | None:
    """When time changes an answer. Who is parked just now looks again soon, in case money came meanwhile."""
    by_time = look_at(gates, now)
    line = facts.line
    if line is None or line.covered or facts.parked:
        return by_time
    return min(by_time or now + LOOK_AGAIN, now + LOOK_AGAIN)


def read_facts(session: Session, collaboration_id: str) -> GateFacts:
    """Everything the gates look at."""
    row = session.get_one(Collaboration, collaboration_id)
    state = State.model_validate(row.state)
    offer = session.get_one(OfferRow, row.offer_id)
    answer = session.get(Answer, state.answer_id) if state.answer_id else None
    events = _last_events(session, collaboration_id)
    last_check = session.scalar(
        select(DisclosureCheck)
        .where(
            DisclosureCheck.collaboration_id == collaboration_id,
            DisclosureCheck.kind.in_(_OF_LIVE_POSTS),
            or_(DisclosureCheck.kind == "live", DisclosureCheck.outcome != CheckOutcome.UNREADABLE.value),
        )
        .order_by(DisclosureCheck.checked_at.desc(), DisclosureCheck.id.desc())
        .limit(1)
    )
    payee = session.get(Payee, row.creator_id)
    of = payout_id(collaboration_id, state.part)
    payout = session.get(Payout, of)
    earned = session.scalar(select(Entry.id).where(Entry.key == f"earned/{collaboration_id}"))
    open_attempt = session.scalar(
        select(PayoutAttempt.number).where(
            PayoutAttempt.payout_id == of, PayoutAttempt.state.in_(["open", "unknown"])
        )
    )
    posts = session.scalar(
        select(func.count()).select_from(Post).where(Post.submission_id == (state.post_id or ""))
    )
    terms = Offer.model_validate(offer.terms)
    check_event = max(events.get("disclosure_passed", 0), events.get("disclosure_failed", 0))
    by_person = events.get("post_accepted", 0)
    return GateFacts(
        collaboration_id=collaboration_id,
        brand_id=state.brand_id,
        type=CampaignType(state.type),
        stage=Stage(row.stage),
        terms_sha256=offer.sha256,
        accepted_sha256=(answer.offer_sha256 or "") if answer else "",
        accepted_event=events.get("offer_accepted"),
        delivered_event=events.get("parcel_delivered"),
        last_check=CheckOutcome(last_check.outcome) if last_check else None,
        check_event=check_event or None,
        accepted_by_person=by_person if by_person > check_event else None,
        verified_at=state.verified_at,
        live_until=state.live_until,
        pieces_owed=sum(piece.quantity for piece in terms.deliverables),
        posts_live=posts or 0,
        held_for_fee=payout.amount if payout and earned and payout.state == "ready" else 0,
        fee=state.due.amount if state.due else 0,
        currency=state.fee.currency if state.fee else "",
        parked=state.attention is Attention.FUNDS_SHORT,
        payee_account=payee.stripe_account_id if payee else "",
        payee_can_receive=payee.can_receive if payee else False,
        pay_by=state.pay_by,
        open_attempt=open_attempt is not None,
        part=state.part,
        belongs_to=state.current.of if state.current else 0,
        held=state.held or (PAID_ELSEWHERE if state.elsewhere else ""),
        hold_overdue=state.hold_overdue,
        hold_event=events.get("payout_held") if state.held else None,
        **_of_people(session, state, payout, payee),
    )


def _of_people(session: Session, state: State, payout: Payout | None, payee: Payee | None) -> dict[str, Any]:
    """What depends on persons and countries: tax data, a changed payee, approvals, overrides, duplicates."""
    country = session.scalar(select(Creator.country).where(Creator.id == state.creator_id)) or ""
    policy = state.policy.payment
    asks = policy.tax_data == "where_asked" and payee is not None
    facts: dict[str, Any] = {
        "tax_data_missing": asks and tax_data_missing(country, payee.requirements if payee else []),
        "payee_changed_until": _rests_until(state, payee),
        "duplicate_of": _duplicate_of(session, state),
    }
    if payout is None:
        return facts
    in_force = rules_of(session, state.brand_id)
    run = in_force.rules.run
    if run.when == "daily":
        brand_zone = session.scalar(select(Brand.zone).where(Brand.id == state.brand_id)) or "UTC"
        facts["run_at"] = next_run(_ready_since(session, state, payout), run.at, brand_zone)
    destination = payee.stripe_account_id if payee else ""
    return facts | {
        "need": need_of(in_force, state, payout),
        "approvals": approvals_of(session, payout.id, state.approval_round, destination),
        "overrides": _overrides(session, payout.id),
    }


def _ready_since(session: Session, state: State, payout: Payout) -> datetime:
    """Since when it could have gone: earned, and approved for the last time."""
    approved = session.scalar(
        select(func.max(PayoutDecision.at)).where(
            PayoutDecision.payout_id == payout.id, PayoutDecision.decision == "approved"
        )
    )
    earned = state.payable_at or payout.created_at
    return max(earned, approved) if approved is not None else earned


def _rests_until(state: State, payee: Payee | None) -> datetime | None:
    if payee is None or payee.replaced_at is None:
        return None
    return later(payee.replaced_at, state.policy.payment.hold_after_payee_change, state.zone)


def _duplicate_of(session: Session, state: State) -> str:
    """Another collaboration of the brand that is or will be paid for the same post, or at the same time."""
    others = select(Payout.collaboration_id).where(
        Payout.brand_id == state.brand_id, Payout.collaboration_id != state.collaboration_id
    )
    urls = select(Post.url).where(Post.submission_id == (state.post_id or ""))
    same_post = session.scalar(
        others.join(Collaboration, Collaboration.id == Payout.collaboration_id)
        .join(Post, Post.submission_id == Collaboration.state["post_id"].astext)
        .where(Post.url.in_(urls))
        .limit(1)
    )
    if same_post is not None:
        return same_post
    within = length(state.policy.payment.duplicate_within)
    if state.payable_at is None or not within:
        return ""
    same_time = others.where(
        Payout.creator_id == state.creator_id,
        Payout.created_at.between(state.payable_at - within, state.payable_at),
    )
    return session.scalar(same_time.limit(1)) or ""


def _overrides(session: Session, of: str) -> dict[str, Override]:
    rows = session.scalars(select(GateOverride).where(GateOverride.payout_id == of))
    return {row.gate: Override(by=row.member_id, reason=row.reason, event=row.sequence) for row in rows}


def _last_events(session: Session, collaboration_id: str) -> dict[str, int]:
    query = (
        select(Event.name, func.max(Event.sequence))
        .where(Event.collaboration_id == collaboration_id)
        .group_by(Event.name)
    )
    return {row[0]: row[1] for row in session.execute(query)}
