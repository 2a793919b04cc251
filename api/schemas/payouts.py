"""Payouts as finance sees them: state, gates, decisions, holds, attempts; and what may be asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.collaborations import AttemptShown, GatesShown
from api.schemas.common import Given, Shown, example
from domain.approvals import ApprovalRules
from domain.commands import Id
from domain.commands.base import Code
from domain.parts import PartKind
from domain.stages import Attention, Stage

Words = Annotated[str, Field(max_length=2000, description="In your own words; kept with the decision")]
Reason = Annotated[
    Code, Field(min_length=1, description="A short code of yours", examples=["amount_unclear"])
]


class PayoutListed(Shown):
    """One payment, and who has to do the next thing."""

    id: str
    collaboration_id: str
    campaign_id: str
    creator_id: str
    part: int = Field(description="Which of the collaboration's payments; most have one")
    kind: PartKind = Field(description="What it is for: the fee, a tail of it, a late fee, or paid again")
    of_part: int | None = Field(description="The payment that was late, or that came back")
    amount: int = Field(description="Minor units")
    currency: str
    state: str = Field(description="ready, sending, unknown, sent, confirmed, ...", examples=["ready"])
    stage: Stage = Field(description="Where the collaboration stands")
    attention: Attention | None = Field(description="Why a person must look")
    waiting_on: str | None = Field(description="finance or creator: whose turn it is")
    waiting_since: datetime | None
    held: str = Field(description="Why it is held; empty when it is not")
    pay_by: datetime
    created_at: datetime
    age_seconds: int = Field(description="Since the fee was earned")


class DecisionShown(Shown):
    """One person's approval or refusal."""

    member_id: str
    member: str = Field(description="The person's name")
    role: str
    decision: Literal["approved", "refused"]
    round: int
    counts: bool = Field(description="Whether it counts now: of this round and for this account")
    reason: str
    remark: str
    rules_version: int
    at: datetime


class HoldShown(Shown):
    """One hold, open or released."""

    number: int
    reason: str
    remark: str
    owner_id: str | None
    held_by: str
    held_at: datetime
    released_by: str
    released_at: datetime | None
    release_reason: str
    release_remark: str


class OverrideShown(Shown):
    """A gate that a person answers for."""

    gate: str
    member_id: str
    reason: str
    remark: str
    at: datetime


class NeedShown(Shown):
    """What the brand's rules ask for this amount."""

    approvals: int
    owner: bool = Field(description="Whether one must be an owner's")
    given: int
    enough: bool
    rules_version: int = Field(description="0: the brand has no rules")


class MayShown(Shown):
    """Whether the caller could approve it now, and if not, why."""

    approve: bool
    why_not: str


class ReceiptShown(Shown):
    """What the transfer was when it arrived in the creator's account, as Stripe says."""

    amount: int = Field(description="Minor units of `currency`")
    currency: str
    fee: int = Field(description="What Stripe kept of it there, minor units")
    exchange_rate: str = Field(
        description="As Stripe wrote it; empty when nothing was converted", examples=["0.917345"]
    )
    at: datetime


class PartShown(Shown):
    """One payment of the collaboration, made or to be earned."""

    part: int
    kind: PartKind
    of_part: int | None
    amount: int = Field(description="Minor units")
    payout_id: str | None = Field(description="None while it is not earned")
    state: str = Field(description="The payout's state; to_earn or withheld when there is none")
    live_for: str = Field(description="Of a tail: how long the post has to stay live", examples=["30d"])


class PayoutDetail(PayoutListed):
    """One payment with its whole story."""

    destination: str = Field(description="The creator's account at Stripe; empty when there is none yet")
    confirmed_at: datetime | None
    gates: GatesShown | None
    need: NeedShown
    may: MayShown
    decisions: list[DecisionShown]
    holds: list[HoldShown]
    overrides: list[OverrideShown]
    attempts: list[AttemptShown]
    returned: int = Field(description="How much of it came back, minor units")
    unsettled: int = Field(description="How much of that nobody has settled yet, minor units")
    receipt: ReceiptShown | None = Field(description="None while Stripe was not asked, or does not know")
    parts: list[PartShown] = Field(description="Every payment of the collaboration, this one among them")
    clawbacks: list[ClawbackShown]
    off_platform: list[OffPlatformShown]


