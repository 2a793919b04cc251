"""The commands of a collaboration, as one table: who may give which, from where, with what effect, by when.

A command is a small model of ids and codes; never a name, an address or a text (those are stored by
the front under the id that the command carries). `domain/decide.py` says what each one changes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.clocks import Span
from domain.roles import Actor, ActorKind
from domain.stages import Stage

Id = Annotated[str, Field(max_length=60, pattern=r"^[a-z]+_[0-9a-z]{26}$")]
Code = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9_.]*$")]


class DeclineReason(StrEnum):
    """Why a creator says no."""

    NOT_INTERESTED = "not_interested"
    FEE_TOO_LOW = "fee_too_low"
    TIMING = "timing"
    PRODUCT_FIT = "product_fit"
    EXCLUSIVITY = "exclusivity"
    OTHER = "other"


class ParcelProblem(StrEnum):
    """What a creator reports about a parcel."""

    NOT_ARRIVED = "not_arrived"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"


class CheckOutcome(StrEnum):
    """What reading and checking a live post found."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NEEDS_REVIEW = "needs_review"
    REMOVED = "removed"
    WRONG_AUTHOR = "wrong_author"
    TOO_EARLY = "too_early"
    UNREADABLE = "unreadable"


class TransferResult(StrEnum):
    """What came of one attempt at Stripe."""

    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Invite(_Command):
    """Send the offer."""

    name: Literal["invite"] = "invite"


class Remind(_Command):
    """Send the next reminder of this stage."""

    name: Literal["remind"] = "remind"


class Expire(_Command):
    """The time to answer, or to mend an address, is over."""

    name: Literal["expire"] = "expire"


class Accept(_Command):
    """Say yes to the offer. `answer_id` names the stored form (name, consent, address)."""

    name: Literal["accept"] = "accept"
    answer_id: Id
    offer_id: Id
    variant_id: Id | None = None


class Decline(_Command):
    """Say no, with a reason."""

    name: Literal["decline"] = "decline"
    reason: DeclineReason
    answer_id: Id | None = None


class Waitlist(_Command):
    """Nothing was left when the creator said yes."""

    name: Literal["waitlist"] = "waitlist"
    answer_id: Id


class Promote(_Command):
    """A place became free: the waitlisted yes counts now. The creator is asked again by a new offer mail."""

    name: Literal["promote"] = "promote"


class CloseWaitlist(_Command):
    """No place will become free any more."""

    name: Literal["close_waitlist"] = "close_waitlist"


class Withdraw(_Command):
    """Step back: the brand before work is handed in, the creator before the post is verified."""

    name: Literal["withdraw"] = "withdraw"
    reason: Code = ""


class RejectAddress(_Command):
    """The parcel cannot be shipped to this address."""

    name: Literal["reject_address"] = "reject_address"
    reason: Code = "unshippable"


class CorrectAddress(_Command):
    """A mended address; `answer_id` names the stored form."""

    name: Literal["correct_address"] = "correct_address"
    answer_id: Id


class Ship(_Command):
    """The parcel went to the carrier; its tracking is stored under the shipment."""

    name: Literal["ship"] = "ship"
    shipment_id: Id


class Scan(_Command):
    """News of the parcel that changes no stage (in transit, out for delivery, attempt failed)."""

    name: Literal["scan"] = "scan"
    shipment_id: Id
    code: Code


class Deliver(_Command):
    """The parcel arrived."""

    name: Literal["deliver"] = "deliver"
    shipment_id: Id | None = None


class Lose(_Command):
    """The parcel is lost or came broken: one replacement, else excused."""

    name: Literal["lose"] = "lose"
    shipment_id: Id | None = None
    reason: Literal["lost", "damaged", "wrong_item"] = "lost"


class Return(_Command):
    """The parcel came back to the sender."""

    name: Literal["return"] = "return"
    shipment_id: Id | None = None


class Excuse(_Command):
    """The parcel cannot be replaced; close the file with no mark against the creator."""

    name: Literal["excuse"] = "excuse"
    reason: Code = "not_replaceable"


class MarkSilent(_Command):
    """Nothing was heard of the parcel, or it is not shipped in time: a person must ask."""

    name: Literal["mark_silent"] = "mark_silent"


class ReportParcel(_Command):
    """The creator says that something is wrong with the parcel; no clock runs until it is settled."""

    name: Literal["report_parcel"] = "report_parcel"
    problem: ParcelProblem
    answer_id: Id | None = None


class SubmitDraft(_Command):
    """A draft for review."""

    name: Literal["submit_draft"] = "submit_draft"
    submission_id: Id


class RequestChanges(_Command):
    """Ask for changes to the draft; the feedback is stored under the submission."""

    name: Literal["request_changes"] = "request_changes"
    submission_id: Id


