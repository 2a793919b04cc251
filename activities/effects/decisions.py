"""Approvals, refusals, holds and overrides: recorded under the payout's lock, by the rules of that moment.

A rule, a limit or four eyes in the way refuses the whole change, so that nothing of it is recorded. Nothing
here moves money.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from activities.effects.context import Context
from activities.rules import RulesInForce, above_limit, conflict_of, rules_of
from domain.approvals import APPROVERS
from domain.errors import Defect, Forbidden, Invalid, NotFound, Refused
from domain.ids import derived_id
from domain.money import Money
from domain.payment_effects import CloseHold, OpenHold, RecordDecision, RecordOverride
from domain.roles import Role
from infra.tables import GateOverride, Member, Payee, Payout, PayoutDecision, PayoutHold, Remark


def record_decision(session: Session, effect: RecordDecision, context: Context) -> None:
    """One person's approval or refusal, if rules, limit and four eyes allow it."""
    payout = _ready(session, effect.payout_id)
    member = approver(session, context)
    in_force = rules_of(session, context.before.brand_id)
    destination = session.scalar(
        select(Payee.stripe_account_id).where(Payee.creator_id == context.before.creator_id)
    )
    if effect.decision == "approved":
        _may_approve(session, member, payout, in_force, context)
        if destination is None:
            raise Refused(
                "the creator has no payment account yet; approve when it is known where the money goes",
                code="payee_not_ready",
            )
    own_remark(session, effect.remark_id, context)
    recorded = session.scalar(
        upsert(PayoutDecision)
        .values(
            payout_id=payout.id,
            round=context.before.approval_round,
            member_id=member.id,
            decision=effect.decision,
            role=member.role,
            amount=payout.amount,
            currency=payout.currency,
            destination=destination or "",
            rules_version=in_force.version,
            reason=effect.reason,
            remark_id=effect.remark_id,
            sequence=context.change.sequence + 1,
            at=context.change.at,
        )
        .on_conflict_do_nothing()
        .returning(PayoutDecision.member_id)
    )
    if recorded is None:
        raise Refused("you have decided about this payment already", code="already_decided")


def _ready(session: Session, payout_id: str) -> Payout:
    payout = session.scalar(select(Payout).where(Payout.id == payout_id).with_for_update())
    if payout is None:
        raise Defect("this collaboration has no payout")
    if payout.state != "ready":
        raise Refused(f"the payout is {payout.state}, not ready", code="payout_not_ready")
    return payout


def approver(session: Session, context: Context) -> Member:
    """The person who acts; the role is that of this moment. Raises `Forbidden`."""
    member = session.get(Member, context.change.actor.id)
    known = member is not None and member.brand_id == context.before.brand_id and member.removed_at is None
    if member is None or not known:
        raise Forbidden("only a member of the brand decides about its payments", code="not_a_member")
    if Role(member.role) not in APPROVERS:
        raise Forbidden(f"this needs finance or owner; you are {member.role}", code="not_an_approver")
    return member


def _may_approve(
    session: Session, member: Member, payout: Payout, in_force: RulesInForce, context: Context
) -> None:
    conflict = conflict_of(session, context.before, member.id)
    if conflict:
        raise Forbidden(f"four eyes: {conflict}; another person has to approve", code="four_eyes")
    amount = Money(amount=payout.amount, currency=payout.currency)
    above = above_limit(in_force, member.id, Role(member.role), amount)
    if above:
        raise Forbidden(above, code="over_limit")


def open_hold(session: Session, effect: OpenHold, context: Context) -> None:
    """The payment is held, with whoever looks after it."""
    own_remark(session, effect.remark_id, context)
    if effect.owner is not None:
        owner = session.get(Member, effect.owner)
        if owner is None or owner.brand_id != context.before.brand_id or owner.removed_at is not None:
            raise Invalid("no such member", field="owner")
    session.execute(
        insert(PayoutHold).values(
            id=derived_id("hold", context.before.collaboration_id, effect.number),
            brand_id=context.before.brand_id,
            collaboration_id=context.before.collaboration_id,
            number=effect.number,
            reason=effect.reason,
            remark_id=effect.remark_id,
            owner_id=effect.owner,
            held_by=context.actor,
            held_at=context.change.at,
            released_by="",
            release_reason="",
        )
    )


def close_hold(session: Session, effect: CloseHold, context: Context) -> None:
    """The hold ends."""
    if not effect.with_the_file:
        approver(session, context)
    own_remark(session, effect.remark_id, context)
    closed = session.scalar(
        update(PayoutHold)
        .where(
            PayoutHold.collaboration_id == context.before.collaboration_id,
            PayoutHold.number == effect.number,
            PayoutHold.released_at.is_(None),
        )
        .values(
            released_by=context.actor,
            released_at=context.change.at,
            release_reason=effect.reason,
            release_remark_id=effect.remark_id,
        )
        .returning(PayoutHold.id)
        .execution_options(synchronize_session=False)
    )
    if closed is None:
        raise Defect(f"hold {effect.number} is not open")


def record_override(session: Session, effect: RecordOverride, context: Context) -> None:
    """One person answers for one gate of this payment, once."""
    payout = _ready(session, effect.payout_id)
    member = approver(session, context)
    own_remark(session, effect.remark_id, context)
    recorded = session.scalar(
        upsert(GateOverride)
        .values(
            payout_id=payout.id,
            gate=effect.gate,
            member_id=member.id,
            reason=effect.reason,
            remark_id=effect.remark_id,
            sequence=context.change.sequence + 1,
            at=context.change.at,
        )
        .on_conflict_do_nothing()
        .returning(GateOverride.gate)
    )
    if recorded is None:
        raise Refused("somebody answers for this gate already", code="already_overridden")


def own_remark(session: Session, remark_id: str | None, context: Context) -> None:
    """Raise `NotFound` unless these words are the brand's own."""
    if remark_id is None:
        return
    remark = session.get(Remark, remark_id)
    if remark is None or remark.brand_id != context.before.brand_id:
        raise NotFound("no such remark")
