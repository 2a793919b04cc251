"""What each letter says, put together from the collaboration, its offer, and what hangs on it.

Makes the link that a notice carries; its id follows from the notice's, so that a second try makes no second
link. Holds personal data: never logged, never stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from activities.envelopes import Envelope, envelopes_of
from activities.letter_facts import Facts
from activities.letter_format import locale_of
from activities.letters import NoticeContext
from activities.notice_queue import Claimed
from domain.disclosure.packs import load_pack
from domain.ids import derived_id
from domain.money import Money
from domain.notices import NoticeKind
from domain.offer import CampaignType, Offer
from infra.links import LIFE, unsubscribe_url, url_of
from infra.settings import Settings
from infra.vault import Vault

PAYMENT_SECTION: Final = "#payment"
"""Where the status page shows the payment."""
_WITH_FIXES: Final = (NoticeKind.DISCLOSURE_FIX, NoticeKind.POST_CHANGED)
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+")
_LINKS: Final = text(
    "INSERT INTO links (id, collaboration_id, creator_id, created_at, expires_at)"
    " SELECT one.id, one.collaboration_id, one.creator_id, :now, :until"
    " FROM unnest(CAST(:ids AS text[]), CAST(:collaborations AS text[]), CAST(:creators AS text[]))"
    " AS one(id, collaboration_id, creator_id)"
    " ON CONFLICT (id) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Addressed:
    """A notice ready to be written and sent."""

    envelope: Envelope
    context: NoticeContext
    terms: bytes
    """The accepted text, where it goes with the letter; else empty."""


def letters_of(
    session: Session, settings: Settings, envelopes: Sequence[Envelope], now: datetime
) -> list[Addressed]:
    """What each letter says, in their order. Makes each notice's link; a second time, the same link."""
    _make_links(session, envelopes, now)
    facts = Facts(session, envelopes)
    return [
        Addressed(one, _context(settings, one, facts), facts.terms_of(one.notice.collaboration_id))
        for one in envelopes
    ]


def context_of(
    session: Session, vault: Vault, settings: Settings, notice: Claimed, now: datetime
) -> NoticeContext:
    """What one letter says."""
    (addressed,) = letters_of(session, settings, envelopes_of(session, vault, [notice]), now)
    return addressed.context


def link_of(notice_id: str) -> str:
    """The id of the link that a notice carries: the same for every try."""
    return derived_id("link", notice_id)


def _make_links(session: Session, envelopes: Sequence[Envelope], now: datetime) -> None:
    """One link a notice (as `infra.links.issue` makes it), in one statement for all of them."""
    session.execute(
        _LINKS,
        {
            "ids": [link_of(one.notice.id) for one in envelopes],
            "collaborations": [one.notice.collaboration_id for one in envelopes],
            "creators": [one.row.creator_id for one in envelopes],
            "now": now,
            "until": now + LIFE,
        },
    )


@lru_cache(maxsize=512)
def _label(country: str, type_: CampaignType, brand: str) -> str:
    """Words that mark a post rightly in this country; empty when there is no rule pack for it."""
    pack = load_pack(country)
    if pack is None:
        return ""
    words = pack.file.advice.paid if type_.pays else pack.file.advice.gift
    return words.replace("{brand}", brand).rstrip(".")


@lru_cache(maxsize=512)
def _file_name(campaign: str) -> str:
    slug = _NOT_A_NAME.sub("-", campaign.casefold()).strip("-")[:60]
    return f"terms-{slug}.txt" if slug else "terms.txt"


def _payment(one: Envelope, facts: Facts) -> dict[str, Any]:
    """The payment that the notice is about: the one it names, or the one that is due."""
    state, notice = one.state, one.notice
    number = (notice.step or 1) if notice.kind is NoticeKind.PAID else state.part
    part = next((one for one in state.all_parts if one.number == number), None)
    if part is None:
        return {}
    rest = sum(one.amount for one in state.all_parts if one.to_earn)
    return {
        "paid_at": facts.paid_at(notice.collaboration_id, number),
        "transfer_id": part.transfer_id,
        "due": state.money(part.amount),
        "part": number,
        "part_kind": part.kind,
        "parts": len(state.all_parts),
        "next_due": state.money(rest) if rest else None,
    }


def _context(settings: Settings, one: Envelope, facts: Facts) -> NoticeContext:
    state, row, notice = one.state, one.row, one.notice
    event = facts.event(notice)
    product, choices, value = facts.product(one)
    parcel, parcel_sent = facts.parcel(one)
    link = link_of(notice.id)
    return NoticeContext(
        brand_name=row.brand_name,
        brand_address=row.postal_address,
        campaign_name=row.campaign_name,
        reader_name="" if one.profile is None else one.profile.name,
        locale=locale_of(row.language, row.country),
        zone=row.zone,
        type=state.type,
        offer=Offer.model_validate(row.terms),
        policy=state.policy,
        brief=str(row.brief.get("summary", "")),
        stage=state.stage,
        draft_first=state.draft_first,
        accepted=state.accepted_at is not None,
        round=state.round,
        product=product,
        choices=choices,
        product_value=None if value is None else Money(amount=value, currency=row.currency),
        parcel=parcel,
        parcel_sent=parcel_sent,
        due_at=state.due_at,
        review_by=state.review_by,
        remedy_by=state.remedy_by,
        live_until=state.live_until,
        pay_by=state.pay_by,
        **_payment(one, facts),
        terms_file=_file_name(row.campaign_name),
        terms_sha256=row.sha256,
        label=_label(row.country, state.type, row.brand_name),
        feedback=facts.feedback(notice),
        revision=state.revisions,
        by_silence=bool(event.get("by_silence")),
        extension=event.get("span") or "0d",
        fixes=facts.fixes(notice) if notice.kind in _WITH_FIXES else (),
        problem=str(event.get("problem") or ""),
        reason=str(event.get("reason") or state.end_reason),
        link=url_of(settings, link),
        payment_link=url_of(settings, link, PAYMENT_SECTION),
        unsubscribe_link=unsubscribe_url(settings, link),
    )
