"""The parcel: address, shipping, arrival, and everything that goes wrong on the way.

No clock runs against a creator whose parcel is not there: every path away from the doorstep clears the
due date, and only a delivery sets it.
"""

from __future__ import annotations

from typing import Literal

from domain.clocks import later
from domain.commands import ParcelProblem
from domain.decisions.closing import close
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand
from domain.ids import derived_id
from domain.notices import NoticeKind
from domain.roles import ActorKind
from domain.stages import Attention, Stage
from domain.state import MarkParcel, OpenParcel, ReserveStock, State, UseAnswer

LOSS_OF: dict[str, Literal["lost", "damaged", "wrong_item"]] = {
    ParcelProblem.NOT_ARRIVED: "lost",
    ParcelProblem.DAMAGED: "damaged",
    ParcelProblem.WRONG_ITEM: "wrong_item",
}
"""How the brand's silence settles what a creator reported."""


def current_shipment(state: State) -> str:
    """The id of the parcel that counts now."""
    return derived_id("shipment", state.collaboration_id, state.parcel)


def _of_current_parcel(turn: Turn) -> None:
    named = turn.command.shipment_id
    if named is not None and named != current_shipment(turn.state):
        raise IllegalCommand("this parcel was replaced by another", code="other_parcel")


def _require_parcel(turn: Turn) -> None:
    if turn.state.parcel == 0:
        raise IllegalCommand("nothing is shipped in this collaboration", code="no_parcel")


def reject_address(turn: Turn) -> None:
    """Back to the creator: this address cannot be shipped to."""
    turn.do(MarkParcel(number=turn.state.parcel, state="address_rejected"))
    turn.settle()
    turn.set(due_at=turn.after(turn.state.policy.address_within))
    turn.happen("address_rejected", Stage.ACCEPTED, reason=turn.command.reason)
    turn.notify(NoticeKind.ADDRESS_PROBLEM, turn.state.sequence)


def correct_address(turn: Turn) -> None:
    """A mended address: the waiting parcel is made ready, a returned one is sent anew."""
    state = turn.state
    turn.do(UseAnswer(answer_id=turn.command.answer_id, as_="address"))
    if state.parcel_back and state.variant_id is not None:
        turn.set(parcel=state.parcel + 1, parcel_back=False)
        turn.do(OpenParcel(number=state.parcel + 1, kind="resent", variant_id=state.variant_id))
    else:
        turn.do(MarkParcel(number=state.parcel, state="preparing"))
    turn.set(due_at=None)
    turn.happen("address_corrected", Stage.PREPARING, answer_id=turn.command.answer_id)


def ship(turn: Turn) -> None:
    """The parcel is with the carrier."""
    _of_current_parcel(turn)
    turn.settle()
    turn.set(news_at=turn.now)
    turn.do(MarkParcel(number=turn.state.parcel, state="shipped"))
    turn.happen("parcel_shipped", Stage.SHIPPED, shipment_id=turn.command.shipment_id)
    turn.notify(NoticeKind.SHIPPED, turn.state.parcel)


def scan(turn: Turn) -> None:
    """News that changes no stage; silence is counted from here again."""
    _of_current_parcel(turn)
    if turn.state.attention is Attention.PARCEL_SILENT:
        turn.settle()
    turn.set(news_at=turn.now)
    turn.happen("parcel_scanned", code=turn.command.code)


def deliver(turn: Turn) -> None:
    """It arrived: the content clock starts at the doorstep."""
    _of_current_parcel(turn)
    state = turn.state
    if state.dispute and turn.request.actor.kind is ActorKind.CARRIER:
        raise IllegalCommand(
            "the creator disputes this delivery; the brand has to settle it", code="disputed"
        )
    turn.settle()
    turn.set(
        delivered_at=turn.now,
        dispute="",
        review_by=None,
        due_at=turn.after(state.policy.content_within),
    )
    turn.do(MarkParcel(number=state.parcel, state="delivered"))
    turn.happen("parcel_delivered", Stage.DELIVERED, shipment_id=current_shipment(state))
    if state.type.owes_content:
        turn.happen("production_started", Stage.IN_PRODUCTION)
    turn.notify(NoticeKind.DELIVERED, turn.state.sequence)


