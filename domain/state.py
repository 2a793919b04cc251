"""What a collaboration knows of itself, and how one change of it is written down.

`State` is the whole memory of a collaboration: ids, codes, moments, whole numbers; no personal data,
since it lives in workflow histories. `Change` is one decided step: the events, what is different, and
the effects that are recorded in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.commands import Id
from domain.compact import Compact
from domain.money import Money
from domain.notices import NoticeKind
from domain.offer import CampaignType, FeeTail
from domain.parts import Part, planned
from domain.payment_effects import (
    AskClawback,
    CloseAttempt,
    CloseClawback,
    CloseElsewhere,
    CloseHold,
    DecideClawback,
    EarnFee,
    HoldFee,
    MarkConfirmed,
    OpenElsewhere,
    OpenHold,
    OweLateFee,
    PayAgain,
    RecordDecision,
    RecordOverride,
    ReturnMoney,
    SettleReturned,
    StartAttempt,
    UnearnFee,
    VoidFee,
)
from domain.policy import Policy
from domain.roles import Actor
from domain.stages import ENDS, Attention, Stage

Scalar = str | int | bool | None


class State(Compact):
    """A collaboration at one moment. Moments are UTC."""

    collaboration_id: Id
    campaign_id: Id
    brand_id: Id
    creator_id: Id
    offer_id: Id
    type: CampaignType
    fee: Money | None = None
    tails: list[FeeTail] = Field(default=[])
    """Parts of the fee that are paid later, as offered."""
    policy: Policy = Policy()
    zone: str = "UTC"

    stage: Stage = Stage.QUEUED
    since: datetime | None = None
    sequence: int = 0
    end_reason: str = ""

    reminders: int = 0
    """Reminders sent at this stage."""
    attention: Attention | None = None
    attention_since: datetime | None = None

    round: int = 0
    """How often the offer was sent: 1 with the invitation, 2 after a promotion from the waitlist."""
    invited_at: datetime | None = None
    answer_id: Id | None = None
    variant_id: Id | None = None
    accepted_at: datetime | None = None
    stock_held: bool = False

    parcel: int = 0
    """Number of the current parcel; the first is 1."""
    replaced: int = 0
    news_at: datetime | None = None
    """When the current parcel was last heard of."""
    delivered_at: datetime | None = None
    parcel_back: bool = False
    """Whether the current parcel came back and is to be sent again."""
    dispute: str = ""
    """What the creator reported about a parcel that counts as delivered."""

    due_at: datetime | None = None
    """When the content, the revision or the post is due."""
    extended: int = 0
    """Seconds granted so far."""
    extension: str = ""
    """The span asked for and not answered yet."""
    extension_at: datetime | None = None

    drafts: int = 0
    submission_id: Id | None = None
    review_by: datetime | None = None
    revisions: int = 0

    post_id: Id | None = None
    """The submission that named the live post."""
    checks: int = 0
    remedy_by: datetime | None = None
    remedies: int = 0
    remedy_over: bool = False
    """Whether the time to mend is over; the next failing check goes to a person."""
    verified_at: datetime | None = None
    live_until: datetime | None = None
    accepted_by: str = ""
    """The first of two people who accept a post in spite of its check."""
    watch: int = 0
    """Number of the watch over the post, 0 before the first; a new one begins with each verification."""

    changed: bool = False
    """Whether the watch found something after a payment that nobody has judged yet."""

    earned: int = 0
    """How often something was earned: once a part, and again after a finding that came before its payment."""
    parts: list[Part] = Field(default=[])
    """What is paid, from the first earning on; before it see `all_parts`."""
    part: int = 1
    """Number of the part that is paid now; most fees have one."""
    pay_by: datetime | None = None
    """Of the part that is paid now, or next."""
    payable_at: datetime | None = None
    creator_ready_at: datetime | None = None
    """When the creator could be paid, after a payment had waited for them."""
    attempt: int = 0
    """Number of the newest attempt; they count on over all parts."""
    approval_round: int = 0
    """Rises when a person sent the payment back; approvals of an earlier round count no more."""
    holds: int = 0
    held: str = ""
    """Why the payment is held; empty when it is not."""
    held_at: datetime | None = None
    hold_overdue: bool = False
    elsewhere: str = ""
    """The document by which somebody said that it was paid outside of Stripe, until that is decided."""
    elsewhere_part: int = 0
    """The part that it is about."""
    clawbacks: int = 0
    clawback: str = ""
    """asked, approved (with Stripe) or unknown; empty when none is open."""
    clawback_part: int = 0
    clawback_amount: int = 0
    bank_failure: str = ""
    """The payout to the creator's bank that failed last."""

    @property
    def ended(self) -> bool:
        """Whether nothing can happen any more."""
        return self.stage in ENDS

    @property
    def all_parts(self) -> list[Part]:
        """What is paid, or will be when it is earned."""
        return self.parts or planned(self.fee, self.tails)

    @property
    def current(self) -> Part | None:
        """The part that is paid now, or next; None when there is no fee."""
        return next((part for part in self.all_parts if part.number == self.part), None)

    @property
    def due(self) -> Money | None:
        """The amount of the part that is paid now, or next."""
        part = self.current
        return None if part is None or self.fee is None else self.money(part.amount)

    @property
    def transferred(self) -> bool:
        """Whether any part was transferred."""
        return any(part.transfer_id for part in self.parts)

    def money(self, amount: int) -> Money:
        """So much in the currency of the fee. Raises ValueError when there is none."""
        if self.fee is None:
            raise ValueError("this collaboration has no fee")
        return Money(amount=amount, currency=self.fee.currency)

    @property
    def draft_first(self) -> bool:
        """Whether a draft is reviewed before the post (never asked of a plain gift)."""
        return self.policy.needs_draft and self.type.owes_content