class Approve(_Command):
    """Approve the draft (the clock does it when the brand does not answer)."""

    name: Literal["approve"] = "approve"
    submission_id: Id


class AskExtension(_Command):
    """Ask for more time for the content."""

    name: Literal["ask_extension"] = "ask_extension"
    span: Span


class GrantExtension(_Command):
    """Grant the time asked for."""

    name: Literal["grant_extension"] = "grant_extension"


class RefuseExtension(_Command):
    """Refuse the time asked for."""

    name: Literal["refuse_extension"] = "refuse_extension"


class CloseContent(_Command):
    """Due date and grace are over and nothing came."""

    name: Literal["close_content"] = "close_content"


class SubmitPost(_Command):
    """The post is live; its addresses are stored under the submission."""

    name: Literal["submit_post"] = "submit_post"
    submission_id: Id


class RecordCheck(_Command):
    """What the check of the live post found."""

    name: Literal["record_check"] = "record_check"
    check_id: Id
    outcome: CheckOutcome
    reason: Code = ""
    unchanged: bool = False
    """Whether the look before it saw and found the same."""


class Recheck(_Command):
    """Look at the post again: it was mended, or its time has come."""

    name: Literal["recheck"] = "recheck"


class AcceptPost(_Command):
    """A person accepts the post in spite of the check, with a reason."""

    name: Literal["accept_post"] = "accept_post"
    reason: Code


class RejectPost(_Command):
    """A person rejects the post for good, with a reason."""

    name: Literal["reject_post"] = "reject_post"
    reason: Code


class Flag(_Command):
    """A gate waits on somebody: say so beside the stage."""

    name: Literal["flag"] = "flag"
    reason: Code


class Reassess(_Command):
    """Something that a gate waits for may have changed; look again."""

    name: Literal["reassess"] = "reassess"


class OpenAttempt(_Command):
    """All gates pass: take the money in transit and open an attempt."""

    name: Literal["open_attempt"] = "open_attempt"
    report_id: Id


class SettleAttempt(_Command):
    """What Stripe answered to the attempt."""

    name: Literal["settle_attempt"] = "settle_attempt"
    result: TransferResult
    transfer_id: Annotated[str, Field(max_length=80)] = ""
    reason: Code = ""


class ConfirmTransfer(_Command):
    """Stripe itself says that the transfer exists."""

    name: Literal["confirm_transfer"] = "confirm_transfer"
    transfer_id: Annotated[str, Field(max_length=80)]


Command = Annotated[
    Invite
    | Remind
    | Expire
    | Accept
    | Decline
    | Waitlist
    | Promote
    | CloseWaitlist
    | Withdraw
    | RejectAddress
    | CorrectAddress
    | Ship
    | Scan
    | Deliver
    | Lose
    | Return
    | Excuse
    | MarkSilent
    | ReportParcel
    | SubmitDraft
    | RequestChanges
    | Approve
    | AskExtension
    | GrantExtension
    | RefuseExtension
    | CloseContent
    | SubmitPost
    | RecordCheck
    | Recheck
    | AcceptPost
    | RejectPost
    | Flag
    | Reassess
    | OpenAttempt
    | SettleAttempt
    | ConfirmTransfer,
    Field(discriminator="name"),
]


