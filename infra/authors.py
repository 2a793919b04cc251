"""Remembers who set the terms of a campaign or the amount of one offer: they are not a second pair of eyes.

Written in the transaction that sets them; `activities/rules.py` reads it when somebody approves a payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import insert
from sqlalchemy.orm import Session

from domain.roles import Actor
from infra.tables import Campaign, TermsAuthor


def remember_author(
    session: Session,
    campaign: Campaign,
    by: Actor | None,
    what: Literal["terms", "amount"],
    collaboration_ids: Sequence[str] = (),
) -> None:
    """Write that this actor set the campaign's terms, or the amount of these collaborations."""
    if by is None:
        return
    common: dict[str, str | None] = {
        "brand_id": campaign.brand_id,
        "campaign_id": campaign.id,
        "what": what,
        "actor_id": by.id,
    }
    of: Sequence[str | None] = collaboration_ids or [None]
    rows = [common | {"collaboration_id": one} for one in of]
    session.execute(insert(TermsAuthor), rows)