class RefusalGiven(Given):
    """Why a payment is not approved."""

    model_config = example(reason="amount_unclear", remark="The offer said 200.")
    reason: Reason
    remark: Words = ""


class ReversalGiven(Given):
    """What becomes of money that Stripe reversed by itself."""

    model_config = example(then="pay_again", reason="reversed_by_mistake", remark="Stripe confirmed it.")
    then: Annotated[
        Literal["keep", "pay_again"],
        Field(description="keep: it is the campaign's again; pay_again: the creator is owed it once more"),
    ] = "keep"
    reason: Reason
    remark: Words = ""


class HoldGiven(Given):
    """Why a payment is held, and who looks after it."""

    model_config = example(reason="ask_first", remark="Is this the same person as last year?")
    reason: Reason
    remark: Words = ""
    owner: Id | None = None


class OverrideGiven(Given):
    """Which gate somebody answers for, and why."""

    model_config = example(gate="not_duplicate", reason="two_people_one_reel", remark="Agreed by phone.")
    gate: Annotated[Code, Field(min_length=1)]
    reason: Reason
    remark: Annotated[Words, Field(min_length=1)]


class DocumentShown(Shown):
    """A document that proves a payment outside of Stripe."""

    id: str
    file_name: str
    media_type: str
    size: int
    sha256: str
    uploaded_by: str
    at: datetime


class OffPlatformGiven(Given):
    """How it was paid elsewhere, and the document that shows it."""

    model_config = example(
        document_id="document_01k9z3v5e8fw0a2t4s6q8r0b1c", method="bank_transfer", remark="Paid on Monday."
    )
    document_id: Id
    method: Reason
    remark: Words = ""


class ClawbackGiven(Given):
    """How much to take back, and why."""

    model_config = example(amount=22000, reason="post_deleted", remark="Deleted after two days.")
    amount: Annotated[int, Field(gt=0, le=10**15, description="Minor units")]
    reason: Reason
    remark: Annotated[Words, Field(min_length=1)]


class NumberGiven(Given):
    """Which clawback, and why when it is refused."""

    model_config = example(number=1)
    number: Annotated[int, Field(ge=1, le=1000)]
    reason: Code = ""
    remark: Words = ""


class ClawbackShown(Shown):
    """Money asked back."""

    number: int
    amount: int
    state: str = Field(description="asked, refused, approved, unknown, done or failed")
    reason: str
    remark: str = Field(description="In the words of who asked")
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    decision_reason: str
    decision_remark: str = Field(description="In the words of who decided")
    reversal_id: str | None
    failure_code: str
    finished_at: datetime | None


class OffPlatformShown(Shown):
    """A payment outside of Stripe, as reported and decided."""

    document_id: str
    method: str
    state: str = Field(description="asked, approved or refused")
    remark: str = Field(description="In the words of who reported it")
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    decision_reason: str
    decision_remark: str = Field(description="In the words of who decided")


class BatchGiven(Given):
    """Many approvals: named, or all that wait for one, with exceptions."""

    model_config = example(all_waiting=True, exceptions=["payout_01k9z3v5e8fw0a2t4s6q8r0b1c"])
    payouts: list[Id] = Field(default=[], max_length=500)
    all_waiting: bool = Field(default=False, description="All that wait for an approval now, up to 500")
    exceptions: list[Id] = Field(default=[], max_length=500)


class BatchLine(Shown):
    """What came of one line."""

    payout_id: str
    result: Literal["approved", "refused"]
    code: str = ""
    message: str = ""


class BatchShown(Shown):
    """A line for each payment."""

    approved: int
    refused: int
    results: list[BatchLine]


class RulesShown(Shown):
    """The brand's rules of approval that count now."""

    version: int = Field(description="0: the brand has no rules, and pays without approval")
    rules: ApprovalRules
    made_by: str
    created_at: datetime | None


class RulesGiven(ApprovalRules):
    """New rules; they count from the moment they are stored, for every payment not yet sent."""

    model_config = example(
        tiers={"USD": [{"above": 0, "approvals": 0}, {"above": 20000, "approvals": 1}]}, other_currencies=1
    )
