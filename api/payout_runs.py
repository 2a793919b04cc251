"""Payout runs as read by the API and by the console. Reads only, and never asks Stripe."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from api.schemas.runs import PayoutRunDetail, PayoutRunShown, RunPaymentShown
from infra.tables import Payout, PayoutRunItem, PayoutRunRow

MOST_PAYMENTS: Final = 500
"""Payments of one run that are shown."""


def runs_query(brand_id: str, *, state: str | None = None) -> Select[Any]:
    """The brand's runs that fit."""
    query = select(PayoutRunRow).where(PayoutRunRow.brand_id == brand_id)
    return query if state is None else query.where(PayoutRunRow.state == state)


def run_detail(session: Session, run: PayoutRunRow) -> PayoutRunDetail:
    """One run with its payments, in the order in which they are paid."""
    waits = PayoutRunItem.state == "waiting"
    rows = session.execute(
        select(PayoutRunItem, Payout.collaboration_id, Payout.creator_id)
        .join(Payout, Payout.id == PayoutRunItem.payout_id)
        .where(PayoutRunItem.run_id == run.id)
        .order_by(
            case((waits, 0), (PayoutRunItem.state == "paid", 1), else_=2),
            PayoutRunItem.granted_at.is_(None),
            PayoutRunItem.pay_by,
            PayoutRunItem.payout_id,
        )
        .limit(MOST_PAYMENTS)
    ).all()
    count = select(func.count()).select_from(PayoutRunItem).where(PayoutRunItem.run_id == run.id)
    payments = [
        _payment(place, item, collaboration_id, creator_id)
        for place, (item, collaboration_id, creator_id) in enumerate(rows, 1)
    ]
    shown = PayoutRunShown.model_validate(run).model_dump()
    return PayoutRunDetail(
        **shown, payments=payments, left_out=max(0, (session.scalar(count) or 0) - MOST_PAYMENTS)
    )


def _payment(place: int, item: PayoutRunItem, collaboration_id: str, creator_id: str) -> RunPaymentShown:
    return RunPaymentShown.model_validate(
        {
            "payout_id": item.payout_id,
            "collaboration_id": collaboration_id,
            "creator_id": creator_id,
            "place": place if item.state == "waiting" else None,
            "amount": item.amount,
            "state": item.state,
            "pay_by": item.pay_by,
            "ended_at": item.ended_at,
        }
    )
