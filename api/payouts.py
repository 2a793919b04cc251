"""Payouts as read by the API and by the pages of finance: lists with filters, and one with its whole story.

Reads only. What somebody decides goes as a command to the collaboration's workflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from activities.rules import above_limit, approvals_of, conflict_of, need_of, rules_of
from api.schemas.collaborations import AttemptShown, GatesShown
from api.schemas.payouts import (
    ClawbackShown,
    DecisionShown,
    HoldShown,
    MayShown,
    NeedShown,
    OffPlatformShown,
    OverrideShown,
    PartShown,
    PayoutDetail,
    PayoutListed,
    ReceiptShown,
)
from domain.approvals import APPROVERS, enough, is_person
from domain.clocks import length
from domain.money import Money
from domain.parts import Part, PartKind
from domain.roles import Actor, Role
from domain.stages import Attention, Stage
from domain.state import State
from infra.tables import (
    Clawback,
    Collaboration,
    GateOverride,
    GateReport,
    Member,
    OffPlatformPayment,
    Payee,
    Payout,
    PayoutAttempt,
    PayoutDecision,
    PayoutHold,
    Remark,
    TransferReceipt,
)

Asked = TypeVar("Asked", ClawbackShown, OffPlatformShown)


class Asker(Protocol):
    """A key or a person."""

    @property
    def actor(self) -> Actor:
        """As the history names them."""
        ...

    @property
    def role(self) -> Role:
        """What they may do."""
        ...


def payouts_query(
    brand_id: str,
    *,
    state: str | None = None,
    waiting_on: str | None = None,
    attention: Attention | None = None,
    held: bool | None = None,
    older_than: str | None = None,
) -> Select[Any]:
    """The brand's payouts that fit."""
    query = (
        select(Payout)
        .join(Collaboration, Collaboration.id == Payout.collaboration_id)
        .where(Payout.brand_id == brand_id)
    )
    if state is not None:
        query = query.where(Payout.state == state)
    if waiting_on is not None:
        query = query.where(
            Collaboration.attention_owner == waiting_on,
            Collaboration.stage.in_([Stage.PAYABLE, Stage.PAYING]),
        )
    if attention is not None:
        query = query.where(Collaboration.attention == attention.value, Payout.state == "ready")
    if held is not None:
        open_hold = (
            select(PayoutHold.id)
            .where(PayoutHold.collaboration_id == Payout.collaboration_id, PayoutHold.released_at.is_(None))
            .exists()
        )
        query = query.where(open_hold if held else ~open_hold)
    if older_than is not None:
        query = query.where(Payout.created_at < datetime.now(UTC) - length(older_than))
    return query


def listed(session: Session, payouts: Sequence[Payout]) -> list[PayoutListed]:
    """The lines of a list."""
    ids = {payout.collaboration_id for payout in payouts}
    rows = session.scalars(select(Collaboration).where(Collaboration.id.in_(ids)))
    found = {row.id: row for row in rows}
    return [_line(payout, found[payout.collaboration_id]) for payout in payouts]


def _line(payout: Payout, row: Collaboration) -> PayoutListed:
    state = State.model_validate(row.state)
    due = payout.part == state.part and payout.state in ("ready", "sending", "unknown")
    return PayoutListed(
        id=payout.id,
        collaboration_id=row.id,
        campaign_id=row.campaign_id,
        creator_id=payout.creator_id,
        part=payout.part,
        kind=PartKind(payout.kind),
        of_part=payout.of_part,
        amount=payout.amount,
        currency=payout.currency,
        state=payout.state,
        stage=state.stage,
        attention=state.attention if due else None,
        waiting_on=row.attention_owner if due else None,
        waiting_since=row.attention_since if due else None,
        held=state.held if due else "",
        pay_by=payout.pay_by,
        created_at=payout.created_at,
        age_seconds=max(0, int((datetime.now(UTC) - payout.created_at).total_seconds())),
    )


def detail(session: Session, payout: Payout, asker: Asker) -> PayoutDetail:
    """One payout with everything that was decided about it."""
    row = session.get_one(Collaboration, payout.collaboration_id)
    state = State.model_validate(row.state)
    destination = (
        session.scalar(select(Payee.stripe_account_id).where(Payee.creator_id == payout.creator_id)) or ""
    )
    given = approvals_of(session, payout.id, state.approval_round, destination)
    in_force = rules_of(session, payout.brand_id)
    wanted = need_of(in_force, state, payout)
    here = next((one for one in state.all_parts if one.number == payout.part), None)
    counting = {(one.member_id, one.event) for one in given}
    return PayoutDetail(
        **_line(payout, row).model_dump(),
        destination=destination,
        confirmed_at=payout.confirmed_at,
        gates=_gates(session, payout.id),
        need=NeedShown(
            approvals=wanted.approvals,
            owner=wanted.owner,
            given=len(given),
            enough=enough(wanted, given),
            rules_version=in_force.version,
        ),
        may=may_approve(session, payout, state, asker),
        decisions=_decisions(session, payout.id, counting),
        holds=_holds(session, payout.collaboration_id),
        overrides=_overrides(session, payout.id),
        attempts=[
            AttemptShown.model_validate(one)
            for one in session.scalars(
                select(PayoutAttempt)
                .where(PayoutAttempt.payout_id == payout.id)
                .order_by(PayoutAttempt.number)
            )
        ],
        returned=here.returned if here else 0,
        unsettled=here.unsettled if here else 0,
        receipt=receipt_of(session, payout.id),
        parts=_parts(session, state),
        clawbacks=_asked(
            session,
            ClawbackShown,
            select(Clawback).where(Clawback.payout_id == payout.id).order_by(Clawback.number),
        ),
        off_platform=_asked(
            session,
            OffPlatformShown,
            select(OffPlatformPayment)
            .where(OffPlatformPayment.payout_id == payout.id)
            .order_by(OffPlatformPayment.asked_at),
        ),
    )


