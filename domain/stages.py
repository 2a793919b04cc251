"""The stages of a collaboration, as one table: who has the ball, and what each stage means.

The same names stand in the database, on the pages and in docs/product.md. What may happen at a stage
is the command table in `domain/command_table.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Stage(StrEnum):
    """Where a collaboration stands."""

    QUEUED = "queued"
    INVITED = "invited"
    WAITLISTED = "waitlisted"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    IN_PRODUCTION = "in_production"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    POSTED = "posted"
    DISCLOSURE_CHECK = "disclosure_check"
    VERIFIED = "verified"
    PAYABLE = "payable"
    PAYING = "paying"
    PAID = "paid"
    COMPLETED = "completed"
    DECLINED = "declined"
    EXPIRED = "expired"
    WAITLISTED_OUT = "waitlisted_out"
    WITHDRAWN_BY_BRAND = "withdrawn_by_brand"
    WITHDRAWN_BY_CREATOR = "withdrawn_by_creator"
    EXCUSED = "excused"
    NO_POST = "no_post"
    FAILED = "failed"


class Ball(StrEnum):
    """Who has to do the next thing."""

    BRAND = "brand"
    CREATOR = "creator"
    CARRIER = "carrier"
    HANDSEL = "handsel"
    NOBODY = "nobody"


class StageFacts(NamedTuple):
    """One row of the table."""

    ball: Ball
    end: bool
    meaning: str


STAGES: Final[dict[Stage, StageFacts]] = {
    Stage.QUEUED: StageFacts(Ball.HANDSEL, False, "Chosen for the campaign; not invited yet."),
    Stage.INVITED: StageFacts(Ball.CREATOR, False, "The offer is out; the creator has not answered."),
    Stage.WAITLISTED: StageFacts(
        Ball.BRAND, False, "The creator said yes when nothing was left; waits for a free place."
    ),
    Stage.ACCEPTED: StageFacts(
        Ball.CREATOR, False, "Accepted; the address has to be mended before anything ships."
    ),
    Stage.PREPARING: StageFacts(Ball.BRAND, False, "Accepted; the parcel is being made ready."),
    Stage.SHIPPED: StageFacts(Ball.CARRIER, False, "The parcel is on its way."),
    Stage.DELIVERED: StageFacts(Ball.CREATOR, False, "The gift arrived; a post is welcome and not owed."),
    Stage.IN_PRODUCTION: StageFacts(Ball.CREATOR, False, "The creator is making the content."),
    Stage.IN_REVIEW: StageFacts(Ball.BRAND, False, "A draft is with the brand."),
    Stage.CHANGES_REQUESTED: StageFacts(Ball.CREATOR, False, "The brand asked for changes to the draft."),
    Stage.APPROVED: StageFacts(Ball.CREATOR, False, "The draft is approved; the post may go live."),
    Stage.POSTED: StageFacts(Ball.HANDSEL, False, "The post is live; its check is under way."),
    Stage.DISCLOSURE_CHECK: StageFacts(
        Ball.CREATOR, False, "The check found something to mend, or a person has to look."
    ),
    Stage.VERIFIED: StageFacts(
        Ball.NOBODY,
        False,
        "The post is live and correctly disclosed; it has to stay so for a while.",
    ),
    Stage.PAYABLE: StageFacts(Ball.HANDSEL, False, "The fee is earned; the gates decide when it goes."),
    Stage.PAYING: StageFacts(Ball.HANDSEL, False, "The transfer is under way."),
    Stage.PAID: StageFacts(Ball.HANDSEL, False, "The transfer is made; its confirmation is awaited."),
    Stage.COMPLETED: StageFacts(Ball.NOBODY, True, "Everything agreed was done."),
    Stage.DECLINED: StageFacts(Ball.NOBODY, True, "The creator said no."),
    Stage.EXPIRED: StageFacts(Ball.NOBODY, True, "The time to answer ran out."),
    Stage.WAITLISTED_OUT: StageFacts(Ball.NOBODY, True, "No place became free."),
    Stage.WITHDRAWN_BY_BRAND: StageFacts(Ball.NOBODY, True, "The brand took the offer back."),
    Stage.WITHDRAWN_BY_CREATOR: StageFacts(Ball.NOBODY, True, "The creator stepped back."),
    Stage.EXCUSED: StageFacts(
        Ball.NOBODY,
        True,
        "The parcel never came and could not be replaced; no mark against anyone.",
    ),
    Stage.NO_POST: StageFacts(Ball.NOBODY, True, "No content came in time."),
    Stage.FAILED: StageFacts(Ball.NOBODY, True, "The post was not accepted."),
}

ENDS: Final = frozenset(stage for stage, facts in STAGES.items() if facts.end)


class Attention(StrEnum):
    """Why a person must look; a flag beside the stage, never a stage."""

    SHIP_LATE = "ship_late"
    PARCEL_SILENT = "parcel_silent"
    PARCEL_DISPUTED = "parcel_disputed"
    EXTENSION_ASKED = "extension_asked"
    POST_UNSURE = "post_unsure"
    POST_NOT_MENDED = "post_not_mended"
    POST_UNREADABLE = "post_unreadable"
    POST_CHANGED = "post_changed"
    GATE_FAILED = "gate_failed"
    PAYEE_MISSING = "payee_missing"
    FUNDS_SHORT = "funds_short"
    AWAITS_APPROVAL = "awaits_approval"
    PAYOUT_HELD = "payout_held"
    HOLD_OVERDUE = "hold_overdue"
    PAYEE_CHANGED = "payee_changed"
    TAX_DATA_MISSING = "tax_data_missing"
    TRANSFER_REFUSED = "transfer_refused"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OFF_PLATFORM_ASKED = "off_platform_asked"
    TRANSFER_REVERSED = "transfer_reversed"
    BANK_PAYOUT_FAILED = "bank_payout_failed"
    CLAWBACK_ASKED = "clawback_asked"
    CLAWBACK_FAILED = "clawback_failed"
    CLAWBACK_UNKNOWN = "clawback_unknown"
    WRITE_FAILED = "write_failed"


ATTENTION_OWNER: Final[dict[Attention, str]] = {
    Attention.SHIP_LATE: "ops",
    Attention.PARCEL_SILENT: "ops",
    Attention.PARCEL_DISPUTED: "ops",
    Attention.EXTENSION_ASKED: "ops",
    Attention.POST_UNSURE: "ops",
    Attention.POST_NOT_MENDED: "ops",
    Attention.POST_UNREADABLE: "ops",
    Attention.POST_CHANGED: "ops",
    Attention.GATE_FAILED: "finance",
    Attention.PAYEE_MISSING: "creator",
    Attention.FUNDS_SHORT: "finance",
    Attention.AWAITS_APPROVAL: "finance",
    Attention.PAYOUT_HELD: "finance",
    Attention.HOLD_OVERDUE: "finance",
    Attention.PAYEE_CHANGED: "finance",
    Attention.TAX_DATA_MISSING: "creator",
    Attention.TRANSFER_REFUSED: "finance",
    Attention.OUTCOME_UNKNOWN: "finance",
    Attention.OFF_PLATFORM_ASKED: "finance",
    Attention.TRANSFER_REVERSED: "finance",
    Attention.BANK_PAYOUT_FAILED: "creator",
    Attention.CLAWBACK_ASKED: "finance",
    Attention.CLAWBACK_FAILED: "finance",
    Attention.CLAWBACK_UNKNOWN: "finance",
    Attention.WRITE_FAILED: "engineer",
}
