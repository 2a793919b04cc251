"""Everything that one creator's page may show, read in one short transaction. It decides and changes nothing.

Personal data is opened only where a page needs it (`told_of`), and leaves it masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.campaign import Brief
from domain.errors import NotFound
from domain.offer import Deliverable, Offer
from domain.stages import Stage
from domain.state import State
from infra.tables import (
    Answer,
    Asset,
    Brand,
    Campaign,
    CampaignVariant,
    Collaboration,
    Creator,
    CreatorKey,
    DisclosureCheck,
    Event,
    GateReport,
    OfferRow,
    Payee,
    Payout,
    Post,
    Product,
    Shipment,
    SocialAccount,
    Submission,
    Table,
    TransferReceipt,
    Variant,
)
from infra.vault import AnswerForm, Profile, Vault

R = TypeVar("R", bound=Table)
_NOT_YET_ACCEPTED = (Stage.QUEUED, Stage.INVITED)
_WITH_DRAFT_FORM = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED)
_WITH_FILES = (*_WITH_DRAFT_FORM, Stage.DISCLOSURE_CHECK)
_WITH_POST_FORM = (*_WITH_DRAFT_FORM, Stage.APPROVED, Stage.DISCLOSURE_CHECK)
_WITH_FINDINGS = (
    Stage.IN_REVIEW,
    Stage.CHANGES_REQUESTED,
    Stage.APPROVED,
    Stage.DISCLOSURE_CHECK,
)


@dataclass(frozen=True)
class Choice:
    """One product variant that the creator may choose, or may no more."""

    variant_id: str
    product: str
    name: str
    description: str
    retail_amount: int
    left: bool

    @property
    def title(self) -> str:
        """Product and variant in one line."""
        return self.product if self.name in ("", self.product) else f"{self.product}, {self.name}"


@dataclass(frozen=True)
class Piece:
    """One piece of content: its position in the offer's list of pieces, from 0."""

    position: int
    deliverable: Deliverable


@dataclass(frozen=True)
class Dossier:
    """One collaboration as its creator may see it."""

    state: State
    brand: Brand
    campaign: Campaign
    creator: Creator
    offer_row: OfferRow
    offer: Offer
    brief: Brief
    handles: dict[str, str]
    choices: Sequence[Choice]
    events: Sequence[Event]
    shipment: Shipment | None = None
    submissions: Sequence[Submission] = ()
    assets: Sequence[Asset] = ()
    posts: Sequence[Post] = ()
    check: DisclosureCheck | None = None
    """The newest check of the live post."""
    draft_check: DisclosureCheck | None = None
    """The advice on the newest draft."""
    payouts: Mapping[int, Payout] = field(default_factory=dict)
    """By number of the part."""
    receipts: Mapping[str, TransferReceipt] = field(default_factory=dict)
    """By transfer: what arrived, as Stripe says."""
    payee: Payee | None = None
    report: GateReport | None = None
    told: AnswerForm | None = field(default=None, repr=False)
    """The newest form with an address that counts."""
    email: str = ""
    """Where e-mails go, masked."""

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return self.state.stage

    @property
    def pieces(self) -> list[Piece]:
        """Every piece of the offer, one by one."""
        each = [item for item in self.offer.deliverables for _ in range(item.quantity)]
        return [Piece(position, deliverable) for position, deliverable in enumerate(each)]

    @property
    def chosen(self) -> Choice | None:
        """The variant that the creator chose."""
        return next((each for each in self.choices if each.variant_id == self.state.variant_id), None)

    @property
    def loose_files(self) -> list[Asset]:
        """Files that are stored and belong to no submission yet."""
        return [each for each in self.assets if each.submission_id is None and each.state == "stored"]

    def submission(self, submission_id: str | None) -> Submission | None:
        """One of its submissions."""
        return next((each for each in self.submissions if each.id == submission_id), None)


def read_dossier(session: Session, collaboration_id: str, vault: Vault | None = None) -> Dossier:
    """Read it all. With the vault, the address is opened too. Raises `NotFound`."""
    row = session.execute(
        select(Collaboration, Campaign, Brand, Creator, OfferRow, CreatorKey.wrapped)
        .join(Campaign, Campaign.id == Collaboration.campaign_id)
        .join(Brand, Brand.id == Collaboration.brand_id)
        .join(Creator, Creator.id == Collaboration.creator_id)
        .join(OfferRow, OfferRow.id == Collaboration.offer_id)
        .outerjoin(CreatorKey, CreatorKey.creator_id == Creator.id)
        .where(Collaboration.id == collaboration_id)
    ).one_or_none()
    if row is None:
        raise NotFound("no such collaboration")
    collaboration, campaign, brand, creator, offer_row, wrapped = row
    state = State.model_validate(collaboration.state)
    shown = Dossier(
        state=state,
        brand=brand,
        campaign=campaign,
        creator=creator,
        offer_row=offer_row,
        offer=Offer.model_validate(offer_row.terms),
        brief=Brief.model_validate(campaign.brief),
        handles=_handles(session, creator.id) if state.stage in _WITH_POST_FORM else {},
        choices=_choices(session, campaign.id, state),
        events=_of(session, Event, collaboration_id, Event.sequence),
        email=_masked(vault.open(wrapped, creator.sealed, Profile).email) if vault and wrapped else "",
    )
    if state.stage in _NOT_YET_ACCEPTED:
        return shown
    keys = (vault, wrapped) if vault is not None and wrapped is not None else None
    return _with_the_work(session, shown, keys)


