"""The payment gates of one collaboration: facts read in one transaction, assessed, and stored as a report.

Made once in the moment in which the fee is earned, and again whenever something that a gate waits for may
have changed. A report is never changed; the attempt that it releases keeps a copy.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.contracts import GateAnswer
from domain.commands import CheckOutcome
from domain.gates import ATTENTION_OF, Gate, GateFacts, GateResult, all_pass, assess
from domain.ids import derived_id
from domain.offer import CampaignType, Offer
from domain.stages import Attention, Stage
from domain.state import State
from infra.ids import new_id
from infra.tables import (
    Answer,
    Collaboration,
    DisclosureCheck,
    Entry,
    Event,
    GateReport,
    OfferRow,
    Payee,
    Payout,
    PayoutAttempt,
    Post,
)


def report(
    sessions: sessionmaker[Session],
    collaboration_id: str,
    sequence: int,
    *,
    available: int | None = None,
) -> GateAnswer:
    """Assess the gates now and store the report. `available`: the paying balance, when it was asked."""
    now = datetime.now(UTC)
    with sessions.begin() as session:
        facts, currency = read_facts(session, collaboration_id)
        facts = facts.model_copy(update={"available": available})
        gates = assess(facts, now)
        passed = all_pass(gates)
        report_id = new_id("gate_report")
        session.execute(
            insert(GateReport).values(
                id=report_id,
                collaboration_id=collaboration_id,
                sequence=sequence,
                gates=[gate.model_dump(mode="json") for gate in gates],
                all_pass=passed,
                destination=facts.payee_account,
                amount=facts.fee,
                currency=currency,
                at=now,
            )
        )
    return GateAnswer(report_id=report_id, all_pass=passed, flag=_flag(gates))


def _flag(gates: list[Gate]) -> str:
    """The attention that the first gate in the way asks for; none when only time is waited for."""
    for gate in gates:
        if gate.result is GateResult.FAIL:
            return Attention.GATE_FAILED.value
    for gate in gates:
        if gate.result is GateResult.WAITING and gate.name in ATTENTION_OF:
            return ATTENTION_OF[gate.name].value
    return ""


def read_facts(session: Session, collaboration_id: str) -> tuple[GateFacts, str]:
    """Everything the gates look at, and the currency of the fee."""
    row = session.get_one(Collaboration, collaboration_id)
    state = State.model_validate(row.state)
    offer = session.get_one(OfferRow, row.offer_id)
    answer = session.get(Answer, state.answer_id) if state.answer_id else None
    events = _last_events(session, collaboration_id)
    last_check = session.scalar(
        select(DisclosureCheck)
        .where(DisclosureCheck.collaboration_id == collaboration_id)
        .order_by(DisclosureCheck.number.desc())
        .limit(1)
    )
    payee = session.get(Payee, row.creator_id)
    payout_id = derived_id("payout", collaboration_id, 1)
    payout = session.get(Payout, payout_id)
    earned = session.scalar(select(Entry.id).where(Entry.key == f"earned/{collaboration_id}"))
    open_attempt = session.scalar(
        select(PayoutAttempt.number).where(
            PayoutAttempt.payout_id == payout_id, PayoutAttempt.state.in_(["open", "unknown"])
        )
    )
    posts = session.scalar(
        select(func.count()).select_from(Post).where(Post.submission_id == (state.post_id or ""))
    )
    terms = Offer.model_validate(offer.terms)
    check_event = max(events.get("disclosure_passed", 0), events.get("disclosure_failed", 0))
    by_person = events.get("post_accepted", 0)
    facts = GateFacts(
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
        fee=state.fee.amount if state.fee else 0,
        payee_account=payee.stripe_account_id if payee else "",
        payee_can_receive=payee.can_receive if payee else False,
        pay_by=state.pay_by,
        available=None,
        open_attempt=open_attempt is not None,
    )
    return facts, state.fee.currency if state.fee else ""


def _last_events(session: Session, collaboration_id: str) -> dict[str, int]:
    query = (
        select(Event.name, func.max(Event.sequence))
        .where(Event.collaboration_id == collaboration_id)
        .group_by(Event.name)
    )
    return {row[0]: row[1] for row in session.execute(query)}
