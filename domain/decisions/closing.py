"""Closing a file before its good end: what was held is free again, and links act no more."""

from __future__ import annotations

from domain.decisions.turn import Turn
from domain.ledger import payout_id
from domain.payment_effects import CloseElsewhere, CloseHold, VoidFee
from domain.stages import Stage
from domain.state import MarkParcel, ReleaseStock, RevokeLinks, Scalar

# Stages at which the fee is held and not yet earned.
_HELD = frozenset(
    {
        Stage.ACCEPTED,
        Stage.PREPARING,
        Stage.SHIPPED,
        Stage.DELIVERED,
        Stage.IN_PRODUCTION,
        Stage.IN_REVIEW,
        Stage.CHANGES_REQUESTED,
        Stage.APPROVED,
        Stage.POSTED,
        Stage.DISCLOSURE_CHECK,
        Stage.VERIFIED,
    }
)


def close(
    turn: Turn,
    event: str,
    stage: Stage,
    reason: str = "",
    *,
    stock_returns: bool = False,
    facts: dict[str, Scalar] | None = None,
) -> None:
    """End the collaboration: return the held fee, and the piece where it was never sent."""
    state = turn.state
    if state.fee is not None and state.stage in _HELD:
        turn.do(VoidFee(fee=state.fee))  # nothing of it was paid: else the rest is withheld, see parts.py
    if stock_returns and state.stock_held and state.variant_id is not None:
        turn.do(
            ReleaseStock(variant_id=state.variant_id),
            MarkParcel(number=state.parcel, state="cancelled"),
        )
        turn.set(stock_held=False)
    close_what_is_open(turn)
    turn.settle()
    turn.set(
        due_at=None,
        review_by=None,
        remedy_by=None,
        live_until=None,
        extension="",
        extension_at=None,
        end_reason=reason,
    )
    turn.happen(event, stage, reason=reason, **(facts or {}))
    turn.do(RevokeLinks())


def close_what_is_open(turn: Turn) -> None:
    """Nobody decides any more about a hold, or about a payment elsewhere."""
    state = turn.state
    if state.held:
        turn.do(CloseHold(number=state.holds, reason="ended", with_the_file=True))
    if state.elsewhere:
        turn.do(
            CloseElsewhere(
                payout_id=payout_id(state.collaboration_id, state.elsewhere_part),
                part=state.elsewhere_part,
                document_id=state.elsewhere,
                decision="refused",
                reason="ended",
                with_the_file=True,
            )
        )
    turn.set(elsewhere="", elsewhere_part=0, held="", held_at=None, hold_overdue=False)
