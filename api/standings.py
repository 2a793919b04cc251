"""Where payouts stand, as finance says it: by what is in the way while they are due, by their state after.

One word for each payout, the same in lists, counts and totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, null, or_, select
from sqlalchemy.orm import Session

from domain.stages import Attention
from infra.tables import Collaboration, Payout

IN_THE_WAY: Final[Mapping[str, tuple[Attention, ...]]] = {
    "approval": (Attention.AWAITS_APPROVAL,),
    "elsewhere": (Attention.OFF_PLATFORM_ASKED,),
    "held": (Attention.PAYOUT_HELD, Attention.HOLD_OVERDUE),
    "funds": (Attention.FUNDS_SHORT,),
    "creator": (Attention.PAYEE_MISSING, Attention.TAX_DATA_MISSING),
    "resting": (Attention.PAYEE_CHANGED,),
    "blocked": (Attention.GATE_FAILED,),
    "refused": (Attention.TRANSFER_REFUSED,),
}
"""Standings of what is due: what is flagged beside it."""
STATES: Final = ("unknown", "ready", "waiting", "sending", "sent", "confirmed", "paid_elsewhere")
"""Standings that are the payout's own state. `ready`: nothing but time, or nothing, is in the way."""
STANDINGS: Final = (*IN_THE_WAY, *STATES)
"""Every standing, what a person has to look at first."""
_DUE: Final = "ready"
_FLAGGED: Final = [one.value for ones in IN_THE_WAY.values() for one in ones]


class Sum(NamedTuple):
    """All payouts of one standing and currency. Minor units."""

    standing: str
    currency: str
    how_many: int
    amount: int


def standing_of(state: str, attention: str | None) -> str:
    """The standing of a payout in this state, beside this flag."""
    if state == _DUE:
        for standing, flags in IN_THE_WAY.items():
            if attention in flags:
                return standing
    return state


def standing_is(standing: str) -> ColumnElement[bool]:
    """The condition on a query of payouts joined to their collaborations."""
    if standing in IN_THE_WAY:
        flags = [one.value for one in IN_THE_WAY[standing]]
        return and_(Payout.state == _DUE, Collaboration.attention.in_(flags))
    if standing == _DUE:
        free = or_(Collaboration.attention.is_(None), Collaboration.attention.not_in(_FLAGGED))
        return and_(Payout.state == _DUE, free)
    return Payout.state == standing


def sums_of(session: Session, brand_id: str) -> list[Sum]:
    """Count and total of every standing by currency; standings that nothing has are left out."""
    sums = (func.count(), func.sum(Payout.amount))
    of_brand = Payout.brand_id == brand_id
    # Only what is due needs its collaboration; everything else is read from the index alone.
    due = (
        select(Payout.state, Collaboration.attention, Payout.currency, *sums)
        .join(Collaboration, Collaboration.id == Payout.collaboration_id)
        .where(of_brand, Payout.state == _DUE)
        .group_by(Payout.state, Collaboration.attention, Payout.currency)
    )
    others = (
        select(Payout.state, null(), Payout.currency, *sums)
        .where(of_brand, Payout.state != _DUE)
        .group_by(Payout.state, Payout.currency)
    )
    rows = [*session.execute(due), *session.execute(others)]
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for state, attention, currency, count, amount in rows:
        key = (standing_of(state, attention), currency)
        before = found.get(key, (0, 0))
        found[key] = (before[0] + count, before[1] + int(amount))
    places = {standing: place for place, standing in enumerate(STANDINGS)}
    return [
        Sum(standing, currency, *of)
        for (standing, currency), of in sorted(
            found.items(), key=lambda one: (places.get(one[0][0], len(places)), one[0])
        )
    ]