def _with_the_work(session: Session, shown: Dossier, keys: tuple[Vault, bytes] | None) -> Dossier:
    """What only exists once the creator said yes, as far as this stage shows it."""
    state, stage = shown.state, shown.stage
    of = state.collaboration_id
    parcels = _of(session, Shipment, of, Shipment.number) if state.parcel else ()
    checks = _of(session, DisclosureCheck, of, DisclosureCheck.checked_at) if stage in _WITH_FINDINGS else ()
    drafts = [each for each in checks if each.kind == "draft"]
    checks = [each for each in checks if each.kind != "draft"]
    pays = state.type.pays
    return Dossier(
        **{name: getattr(shown, name) for name in _BASE},
        shipment=parcels[-1] if parcels else None,
        submissions=_of(session, Submission, of, Submission.created_at) if stage in _WITH_DRAFT_FORM else (),
        assets=_of(session, Asset, of, Asset.created_at) if stage in _WITH_FILES else (),
        posts=_of(session, Post, of, Post.deliverable) if state.post_id else (),
        check=checks[-1] if checks else None,
        draft_check=drafts[-1] if drafts else None,
        payouts={row.part: row for row in _of(session, Payout, of, Payout.part)} if pays else {},
        receipts=_receipts(session, state),
        payee=session.get(Payee, state.creator_id) if pays else None,
        report=_newest_report(session, of) if pays and state.payable_at else None,
        told=told_of(session, *keys, of) if keys is not None and state.answer_id else None,
    )


def _receipts(session: Session, state: State) -> dict[str, TransferReceipt]:
    sent = [part.transfer_id for part in state.parts if part.transfer_id]
    if not sent:
        return {}
    rows = session.scalars(select(TransferReceipt).where(TransferReceipt.transfer_id.in_(sent)))
    return {row.transfer_id: row for row in rows}


_BASE = (
    "state",
    "brand",
    "campaign",
    "creator",
    "offer_row",
    "offer",
    "brief",
    "handles",
    "choices",
    "events",
    "email",
)


def _of(session: Session, table: type[R], collaboration_id: str, order: Any) -> Sequence[R]:
    """Rows of one of the tables that hang on a collaboration."""
    column = cast("Any", table).collaboration_id
    query: Any = select(table).where(column == collaboration_id).order_by(order)
    return session.scalars(query).all()


def _handles(session: Session, creator_id: str) -> dict[str, str]:
    rows = session.execute(
        select(SocialAccount.platform, SocialAccount.handle).where(SocialAccount.creator_id == creator_id)
    )
    return {row.platform: row.handle for row in rows}


def _choices(session: Session, campaign_id: str, state: State) -> list[Choice]:
    if not state.type.ships:
        return []
    rows = session.execute(
        select(Variant, Product.name, Product.description)
        .join(CampaignVariant, CampaignVariant.variant_id == Variant.id)
        .join(Product, Product.id == Variant.product_id)
        .where(CampaignVariant.campaign_id == campaign_id)
        .order_by(Product.name, Variant.id)
    )
    return [
        Choice(
            variant_id=variant.id,
            product=product,
            name=variant.name,
            description=description,
            retail_amount=variant.retail_amount,
            left=variant.reserved < variant.stock,
        )
        for variant, product, description in rows
    ]


def _newest_report(session: Session, collaboration_id: str) -> GateReport | None:
    return session.scalar(
        select(GateReport)
        .where(GateReport.collaboration_id == collaboration_id)
        .order_by(GateReport.at.desc())
        .limit(1)
    )


def told_of(session: Session, vault: Vault, wrapped: bytes, collaboration_id: str) -> AnswerForm | None:
    """The newest form with an address that counts; None when there is none."""
    newest = session.scalar(
        select(Answer.sealed)
        .where(
            Answer.collaboration_id == collaboration_id,
            Answer.kind.in_(("acceptance", "address")),
            Answer.used_at.is_not(None),
        )
        .order_by(Answer.used_at.desc(), Answer.id.desc())
        .limit(1)
    )
    return None if newest is None else vault.open(wrapped, newest, AnswerForm)


def _masked(email: str) -> str:
    """An e-mail address as a page may show it: a•••@g•••.com."""
    local, _, domain = email.partition("@")
    name, _, ending = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{ending}"
