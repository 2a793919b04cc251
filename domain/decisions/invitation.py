"""Invitation and answer: the offer goes out, and the creator says yes, no, or nothing."""

from __future__ import annotations

from domain.decisions.closing import close
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand, Invalid
from domain.notices import NoticeKind
from domain.payment_effects import HoldFee
from domain.roles import ActorKind
from domain.stages import Stage
from domain.state import OpenParcel, RequireOpen, ReserveStock, UseAnswer

# From here on the brand may not take the offer back: the creator has handed in work.
_WORK_HANDED_IN = frozenset({Stage.IN_REVIEW, Stage.CHANGES_REQUESTED, Stage.APPROVED})
# A parcel that was sent is the creator's to keep: its piece does not come back into stock.
_NOT_SENT_YET = frozenset({Stage.ACCEPTED, Stage.PREPARING})


def invite(turn: Turn) -> None:
    """The offer goes out."""
    turn.set(invited_at=turn.now, due_at=turn.after(turn.state.policy.respond_within), round=1)
    turn.happen("invitation_sent", Stage.INVITED, offer_id=turn.state.offer_id)
    turn.notify(NoticeKind.INVITATION, 1)


def accept(turn: Turn) -> None:
    """Yes: a piece and the fee are reserved, terms are frozen, the next stage begins."""
    state, command = turn.state, turn.command
    if command.offer_id != state.offer_id:
        raise IllegalCommand("this offer was replaced by a newer one", code="offer_replaced")
    if state.due_at is not None and turn.now > state.due_at:
        raise IllegalCommand("the time to answer is over", code="answer_too_late")
    if state.type.ships and command.variant_id is None:
        raise Invalid("choose one of the products", field="variant_id")
    turn.do(RequireOpen(), UseAnswer(answer_id=command.answer_id, as_="acceptance"))
    turn.instead = "waitlist"
    if state.fee is not None:
        turn.do(HoldFee(fee=state.fee))
    turn.set(answer_id=command.answer_id, accepted_at=turn.now, due_at=None)
    turn.happen("offer_accepted", Stage.ACCEPTED, answer_id=command.answer_id, offer_id=command.offer_id)
    if state.type.ships:
        _prepare_first_parcel(turn)
    else:
        turn.set(due_at=turn.after(state.policy.content_within))
        turn.happen("production_started", Stage.IN_PRODUCTION)
    turn.notify(NoticeKind.ACCEPTED)


def _prepare_first_parcel(turn: Turn) -> None:
    variant_id = turn.command.variant_id
    turn.do(
        ReserveStock(variant_id=variant_id),
        OpenParcel(number=1, kind="first", variant_id=variant_id),
    )
    turn.set(variant_id=variant_id, stock_held=True, parcel=1)
    turn.happen("preparation_started", Stage.PREPARING, variant_id=variant_id)


def decline(turn: Turn) -> None:
    """No, with a reason."""
    if turn.command.answer_id is not None:
        turn.do(UseAnswer(answer_id=turn.command.answer_id, as_="decline"))
    close(turn, "offer_declined", Stage.DECLINED, turn.command.reason.value)


def expire(turn: Turn) -> None:
    """Silence: the answer (or the mended address) never came."""
    if turn.state.due_at is None or turn.now < turn.state.due_at:
        raise IllegalCommand("the time is not over yet", code="too_early")
    if turn.state.stage is Stage.ACCEPTED:
        close(turn, "address_never_mended", Stage.EXPIRED, "address", stock_returns=True)
    else:
        close(turn, "invitation_expired", Stage.EXPIRED, "no_answer")


def waitlist(turn: Turn) -> None:
    """Yes, but nothing is left: keep the yes and say so politely."""
    turn.do(UseAnswer(answer_id=turn.command.answer_id, as_="acceptance"))
    turn.set(answer_id=turn.command.answer_id, due_at=None)
    turn.happen("waitlisted", Stage.WAITLISTED, answer_id=turn.command.answer_id)
    turn.notify(NoticeKind.WAITLISTED, turn.state.round)


def promote(turn: Turn) -> None:
    """A place is free: the offer goes out again, and the creator answers anew."""
    turn.set(
        round=turn.state.round + 1,
        answer_id=None,
        due_at=turn.after(turn.state.policy.respond_within),
    )
    turn.happen("invitation_sent", Stage.INVITED, offer_id=turn.state.offer_id)
    turn.notify(NoticeKind.INVITATION, turn.state.round)


def close_waitlist(turn: Turn) -> None:
    """No place came."""
    close(turn, "waitlist_closed", Stage.WAITLISTED_OUT, "nothing_free")
    turn.notify(NoticeKind.WAITLIST_CLOSED)


def withdraw(turn: Turn) -> None:
    """Either side steps back; what is held goes back where it came from."""
    by_creator = turn.request.actor.kind is ActorKind.CREATOR
    if by_creator and turn.state.stage in (Stage.QUEUED, Stage.INVITED, Stage.WAITLISTED):
        raise IllegalCommand("an open offer is declined, not withdrawn", code="decline_instead")
    if not by_creator and turn.state.stage in _WORK_HANDED_IN:
        raise IllegalCommand(
            "the creator has handed in work; it can be reviewed, not withdrawn",
            code="work_handed_in",
        )
    invited = turn.state.stage is not Stage.QUEUED
    stage = Stage.WITHDRAWN_BY_CREATOR if by_creator else Stage.WITHDRAWN_BY_BRAND
    close(
        turn,
        "withdrawn_by_creator" if by_creator else "withdrawn_by_brand",
        stage,
        turn.command.reason,
        stock_returns=turn.state.stage in _NOT_SENT_YET,
    )
    if invited and not by_creator:
        turn.notify(NoticeKind.WITHDRAWN)


HANDLERS: dict[str, Handler] = {
    "invite": invite,
    "accept": accept,
    "decline": decline,
    "expire": expire,
    "waitlist": waitlist,
    "promote": promote,
    "close_waitlist": close_waitlist,
    "withdraw": withdraw,
}
