"""Collaborations, their history, gates, ledger lines, payouts and notices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.common import Shown
from domain.gate_facts import Gate
from domain.money import Money
from domain.roles import ActorKind
from domain.stages import Attention, Ball, Stage


class CollaborationShown(Shown):
    """One creator in one campaign."""

    id: str
    campaign_id: str
    creator_id: str
    stage: Stage
    meaning: str = Field(description="What the stage means, as a sentence")
    since: datetime
    ball: Ball = Field(description="Who has to do the next thing")
    attention: Attention | None = Field(description="Why a person must look")
    attention_owner: str | None
    attention_since: datetime | None
    fee: Money | None
    due_at: datetime | None = Field(description="When what the creator owes is due")
    sequence: int = Field(description="Number of the newest event")
    end_reason: str


class OfferShown(Shown):
    """The terms that count for this collaboration."""

    id: str
    version: int
    sha256: str
    text: str


class CollaborationDetail(CollaborationShown):
    """A collaboration with its terms and its clocks."""

    offer: OfferShown
    variant_id: str | None
    submission_id: str | None = Field(description="The draft that counts now")
    invited_at: datetime | None
    accepted_at: datetime | None
    delivered_at: datetime | None
    review_by: datetime | None = Field(description="When the brand's silence decides")
    verified_at: datetime | None
    pay_by: datetime | None
    extension_asked: str = Field(description="The span that the creator asked for, unanswered")


class EventShown(Shown):
    """One line of the history, chained to the line before by its hash."""

    sequence: int
    name: str = Field(examples=["offer_accepted"])
    stage: Stage
    command: str
    actor_kind: ActorKind
    actor_id: str
    at: datetime
    data: dict[str, Any]
    previous_hash: str
    hash: str


class EventPage(Shown):
    """The history from a sequence number on."""

    items: list[EventShown]
    next_after: int | None = Field(description="Give it as `after` for the next page; null on the last one")


class GatesShown(Shown):
    """The newest report of the payment gates."""

    report_id: str
    at: datetime
    sequence: int
    all_pass: bool
    amount: int
    currency: str
    gates: list[Gate]


class MovementShown(Shown):
    """One line of a posting."""

    source: str
    destination: str
    currency: str
    amount: int


class EntryShown(Shown):
    """One posting of the ledger."""

    id: str
    kind: str = Field(examples=["fee_held"])
    reason: str
    actor: str
    at: datetime
    reverses_id: str | None
    movements: list[MovementShown]


class AttemptShown(Shown):
    """One try at Stripe."""

    number: int
    state: str
    amount: int
    currency: str
    stripe_transfer_id: str | None
    failure_code: str
    opened_at: datetime
    finished_at: datetime | None


class PayoutShown(Shown):
    """The promise to pay."""

    id: str
    amount: int
    currency: str
    state: str
    pay_by: datetime
    created_at: datetime
    confirmed_at: datetime | None
    attempts: list[AttemptShown]


class NoticeShown(Shown):
    """One e-mail to the creator, without its address."""

    id: str
    kind: str
    step: int
    state: str
    reason: str
    created_at: datetime
    sent_at: datetime | None


class AssetShown(Shown):
    """A file of a draft. `url` opens it for a few minutes."""

    id: str
    file_name: str
    media_type: str
    size: int
    sha256: str
    state: str
    url: str | None


class PostShown(Shown):
    """A live post."""

    deliverable: int
    platform: str
    format: str
    url: str


class SubmissionShown(Shown):
    """A draft or a live post that was handed in."""

    id: str
    kind: str
    state: str
    caption: str
    feedback: str
    created_at: datetime
    decided_at: datetime | None
    assets: list[AssetShown]
    posts: list[PostShown]


class Items(Shown):
    """A short list that needs no pages."""


class Entries(Items):
    """Postings of one collaboration, oldest first."""

    items: list[EntryShown]


class Payouts(Items):
    """Payouts of one collaboration."""

    items: list[PayoutShown]


class Notices(Items):
    """E-mails of one collaboration, oldest first."""

    items: list[NoticeShown]


class Submissions(Items):
    """What was handed in, oldest first."""

    items: list[SubmissionShown]


class CommandOutcome(Shown):
    """Where the collaboration stands after the command."""

    stage: Stage
    sequence: int
    outcome: str = Field(description="Name of the newest event", examples=["parcel_shipped"])