def lose(turn: Turn) -> None:
    """Lost or broken: one replacement if policy and stock allow, else excused."""
    _require_parcel(turn)
    _of_current_parcel(turn)
    state, reason = turn.state, turn.command.reason
    if turn.request.actor.kind is ActorKind.CLOCK:
        _require_silence(turn)
    turn.do(MarkParcel(number=state.parcel, state="lost" if reason == "lost" else "damaged"))
    if state.replaced >= state.policy.replacements or state.variant_id is None:
        _excuse(turn, reason)
        return
    turn.instead = "excuse"
    turn.do(
        ReserveStock(variant_id=state.variant_id),
        OpenParcel(number=state.parcel + 1, kind="replacement", variant_id=state.variant_id),
    )
    turn.settle()
    turn.set(
        parcel=state.parcel + 1,
        replaced=state.replaced + 1,
        news_at=None,
        delivered_at=None,
        due_at=None,
        review_by=None,
        dispute="",
    )
    turn.happen("parcel_lost", reason=reason)
    turn.happen("preparation_started", Stage.PREPARING, variant_id=state.variant_id)
    turn.notify(NoticeKind.PARCEL_REPLACED, turn.state.parcel)


def _require_silence(turn: Turn) -> None:
    state = turn.state
    if state.dispute:
        if state.review_by is None or turn.now < state.review_by:
            raise IllegalCommand("the brand still has time to answer", code="too_early")
        return
    if state.stage is not Stage.SHIPPED or state.news_at is None:
        raise IllegalCommand("no parcel is under way", code="wrong_stage")
    if turn.now < later(state.news_at, state.policy.lost_after, state.zone):
        raise IllegalCommand("the parcel was heard of since", code="too_early")


def _excuse(turn: Turn, reason: str) -> None:
    not_sent = turn.state.stage in (Stage.ACCEPTED, Stage.PREPARING)
    turn.set(dispute="", delivered_at=None)
    close(turn, "excused", Stage.EXCUSED, reason, stock_returns=not_sent)
    turn.notify(NoticeKind.PARCEL_EXCUSED)


def excuse(turn: Turn) -> None:
    """Not replaceable: close with no mark against the creator."""
    _require_parcel(turn)
    if turn.state.stage not in (Stage.ACCEPTED, Stage.PREPARING):
        turn.do(MarkParcel(number=turn.state.parcel, state="lost"))
    _excuse(turn, turn.command.reason)


def return_parcel(turn: Turn) -> None:
    """It came back: the address is confirmed again before it is sent again."""
    _of_current_parcel(turn)
    turn.settle()
    turn.do(MarkParcel(number=turn.state.parcel, state="returned"))
    turn.set(
        parcel_back=True,
        dispute="",
        review_by=None,
        due_at=turn.after(turn.state.policy.address_within),
    )
    turn.happen("parcel_returned", Stage.ACCEPTED, shipment_id=current_shipment(turn.state))
    turn.notify(NoticeKind.PARCEL_RETURNED, turn.state.parcel)


def mark_silent(turn: Turn) -> None:
    """Not shipped in time, or not heard of: a person has to ask."""
    if turn.state.stage is Stage.PREPARING:
        turn.flag(Attention.SHIP_LATE)
        turn.happen("shipping_late")
    else:
        turn.flag(Attention.PARCEL_SILENT)
        turn.happen("parcel_silent")


def report_parcel(turn: Turn) -> None:
    """Something is wrong with the parcel: the creator's clocks stop until it is settled."""
    _require_parcel(turn)
    state, problem = turn.state, turn.command.problem
    if state.dispute:
        raise IllegalCommand("this was reported already", code="already_reported")
    arrived = state.delivered_at is not None
    if not arrived and problem is not ParcelProblem.NOT_ARRIVED:
        raise IllegalCommand("the parcel has not arrived yet", code="not_delivered")
    if turn.command.answer_id is not None:
        turn.do(UseAnswer(answer_id=turn.command.answer_id, as_="report"))
    turn.do(MarkParcel(number=state.parcel, state="disputed"))
    turn.flag(Attention.PARCEL_DISPUTED)
    turn.set(due_at=None, delivered_at=None)
    if arrived:
        turn.set(dispute=problem.value, review_by=turn.after(state.policy.review_within))
    turn.happen("parcel_reported", Stage.SHIPPED, problem=problem.value)
    turn.notify(NoticeKind.PARCEL_REPORT_RECEIVED, turn.state.sequence)


HANDLERS: dict[str, Handler] = {
    "reject_address": reject_address,
    "correct_address": correct_address,
    "ship": ship,
    "scan": scan,
    "deliver": deliver,
    "lose": lose,
    "excuse": excuse,
    "return": return_parcel,
    "mark_silent": mark_silent,
    "report_parcel": report_parcel,
}
