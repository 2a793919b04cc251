"""The command table: who may give which command, from where, and with what effect.

The one place that allows anything; `domain/decide.py` checks it, pages and documents are read from it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from domain.roles import ActorKind
from domain.stages import Stage


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
_AFTER_PAYMENT = (
    Stage.POSTED,
    Stage.DISCLOSURE_CHECK,
    Stage.VERIFIED,
    Stage.PAYABLE,
    Stage.PAYING,
    Stage.PAID,
    Stage.COMPLETED,
)
"""Where something may have been paid: before the last part only when an earlier one went."""
_BEFORE_PAYING = (Stage.POSTED, Stage.DISCLOSURE_CHECK, Stage.VERIFIED, Stage.PAYABLE)
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
    "record_look": _rule(
        (_H,),
        (Stage.VERIFIED, Stage.PAYABLE, Stage.PAID, Stage.COMPLETED),
        "Before payment the post goes back to its check; after it a person and the creator are told.",
    ),
    "settle_finding": _rule(
        (_B,), (Stage.PAID, Stage.COMPLETED), "What the watch found after the payment is settled."
    ),
    "flag": _rule((_H,), (Stage.PAYABLE, Stage.PAYING), "The reason stands beside the stage."),
    "unflag": _rule((_H,), (Stage.PAYABLE,), "Nobody is waited for; the flag goes."),
    "reassess": _rule((_S, _B, _H, _T), (Stage.PAYABLE,), "The gates are looked at again."),
    "open_attempt": _rule((_H,), (Stage.PAYABLE,), "The fee moves in transit; one attempt is open."),
    "settle_attempt": _rule(
        (_H, _B), (Stage.PAYING,), "Sent, or back to owed; an unknown outcome stays in transit."
    ),
    "confirm_transfer": _rule((_S, _H), (Stage.PAYING, Stage.PAID), "The collaboration completes."),
    "approve_payout": _rule(
        (_B,), (Stage.PAYABLE,), "One approval is given; money moves when there are enough."
    ),
    "refuse_payout": _rule(
        (_B,), (Stage.PAYABLE,), "The payment is held with the reason; approvals begin anew."
    ),
    "record_reversal": _rule(
        (_S, _H), _AFTER_PAYMENT, "What Stripe reversed without us waits for a person's word."
    ),
    "settle_reversal": _rule((_B,), _AFTER_PAYMENT, "What came back is the campaign's again."),
    "record_bank_payout": _rule(
        (_S, _H), _AFTER_PAYMENT, "The creator is told that the bank refused; no money is sent again."
    ),
    "request_clawback": _rule((_B,), _AFTER_PAYMENT, "Asked for; another person has to approve."),
    "approve_clawback": _rule((_B,), _AFTER_PAYMENT, "Stripe is told to reverse so much of the transfer."),
    "refuse_clawback": _rule((_B,), _AFTER_PAYMENT, "Nothing is taken back."),
    "settle_clawback": _rule(
        (_H, _B), _AFTER_PAYMENT, "Taken back to the budget, or refused; an unknown outcome waits."
    ),
    "record_off_platform": _rule(
        (_B,), (Stage.PAYABLE,), "Reported with a document; nothing goes out until another person decides."
    ),
    "approve_off_platform": _rule(
        (_B,), (Stage.PAYABLE,), "The fee is paid elsewhere; the collaboration completes."
    ),
    "refuse_off_platform": _rule((_B,), _BEFORE_PAYING, "It was not; the gates are looked at again."),
    "hold_payout": _rule((_B, _H), _BEFORE_PAYING, "No attempt is opened until the hold is released."),
    "release_payout": _rule((_B,), _BEFORE_PAYING, "The hold ends; the gates are looked at again."),
    "escalate_hold": _rule((_T,), _BEFORE_PAYING, "The hold is too old; its owner must look."),
    "override_gate": _rule(
        (_B,), (Stage.PAYABLE,), "A named person's reason stands in for one gate; never for funds or payee."
    ),
}
