"""A brand's approval rules, and who may decide about one payment under them. Reads only.

The same reading serves the record (under the payout's lock), the gates, and the pages that say beforehand
who may approve what.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.persons import hands_of
from domain.approvals import ApprovalRules, Given, Need, limit_of, need
from domain.money import Money
from domain.parts import PartKind
from domain.roles import ActorKind, Role
from domain.state import State
from domain.terms import money_in_words
from infra.tables import ApprovalRuleSet, Event, Payout, PayoutDecision, TermsAuthor

_ASKED_FOR = ("settle_attempt", "reassess", "override_gate")
"""Commands by which a person asks for the next attempt, and so does not approve it."""


class RulesInForce(NamedTuple):
    """The rules that count now, and their version; version 0 are the rules of who has none."""

    version: int
    rules: ApprovalRules


def rules_of(session: Session, brand_id: str) -> RulesInForce:
    """The newest rules of the brand."""
    row = session.scalar(
        select(ApprovalRuleSet)
        .where(ApprovalRuleSet.brand_id == brand_id)
        .order_by(ApprovalRuleSet.version.desc())
        .limit(1)
    )
    if row is None:
        return RulesInForce(0, ApprovalRules())
    return RulesInForce(row.version, ApprovalRules.model_validate(row.rules))


def need_of(in_force: RulesInForce, state: State, payout: Payout) -> Need:
    """The approvals that this payment needs: one at least after a refusal, and for what is paid again."""
    again = state.approval_round > 0 or payout.kind == PartKind.AGAIN
    return need(in_force.rules, Money(amount=payout.amount, currency=payout.currency), again=again)


def above_limit(in_force: RulesInForce, member_id: str, role: Role, amount: Money) -> str:
    """Why this amount is not this person's to approve; empty when it is, or when they have no limit."""
    limit = limit_of(in_force.rules, member_id, role, amount.currency)
    if limit is None or amount.amount <= limit:
        return ""
    most = money_in_words(Money(amount=limit, currency=amount.currency))
    return f"you may approve up to {most}; this is larger"


def conflict_of(session: Session, state: State, member_id: str) -> str:
    """Why this person is not a second pair of eyes for this payment; empty when they are.

    What a key did that they made, they did themselves.
    """
    hands = hands_of(session, member_id)
    set_by = session.scalar(
        select(TermsAuthor.what)
        .where(
            TermsAuthor.campaign_id == state.campaign_id,
            TermsAuthor.actor_id.in_(hands),
            (TermsAuthor.collaboration_id.is_(None))
            | (TermsAuthor.collaboration_id == state.collaboration_id),
        )
        .limit(1)
    )
    if set_by is not None:
        return f"you set the {set_by} of it"
    opened = session.scalar(
        select(Event.sequence)
        .where(Event.collaboration_id == state.collaboration_id, Event.name == "attempt_opened")
        .order_by(Event.sequence.desc())
        .limit(1)
    )
    asked = session.scalar(
        select(Event.command)
        .where(
            Event.collaboration_id == state.collaboration_id,
            Event.sequence > (opened or 0),
            Event.command.in_(_ASKED_FOR),
            Event.actor_kind == ActorKind.BRAND.value,
            Event.actor_id.in_(hands),
        )
        .limit(1)
    )
    if asked is None:
        asked = session.scalar(
            select(Event.command)
            .where(
                Event.collaboration_id == state.collaboration_id,
                Event.name == "reversal_settled",
                Event.data["then"].astext == "pay_again",
                Event.actor_kind == ActorKind.BRAND.value,
                Event.actor_id == member_id,
            )
            .limit(1)
        )
    return f"you asked for this payment yourself ({asked})" if asked else ""


def approvals_of(session: Session, payout_id: str, round_: int, destination: str) -> list[Given]:
    """The approvals that count: of this round, and for the account that would be paid."""
    rows = session.scalars(
        select(PayoutDecision)
        .where(
            PayoutDecision.payout_id == payout_id,
            PayoutDecision.round == round_,
            PayoutDecision.decision == "approved",
            PayoutDecision.destination == destination,
        )
        .order_by(PayoutDecision.sequence)
    )
    return [Given(row.member_id, Role(row.role), row.sequence) for row in rows]