def receipt_of(session: Session, payout_id: str) -> ReceiptShown | None:
    """What the payout's transfer was when it arrived."""
    row = session.scalar(select(TransferReceipt).where(TransferReceipt.payout_id == payout_id).limit(1))
    return None if row is None else ReceiptShown.model_validate(row)


def _parts(session: Session, state: State) -> list[PartShown]:
    rows = session.scalars(select(Payout).where(Payout.collaboration_id == state.collaboration_id))
    payouts = {row.part: row for row in rows}
    return [
        PartShown(
            part=part.number,
            kind=part.kind,
            of_part=part.of or None,
            amount=part.amount,
            payout_id=payouts[part.number].id if part.number in payouts else None,
            state=_state_of(part, payouts.get(part.number)),
            live_for=part.live_for,
        )
        for part in state.all_parts
    ]


def _state_of(part: Part, payout: Payout | None) -> str:
    if part.over == "withheld":
        return "withheld"
    return payout.state if payout is not None else "to_earn"


def may_approve(session: Session, payout: Payout, state: State, asker: Asker) -> MayShown:
    """Whether this asker could approve it now; the record decides in the end, by the same rules."""
    why = ""
    actor = asker.actor
    if not is_person(actor):
        why = "An API key cannot approve; a person has to."
    elif asker.role not in APPROVERS:
        why = f"This needs finance or owner; you are {asker.role.value}."
    elif payout.state != "ready" or state.stage is not Stage.PAYABLE or payout.part != state.part:
        why = "It is not to be approved now."
    elif session.get(PayoutDecision, (payout.id, state.approval_round, actor.id)) is not None:
        why = "You have decided about it already."
    else:
        conflict = conflict_of(session, state, actor.id)
        amount = Money(amount=payout.amount, currency=payout.currency)
        above = above_limit(rules_of(session, payout.brand_id), actor.id, asker.role, amount)
        if conflict:
            why = f"Four eyes: {conflict}."
        elif above:
            why = f"{above[:1].upper()}{above[1:]}."
    return MayShown(approve=not why, why_not=why)


def _gates(session: Session, payout_id: str) -> GatesShown | None:
    row = session.scalar(
        select(GateReport)
        .where(GateReport.payout_id == payout_id)
        .order_by(GateReport.at.desc(), GateReport.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    names = [name for name in GatesShown.model_fields if name != "report_id"]
    return GatesShown.model_validate({"report_id": row.id} | {name: getattr(row, name) for name in names})


def _decisions(session: Session, payout_id: str, counting: set[tuple[str, int]]) -> list[DecisionShown]:
    rows = session.execute(
        select(PayoutDecision, Member.name, Remark.text)
        .join(Member, Member.id == PayoutDecision.member_id)
        .outerjoin(Remark, Remark.id == PayoutDecision.remark_id)
        .where(PayoutDecision.payout_id == payout_id)
        .order_by(PayoutDecision.sequence)
    )
    return [
        DecisionShown.model_validate(
            {
                "member_id": row.member_id,
                "member": name,
                "role": row.role,
                "decision": row.decision,
                "round": row.round,
                "counts": (row.member_id, row.sequence) in counting,
                "reason": row.reason,
                "remark": words or "",
                "rules_version": row.rules_version,
                "at": row.at,
            }
        )
        for row, name, words in rows
    ]


def _holds(session: Session, collaboration_id: str) -> list[HoldShown]:
    rows = session.scalars(
        select(PayoutHold).where(PayoutHold.collaboration_id == collaboration_id).order_by(PayoutHold.number)
    ).all()
    words = _words(session, [*(one.remark_id for one in rows), *(one.release_remark_id for one in rows)])
    return [
        HoldShown(
            number=row.number,
            reason=row.reason,
            remark=words.get(row.remark_id or "", ""),
            owner_id=row.owner_id,
            held_by=row.held_by,
            held_at=row.held_at,
            released_by=row.released_by,
            released_at=row.released_at,
            release_reason=row.release_reason,
            release_remark=words.get(row.release_remark_id or "", ""),
        )
        for row in rows
    ]


def _overrides(session: Session, payout_id: str) -> list[OverrideShown]:
    rows = session.scalars(
        select(GateOverride).where(GateOverride.payout_id == payout_id).order_by(GateOverride.sequence)
    ).all()
    words = _words(session, [one.remark_id for one in rows])
    return [
        OverrideShown(
            gate=row.gate,
            member_id=row.member_id,
            reason=row.reason,
            remark=words.get(row.remark_id or "", ""),
            at=row.at,
        )
        for row in rows
    ]


def _asked(session: Session, shape: type[Asked], query: Select[Any]) -> list[Asked]:
    """What one person asked and another decided, with the words of both."""
    rows: Sequence[Any] = session.scalars(query).all()
    words = _words(session, [*(one.remark_id for one in rows), *(one.decision_remark_id for one in rows)])
    said = ("remark", "decision_remark")
    return [
        shape.model_validate(
            {name: getattr(row, name) for name in shape.model_fields if name not in said}
            | {name: words.get(getattr(row, f"{name}_id") or "", "") for name in said}
        )
        for row in rows
    ]


def _words(session: Session, ids: Sequence[str | None]) -> dict[str, str]:
    wanted = [one for one in ids if one is not None]
    rows = session.execute(select(Remark.id, Remark.text).where(Remark.id.in_(wanted)))
    return {row.id: row.text for row in rows}
