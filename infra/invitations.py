"""Inviting: one frozen offer and one queued collaboration for each creator, thousands at once.

The launch, or the running campaign, starts their workflows; nothing here sends or starts anything. Who must
not be contacted is left out, with the reason. Rows are written from arrays inside the database, so that the
same terms do not travel once a creator.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, Text, any_, bindparam, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from domain.campaign import CampaignStatus
from domain.errors import Invalid, NotOpen
from domain.money import Money, smallest_step
from domain.offer import Offer, split_fee
from domain.policy import Policy
from domain.stages import Stage
from domain.state import State
from domain.terms import terms_hash
from infra.campaigns import terms_of
from infra.ids import new_id
from infra.tables import Campaign, Collaboration, Creator, OfferRow, SocialAccount, Suppression

_BATCH: Final = 5_000
_PLATFORMS: Final = (
    select(func.coalesce(func.array_agg(SocialAccount.platform), cast([], ARRAY(Text))))
    .where(SocialAccount.creator_id == Creator.id)
    .scalar_subquery()
)
_OPEN: Final = (CampaignStatus.DRAFT, CampaignStatus.LIVE, CampaignStatus.PAUSED)


class Skipped(NamedTuple):
    """A creator who is not invited, and why."""

    creator_id: str
    reason: str
    """unknown, already_invited, do_not_contact, unsubscribed, bounced, complained, not_shipped_there, or
    no_account_there: their post could not be verified."""


class Invited(NamedTuple):
    """What came of inviting: the new collaborations, and who was left out."""

    collaboration_ids: list[str]
    skipped: list[Skipped]


class _Chosen(NamedTuple):
    creator_id: str
    zone: str
    collaboration_id: str
    offer_id: str


def invite(
    session: Session,
    campaign: Campaign,
    creator_ids: Sequence[str],
    *,
    now: datetime,
    fee: Money | None = None,
) -> Invited:
    """Queue these creators, in the order given, with the campaign's offer or with another fee.

    Raises `NotOpen` when the campaign takes nobody any more, `Invalid` when the fee does not fit it. The
    caller holds the lock of the campaign's row and commits.
    """
    if campaign.status not in _OPEN:
        raise NotOpen(f"this campaign is {campaign.status}; nobody can be invited to it")
    if fee is not None and fee.currency != campaign.currency:
        raise Invalid(f"the campaign pays in {campaign.currency}", field="fee.currency")
    if fee is not None and not Offer.model_validate(campaign.offer).type.pays:
        raise Invalid(f"a {campaign.type} campaign has no fee", field="fee")
    if fee is not None and fee.amount == 0:
        raise Invalid("the fee must be above zero", field="fee.amount")
    if fee is not None and fee.amount % smallest_step(fee.currency):
        step = smallest_step(fee.currency)
        raise Invalid(f"amounts in {fee.currency} are multiples of {step} minor units", field="fee.amount")
    _refuse_unsplittable(campaign, fee)
    offer, terms = terms_of(session, campaign, fee)
    wanted = list(dict.fromkeys(creator_ids))
    result = Invited([], [])
    for start in range(0, len(wanted), _BATCH):
        chosen = _choose(session, campaign, wanted[start : start + _BATCH], result.skipped)
        _write_offers(session, chosen, offer, terms)
        _write_collaborations(session, campaign, chosen, offer, now)
        result.collaboration_ids.extend(one.collaboration_id for one in chosen)
    return result


def _refuse_unsplittable(campaign: Campaign, fee: Money | None) -> None:
    """A fee of one's own has to have room for the tails of the campaign's offer."""
    tails = Offer.model_validate(campaign.offer).tails
    if fee is not None and not all(part.amount for part in split_fee(fee, tails)):
        raise Invalid("the fee is too small to be split into the offer's tails", field="fee.amount")


def _choose(
    session: Session, campaign: Campaign, creator_ids: list[str], skipped: list[Skipped]
) -> list[_Chosen]:
    """Who of these can be invited; the others are added to `skipped`."""
    query = (
        select(
            Creator.id,
            Creator.zone,
            Creator.country,
            Creator.do_not_contact,
            Suppression.reason.label("suppressed"),
            Collaboration.id.label("collaboration_id"),
            _PLATFORMS.label("platforms"),
        )
        .outerjoin(
            Suppression,
            (Suppression.brand_id == Creator.brand_id) & (Suppression.email_digest == Creator.email_digest),
        )
        .outerjoin(
            Collaboration,
            (Collaboration.campaign_id == campaign.id) & (Collaboration.creator_id == Creator.id),
        )
        .where(Creator.brand_id == campaign.brand_id, Creator.id == any_(cast(creator_ids, ARRAY(Text))))
    )
    found = {row.id: row for row in session.execute(query)}
    needed = {str(piece["platform"]) for piece in campaign.offer["deliverables"]}
    chosen = []
    for creator_id in creator_ids:
        reason = _why_not(campaign, needed, found.get(creator_id))
        if reason:
            skipped.append(Skipped(creator_id, reason))
        else:
            zone = found[creator_id].zone
            chosen.append(_Chosen(creator_id, zone, new_id("collaboration"), new_id("offer")))
    return chosen


def _why_not(campaign: Campaign, platforms: set[str], row: Any) -> str:
    if row is None:
        return "unknown"
    if row.collaboration_id is not None:
        return "already_invited"
    if row.do_not_contact:
        return "do_not_contact"
    if row.suppressed:
        return str(row.suppressed)
    if campaign.ships_to and row.country not in campaign.ships_to:
        return "not_shipped_there"
    if not platforms <= set(row.platforms):
        return "no_account_there"
    return ""


def _write_offers(
    session: Session, chosen: list[_Chosen], offer: Offer, terms: str, versions: list[int] | None = None
) -> None:
    """One immutable offer for each, all with the same terms."""
    if not chosen:
        return
    statement = text(
        "INSERT INTO offers (id, collaboration_id, version, terms, text, sha256)"
        " SELECT one.id, one.collaboration_id, one.version, :terms, :text, :sha256"
        " FROM unnest(CAST(:ids AS text[]), CAST(:collaboration_ids AS text[]), CAST(:versions AS int[]))"
        " AS one(id, collaboration_id, version)"
    ).bindparams(bindparam("terms", type_=JSONB))
    session.execute(
        statement,
        {
            "ids": [one.offer_id for one in chosen],
            "collaboration_ids": [one.collaboration_id for one in chosen],
            "versions": versions or [1] * len(chosen),
            "terms": offer.model_dump(mode="json"),
            "text": terms,
            "sha256": terms_hash(terms),
        },
    )


def _write_collaborations(
    session: Session, campaign: Campaign, chosen: list[_Chosen], offer: Offer, now: datetime
) -> None:
    """One queued collaboration for each; their states differ in ids and zone only."""
    if not chosen:
        return
    pattern = _state(campaign, chosen[0], offer, now).model_dump(mode="json")
    statement = text(
        "INSERT INTO collaborations (id, brand_id, campaign_id, creator_id, offer_id, stage, since,"
        " sequence, head, state)"
        " SELECT one.id, :brand_id, :campaign_id, one.creator_id, one.offer_id, :stage, :since, 0, '',"
        " :pattern || jsonb_build_object('collaboration_id', one.id, 'creator_id', one.creator_id,"
        " 'offer_id', one.offer_id, 'zone', one.zone)"
        " FROM unnest(CAST(:ids AS text[]), CAST(:creator_ids AS text[]), CAST(:offer_ids AS text[]),"
        " CAST(:zones AS text[])) AS one(id, creator_id, offer_id, zone)"
    ).bindparams(bindparam("pattern", type_=JSONB))
    session.execute(
        statement,
        {
            "brand_id": campaign.brand_id,
            "campaign_id": campaign.id,
            "stage": Stage.QUEUED.value,
            "since": now,
            "pattern": pattern,
            "ids": [one.collaboration_id for one in chosen],
            "creator_ids": [one.creator_id for one in chosen],
            "offer_ids": [one.offer_id for one in chosen],
            "zones": [one.zone for one in chosen],
        },
    )


def _state(campaign: Campaign, one: _Chosen, offer: Offer, now: datetime) -> State:
    return State(
        collaboration_id=one.collaboration_id,
        campaign_id=campaign.id,
        brand_id=campaign.brand_id,
        creator_id=one.creator_id,
        offer_id=one.offer_id,
        type=offer.type,
        fee=offer.fee,
        tails=offer.tails,
        policy=Policy.model_validate(campaign.policy),
        zone=one.zone,
        since=now,
    )


def renew_offers(session: Session, campaign: Campaign, fee_before: Money | None) -> int:
    """After a change of a draft: everybody queued gets a new version of the offer. How many were renewed.

    `fee_before` is the fee of the campaign before the change. A fee that was given to one creator stays, as
    long as the campaign still pays in its currency. The caller holds the lock of the campaign's row.
    """
    newest = (
        select(func.max(OfferRow.version))
        .where(OfferRow.collaboration_id == Collaboration.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Collaboration.id, Collaboration.creator_id, Collaboration.state, newest.label("version")
        ).where(Collaboration.campaign_id == campaign.id, Collaboration.stage == Stage.QUEUED.value)
    ).all()
    by_fee: dict[Money | None, list[Any]] = {}
    for row in rows:
        by_fee.setdefault(_own_fee(row.state, campaign, fee_before), []).append(row)
    for fee, group in by_fee.items():
        _renew(session, campaign, fee, group)
    return len(rows)


def _own_fee(state: dict[str, Any], campaign: Campaign, fee_before: Money | None) -> Money | None:
    """The fee that was given to this creator alone, or None for the campaign's."""
    given = Money.model_validate(state["fee"]) if state.get("fee") else None
    pays = Offer.model_validate(campaign.offer).fee
    if given is None or given == fee_before or pays is None or given.currency != pays.currency:
        return None
    return given


def _renew(session: Session, campaign: Campaign, fee: Money | None, rows: list[Any]) -> None:
    offer, terms = terms_of(session, campaign, fee)
    chosen = [_Chosen(row.creator_id, row.state["zone"], row.id, new_id("offer")) for row in rows]
    _write_offers(session, chosen, offer, terms, [row.version + 1 for row in rows])
    patch = {
        "type": offer.type.value,
        "fee": None if offer.fee is None else offer.fee.model_dump(mode="json"),
        "tails": [tail.model_dump(mode="json") for tail in offer.tails],
        "policy": campaign.policy,
    }
    statement = text(
        "UPDATE collaborations SET offer_id = one.offer_id,"
        " state = state || :patch || jsonb_build_object('offer_id', one.offer_id)"
        " FROM unnest(CAST(:ids AS text[]), CAST(:offer_ids AS text[])) AS one(id, offer_id)"
        " WHERE collaborations.id = one.id"
    ).bindparams(bindparam("patch", type_=JSONB))
    session.execute(
        statement,
        {
            "patch": patch,
            "ids": [one.collaboration_id for one in chosen],
            "offer_ids": [one.offer_id for one in chosen],
        },
    )