# --- effects: what is recorded in the transaction of a change ------------------------------------


class _Effect(BaseModel):
    model_config = ConfigDict(frozen=True)


class RequireOpen(_Effect):
    """Refuse the whole change unless the campaign is live (it may be paused or closed)."""

    do: Literal["require_open"] = "require_open"


class ReserveStock(_Effect):
    """Take one piece; refuse the whole change as sold out when none is left."""

    do: Literal["reserve_stock"] = "reserve_stock"
    variant_id: Id


class ReleaseStock(_Effect):
    """Put the piece back."""

    do: Literal["release_stock"] = "release_stock"
    variant_id: Id


class UseAnswer(_Effect):
    """Tie the creator's stored form to the collaboration (terms accepted, address, decline note)."""

    do: Literal["use_answer"] = "use_answer"
    answer_id: Id
    as_: Annotated[Literal["acceptance", "decline", "address", "report"], Field(alias="as")]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class OpenParcel(_Effect):
    """A shipment to be packed."""

    do: Literal["open_parcel"] = "open_parcel"
    number: int
    kind: Literal["first", "replacement", "resent"]
    variant_id: Id


class MarkParcel(_Effect):
    """The state of a shipment."""

    do: Literal["mark_parcel"] = "mark_parcel"
    number: int
    state: Literal[
        "preparing", "address_rejected", "shipped", "delivered", "lost", "damaged", "returned",
        "disputed", "cancelled",
    ]  # fmt: skip


class MarkSubmission(_Effect):
    """The state of a draft or of a live post handed in."""

    do: Literal["mark_submission"] = "mark_submission"
    submission_id: Id
    state: Literal["in_review", "changes_requested", "approved", "live", "accepted", "rejected"]


class CheckDraft(_Effect):
    """Advice on the text of a draft, kept with it."""

    do: Literal["check_draft"] = "check_draft"
    submission_id: Id


class SendNotice(_Effect):
    """One e-mail to the creator; at most one per (collaboration, kind, step)."""

    do: Literal["send_notice"] = "send_notice"
    kind: NoticeKind
    step: int = 0


class RevokeLinks(_Effect):
    """E-mailed links of this collaboration show the file and act no more."""

    do: Literal["revoke_links"] = "revoke_links"


Effect = Annotated[
    RequireOpen
    | ReserveStock
    | ReleaseStock
    | HoldFee
    | VoidFee
    | EarnFee
    | UnearnFee
    | StartAttempt
    | CloseAttempt
    | MarkConfirmed
    | RecordDecision
    | OpenHold
    | CloseHold
    | RecordOverride
    | OpenElsewhere
    | CloseElsewhere
    | ReturnMoney
    | SettleReturned
    | PayAgain
    | OweLateFee
    | AskClawback
    | DecideClawback
    | CloseClawback
    | UseAnswer
    | OpenParcel
    | MarkParcel
    | MarkSubmission
    | CheckDraft
    | SendNotice
    | RevokeLinks,
    Field(discriminator="do"),
]


class EventLine(Compact):
    """One line of history: a past-tense name, the stage after it, and ids and codes that explain it."""

    name: str
    stage: Stage
    data: dict[str, Scalar] = Field(default={})


class Change(Compact):
    """One decided step of a collaboration, ready to be recorded in one transaction."""

    collaboration_id: Id
    request_id: str
    command: str
    actor: Actor
    at: datetime
    sequence: int
    """Sequence number before the change; the first event gets the next one."""
    events: list[EventLine]
    patch: dict[str, Any]
    """The fields of `State` that are different, in JSON form."""
    effects: list[Effect] = Field(default=[])
    instead: str = ""
    """The command that follows when this change is refused as sold out."""


class Snapshot(BaseModel):
    """The short answer to a command: where the collaboration stands now."""

    stage: Stage
    sequence: int
    outcome: str = ""
    """Name of the last event of the change."""


def apply(state: State, change: Change) -> State:
    """The state after the change."""
    return State.model_validate(state.model_dump(mode="json") | change.patch)
