"""Forms, parcels and content: the rows that a collaboration's change marks."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import CursorResult, bindparam, select, text, update
from sqlalchemy.orm import Session

from activities.effects.context import Context
from domain.errors import Defect, Invalid
from domain.goods import Parcel, goods_moved, goods_reserved
from domain.ids import derived_id
from domain.ledger import NewEntry
from domain.money import Money
from domain.state import MarkParcel, MarkSubmission, OpenParcel, UseAnswer
from infra.tables import Answer, OfferRow, Shipment, Submission

_NOT_SENT = ("preparing", "address_rejected")
_KIND_OF_SUBMISSION = {"in_review": "draft", "live": "live"}
_DECIDED = ("changes_requested", "approved", "accepted", "rejected")

_SHOWN: Final = select(OfferRow.sha256).where(OfferRow.id == bindparam("offer")).scalar_subquery()
_USE: Final = (
    update(Answer)
    .where(
        Answer.id == bindparam("answer_id"),
        Answer.collaboration_id == bindparam("of"),
        Answer.kind == bindparam("kind_of_form"),
        Answer.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
    .returning(Answer.offer_sha256, _SHOWN.label("shown"))
    .execution_options(synchronize_session=False)
)
_OPEN: Final = text("""
    INSERT INTO shipments
        (id, brand_id, campaign_id, collaboration_id, creator_id, number, kind, state, variant_id,
         answer_id, carrier, tracking_url, created_at, cost_amount, cost_currency)
    SELECT
        :id, :brand_id, :campaign_id, :collaboration_id, :creator_id, :number, :kind, 'preparing',
        :variant_id,
        (SELECT id FROM answers
         WHERE collaboration_id = :collaboration_id AND kind IN ('acceptance', 'address')
             AND used_at IS NOT NULL
         ORDER BY used_at DESC, id DESC LIMIT 1),
        '', '', :at, coalesce(before.cost_amount, v.cost_amount), coalesce(before.cost_currency, b.currency)
    FROM variants v
    JOIN brands b ON b.id = :brand_id
    LEFT JOIN shipments before ON before.collaboration_id = :collaboration_id
        AND before.number = :number - 1 AND :kind = 'resent'
    WHERE v.id = :variant_id
    RETURNING cost_amount, cost_currency
""")
# The state before is read under the row's lock, in the statement that changes it.
_MARK: Final = text("""
    UPDATE shipments SET
        state = :state,
        shipped_at = CASE WHEN :state = 'shipped' THEN :at ELSE shipments.shipped_at END,
        delivered_at = CASE WHEN :state = 'delivered' THEN :at ELSE shipments.delivered_at END
    FROM (
        SELECT s.id, s.state, v.cost_amount AS cost_now
        FROM shipments s JOIN variants v ON v.id = s.variant_id
        WHERE s.collaboration_id = :collaboration_id AND s.number = :number
        FOR UPDATE OF s
    ) before
    WHERE shipments.id = before.id
    RETURNING shipments.id, before.state, before.cost_now, shipments.variant_id, shipments.cost_amount,
        shipments.cost_currency
""")


def use_answer(session: Session, effect: UseAnswer, context: Context) -> None:
    """The stored form counts from now on. An acceptance counts only for the very text that was offered."""
    used = session.execute(
        _USE,
        {
            "answer_id": effect.answer_id,
            "of": context.before.collaboration_id,
            "offer": context.before.offer_id,
            "kind_of_form": effect.as_,
            "at": context.change.at,
        },
    ).one_or_none()
    if used is None:
        raise Invalid("this form is not stored, or was used before", field="answer_id")
    if effect.as_ == "acceptance" and (used.shown is None or used.offer_sha256 != used.shown):
        raise Invalid("the accepted text is not the text of the offer", field="answer_id")
    if effect.as_ == "address":
        _readdress(session, effect.answer_id, context)


def _readdress(session: Session, answer_id: str, context: Context) -> None:
    """A parcel that has not left goes to the new address."""
    session.execute(
        update(Shipment)
        .where(
            Shipment.collaboration_id == context.before.collaboration_id,
            Shipment.number == context.before.parcel,
            Shipment.state.in_(_NOT_SENT),
        )
        .values(answer_id=answer_id)
        .execution_options(synchronize_session=False)
    )


def open_parcel(session: Session, effect: OpenParcel, context: Context) -> None:
    """A parcel to be packed, for the newest address that counts; a new piece is set aside at its cost.

    The variant's row is locked by then (`reserve_stock`), so that its cost stands still. What is sent again
    keeps the cost at which it was set aside.
    """
    state = context.before
    shipment_id = derived_id("shipment", state.collaboration_id, effect.number)
    opened = session.execute(
        _OPEN,
        {
            "id": shipment_id,
            "brand_id": state.brand_id,
            "campaign_id": state.campaign_id,
            "collaboration_id": state.collaboration_id,
            "creator_id": state.creator_id,
            "number": effect.number,
            "kind": effect.kind,
            "variant_id": effect.variant_id,
            "at": context.change.at,
        },
    ).one()
    if effect.kind != "resent":
        cost = Money(amount=opened.cost_amount, currency=opened.cost_currency)
        _post(session, goods_reserved(Parcel(shipment_id, effect.variant_id, context.deal(), cost)), context)


def mark_parcel(session: Session, effect: MarkParcel, context: Context) -> None:
    """The state of a parcel, with the moment it left or arrived; the value of its piece follows it."""
    row = session.execute(
        _MARK,
        {
            "state": effect.state,
            "at": context.change.at,
            "collaboration_id": context.before.collaboration_id,
            "number": effect.number,
        },
    ).one_or_none()
    if row is None:
        raise Defect(f"parcel {effect.number} does not exist")
    cost = Money(amount=row.cost_amount, currency=row.cost_currency)
    parcel = Parcel(row.id, row.variant_id, context.deal(), cost)
    step = context.change.sequence + 1
    _post(session, goods_moved(parcel, row.state, effect.state, step, cost_now=row.cost_now), context)


def _post(session: Session, entry: NewEntry | None, context: Context) -> None:
    if entry is not None:
        context.post(session, entry)


def mark_submission(session: Session, effect: MarkSubmission, context: Context) -> None:
    """The state of what was handed in, and who decided on it."""
    found = update(Submission).where(
        Submission.id == effect.submission_id,
        Submission.collaboration_id == context.before.collaboration_id,
    )
    if effect.state in _KIND_OF_SUBMISSION:
        found = found.where(Submission.kind == _KIND_OF_SUBMISSION[effect.state])
    values: dict[str, Any] = {"state": effect.state}
    if effect.state in _DECIDED:
        values |= {"decided_at": context.change.at, "decided_by": context.actor}
    done = session.execute(found.values(values).execution_options(synchronize_session=False))
    if _rows(done) != 1:
        raise Invalid("nothing of this kind is stored under this id", field="submission_id")


def _rows(result: object) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
