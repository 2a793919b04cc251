"""Forms, parcels and content: the rows that a collaboration's change marks."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import CursorResult, bindparam, select, text, update
from sqlalchemy.orm import Session

from activities.effects.context import Context
from domain.errors import Defect, Invalid
from domain.ids import derived_id
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
         answer_id, carrier, tracking_url, created_at)
    VALUES
        (:id, :brand_id, :campaign_id, :collaboration_id, :creator_id, :number, :kind, 'preparing',
         :variant_id,
         (SELECT id FROM answers
          WHERE collaboration_id = :collaboration_id AND kind IN ('acceptance', 'address')
              AND used_at IS NOT NULL
          ORDER BY used_at DESC, id DESC LIMIT 1),
         '', '', :at)
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
    """A parcel to be packed, for the newest address that counts."""
    state = context.before
    session.execute(
        _OPEN,
        {
            "id": derived_id("shipment", state.collaboration_id, effect.number),
            "brand_id": state.brand_id,
            "campaign_id": state.campaign_id,
            "collaboration_id": state.collaboration_id,
            "creator_id": state.creator_id,
            "number": effect.number,
            "kind": effect.kind,
            "variant_id": effect.variant_id,
            "at": context.change.at,
        },
    )


def mark_parcel(session: Session, effect: MarkParcel, context: Context) -> None:
    """The state of a parcel, with the moment it left or arrived."""
    values: dict[str, Any] = {"state": effect.state}
    if effect.state in ("shipped", "delivered"):
        values[f"{effect.state}_at"] = context.change.at
    done = session.execute(
        update(Shipment)
        .where(
            Shipment.collaboration_id == context.before.collaboration_id,
            Shipment.number == effect.number,
        )
        .values(values)
        .execution_options(synchronize_session=False)
    )
    if _rows(done) != 1:
        raise Defect(f"parcel {effect.number} does not exist")


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
