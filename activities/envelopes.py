"""Who a notice goes to and from, and what would keep it from going: for many notices in two queries.

Opens a creator's name and address for the moment of sending; what is loaded here is never logged and
never leaves this process but in the mail to its owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from activities.notice_queue import Claimed
from domain.errors import Defect
from domain.state import State
from infra.tables import Brand, Campaign, Collaboration, Creator, CreatorKey, OfferRow, Suppression
from infra.vault import Profile, Vault


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who a notice goes to and from, and what would keep it from going."""

    notice: Claimed
    state: State
    brand_id: str
    sender_name: str
    sender_email: str
    profile: Profile | None
    """None when it cannot be opened; `unknown` says why."""
    unknown: str
    """erased or vault_unreadable; empty when the profile is there."""
    email_digest: str
    suppression: str
    do_not_contact: bool
    row: Row[Any]
    """The columns of `_core`, for the letter."""


def envelopes_of(session: Session, vault: Vault, notices: Sequence[Claimed]) -> list[Envelope]:
    """Address and standing of each notice, in their order."""
    ids = {notice.collaboration_id for notice in notices}
    rows = {row.id: row for row in session.execute(_core(ids))}
    suppressed = _suppressions(session, rows.values())
    return [_envelope(vault, notice, rows[notice.collaboration_id], suppressed) for notice in notices]


def _core(collaboration_ids: set[str]) -> Any:
    return (
        select(
            Collaboration.id,
            Collaboration.state,
            Collaboration.campaign_id,
            Collaboration.brand_id,
            Campaign.name.label("campaign_name"),
            Campaign.brief,
            Brand.name.label("brand_name"),
            Brand.postal_address,
            Brand.currency,
            Brand.sender_name,
            Brand.sender_email,
            Creator.id.label("creator_id"),
            Creator.sealed,
            Creator.email_digest,
            Creator.country,
            Creator.language,
            Creator.zone,
            Creator.do_not_contact,
            CreatorKey.wrapped,
            OfferRow.terms,
            OfferRow.sha256,
        )
        .join(Campaign, Campaign.id == Collaboration.campaign_id)
        .join(Brand, Brand.id == Collaboration.brand_id)
        .join(Creator, Creator.id == Collaboration.creator_id)
        .join(OfferRow, OfferRow.id == Collaboration.offer_id)
        .outerjoin(CreatorKey, CreatorKey.creator_id == Creator.id)
        .where(Collaboration.id.in_(collaboration_ids))
    )


def _suppressions(session: Session, rows: Any) -> dict[tuple[str, str], str]:
    keys = {(row.brand_id, row.email_digest) for row in rows}
    query = select(Suppression).where(tuple_(Suppression.brand_id, Suppression.email_digest).in_(keys))
    return {(one.brand_id, one.email_digest): one.reason for one in session.scalars(query)}


def _envelope(
    vault: Vault, notice: Claimed, row: Row[Any], suppressed: Mapping[tuple[str, str], str]
) -> Envelope:
    profile, unknown = _opened(vault, row)
    return Envelope(
        notice=notice,
        state=State.model_validate(row.state),
        brand_id=row.brand_id,
        sender_name=row.sender_name,
        sender_email=row.sender_email,
        profile=profile,
        unknown=unknown,
        email_digest=row.email_digest,
        suppression=suppressed.get((row.brand_id, row.email_digest), ""),
        do_not_contact=bool(row.do_not_contact),
        row=row,
    )


def _opened(vault: Vault, row: Row[Any]) -> tuple[Profile | None, str]:
    if row.wrapped is None:
        return None, "erased"
    try:
        return vault.open(row.wrapped, row.sealed, Profile), ""
    except Defect as defect:
        return None, defect.code
