"""Closing a file before its good end: what was held is free again, and links act no more."""

from __future__ import annotations

from domain.decisions.turn import Turn
from domain.ledger import payout_id
from domain.payment_effects import CloseElsewhere, CloseHold
from domain.stages import Stage
from domain.state import MarkParcel, ReleaseStock, RevokeLinks, Scalar, VoidFee

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
        turn.do(VoidFee(fee=state.fee))
    if stock_returns and state.stock_held and state.variant_id is not None:
        turn.do(
            ReleaseStock(variant_id=state.variant_id),
            MarkParcel(number=state.parcel, state="cancelled"),
        )
        turn.set(stock_held=False)
    if state.held:
        turn.do(CloseHold(number=state.holds, reason="ended", with_the_file=True))
    if state.elsewhere:
        turn.do(
            CloseElsewhere(
                payout_id=payout_id(state.collaboration_id, state.part),
                document_id=state.elsewhere,
                decision="refused",
                reason="ended",
                with_the_file=True,
            )
        )
    turn.settle()
    turn.set(
        elsewhere="",
        held="",
        held_at=None,
        hold_overdue=False,
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