class Request(BaseModel):
    """One command given by one actor. `id` is the deterministic update id: the same id counts once."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    actor: Actor
    command: Command


class Rule(NamedTuple):
    """One row of the command table."""

    actors: frozenset[ActorKind]
    stages: frozenset[Stage]
    effect: str


_B, _C, _T = ActorKind.BRAND, ActorKind.CREATOR, ActorKind.CLOCK
_H, _K, _S = ActorKind.HANDSEL, ActorKind.CARRIER, ActorKind.STRIPE
_CONTENT = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED, Stage.APPROVED)
_BEFORE_WORK = (
    Stage.QUEUED,
    Stage.INVITED,
    Stage.WAITLISTED,
    Stage.ACCEPTED,
    Stage.PREPARING,
    Stage.SHIPPED,
    Stage.DELIVERED,
    Stage.IN_PRODUCTION,
)
_PARCEL = (Stage.PREPARING, Stage.SHIPPED, Stage.DELIVERED, Stage.IN_PRODUCTION)


def _rule(actors: tuple[ActorKind, ...], stages: tuple[Stage, ...], effect: str) -> Rule:
    return Rule(frozenset(actors), frozenset(stages), effect)


COMMANDS: Final[dict[str, Rule]] = {
    "invite": _rule((_H,), (Stage.QUEUED,), "The offer is mailed; the answer clock starts."),
    "remind": _rule(
        (_T,),
        (Stage.INVITED, Stage.ACCEPTED, *_CONTENT, Stage.PAYABLE),
        "The next reminder of the stage is mailed.",
    ),
    "expire": _rule((_T,), (Stage.INVITED, Stage.ACCEPTED), "The file closes; what was held is free again."),
    "accept": _rule(
        (_C,),
        (Stage.INVITED,),
        "Terms are frozen; a piece and the fee are reserved in the same transaction.",
    ),
    "decline": _rule((_C,), (Stage.INVITED, Stage.WAITLISTED), "The file closes with the reason."),
    "waitlist": _rule((_H,), (Stage.INVITED,), "The yes is kept; the creator is told politely."),
    "promote": _rule((_H, _B), (Stage.WAITLISTED,), "The offer goes out again."),
    "close_waitlist": _rule((_H, _B), (Stage.WAITLISTED,), "The creator is told that no place came."),
    "withdraw": _rule(
        (_B, _C, _H),
        (*_BEFORE_WORK, Stage.IN_REVIEW, Stage.CHANGES_REQUESTED, Stage.APPROVED),
        "The file closes; what is held goes back. The brand may only before work is handed in.",
    ),
    "reject_address": _rule((_B, _K), (Stage.PREPARING,), "The creator is asked for a better address."),
    "correct_address": _rule(
        (_C,), (Stage.ACCEPTED, Stage.PREPARING), "The parcel is made ready for the new address."
    ),
    "ship": _rule((_B,), (Stage.PREPARING,), "The parcel is with the carrier; tracking is mailed."),
    "scan": _rule((_K,), (Stage.SHIPPED,), "The parcel was seen; its silence clock starts again."),
    "deliver": _rule((_K, _C, _B), (Stage.SHIPPED,), "The content clock starts; the due date is mailed."),
    "lose": _rule((_K, _B, _T), _PARCEL, "One replacement if stock allows; else excused with no mark."),
    "return": _rule((_K, _B), (Stage.SHIPPED,), "The creator confirms the address again."),
    "excuse": _rule((_B, _H), (*_PARCEL, Stage.ACCEPTED), "The file closes with no mark."),
    "mark_silent": _rule(
        (_T,), (Stage.PREPARING, Stage.SHIPPED), "The brand is told to ask after the parcel."
    ),
    "report_parcel": _rule(
        (_C,),
        (Stage.SHIPPED, Stage.DELIVERED, Stage.IN_PRODUCTION),
        "All clocks of the creator stop until the brand has settled it.",
    ),
    "submit_draft": _rule(
        (_C,),
        (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED),
        "The review clock of the brand starts.",
    ),
    "request_changes": _rule(
        (_B,), (Stage.IN_REVIEW,), "The creator has the revision time; limited in number."
    ),
    "approve": _rule((_B, _T), (Stage.IN_REVIEW,), "The post may go live."),
    "ask_extension": _rule(
        (_C,), _CONTENT, "Granted at once within the policy; else the brand's clock runs."
    ),
    "grant_extension": _rule((_B, _T), _CONTENT, "The due date moves; reminders are planned anew."),
    "refuse_extension": _rule((_B,), _CONTENT, "The due date stays; the creator is told."),
    "close_content": _rule((_T,), _CONTENT, "The file closes: no post; in gifting with no mark."),
    "submit_post": _rule(
        (_C,),
        (*_CONTENT, Stage.DISCLOSURE_CHECK),
        "The live post is read and checked.",
    ),
    "record_check": _rule(
        (_H,), (Stage.POSTED,), "Verified, or what to mend is mailed and its clock starts."
    ),
    "recheck": _rule((_C, _B, _T), (Stage.DISCLOSURE_CHECK, Stage.VERIFIED), "The post is read again."),
    "accept_post": _rule((_B,), (Stage.DISCLOSURE_CHECK,), "A person's reason stands in for the check."),
    "reject_post": _rule((_B,), (Stage.DISCLOSURE_CHECK,), "The file closes; the fee goes back."),
    "flag": _rule((_H,), (Stage.PAYABLE, Stage.PAYING), "The reason stands beside the stage."),
    "reassess": _rule((_S, _B, _H, _T), (Stage.PAYABLE,), "The gates are looked at again."),
    "open_attempt": _rule((_H,), (Stage.PAYABLE,), "The fee moves in transit; one attempt is open."),
    "settle_attempt": _rule(
        (_H, _B), (Stage.PAYING,), "Sent, or back to owed; an unknown outcome stays in transit."
    ),
    "confirm_transfer": _rule((_S, _H), (Stage.PAYING, Stage.PAID), "The collaboration completes."),
}
