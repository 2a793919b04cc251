"""What workflows hand to activities and get back: names and small models of ids and codes.

Workflows import this module and nothing else of `activities/`, so that no database or vendor library comes
near their sandbox. The names are stored in histories: never change one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.campaign import CampaignStatus
from domain.commands import CheckOutcome, Id, TransferResult
from domain.roles import HANDSEL, Actor

RECORD_CHANGE: Final = "record_change"
CHECK_POST: Final = "check_post"
WATCH_POST: Final = "watch_post"
ASSESS_GATES: Final = "assess_gates"
TRANSFER_PAYOUT: Final = "transfer_payout"
LOOK_UP_TRANSFER: Final = "look_up_transfer"
TAKE_BACK: Final = "take_back"
LOOK_UP_REVERSAL: Final = "look_up_reversal"
OPEN_CAMPAIGN: Final = "open_campaign"
LAUNCH_PAGE: Final = "launch_page"
SET_CAMPAIGN_STATUS: Final = "set_campaign_status"
WITHDRAW_PAGE: Final = "withdraw_page"
COUNT_OPEN: Final = "count_open"
DELIVER_NOTICES: Final = "deliver_notices"
DELIVER_STAFF_MAILS: Final = "deliver_staff_mails"
WORK_INBOX: Final = "work_inbox"
RECONCILE_STRIPE: Final = "reconcile_stripe"
KEEP_AUDIT: Final = "keep_audit"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class GateAnswer(_Model):
    """The stored report, and what to flag when it does not pass."""

    report_id: Id
    all_pass: bool
    flag: str = ""
    """`domain.stages.Attention`, empty when time alone is waited for."""
    look_at: datetime | None = None
    """When time alone changes an answer next."""


class Recorded(_Model):
    """Answer of `record_change`. A refusal (sold out, not open, stale) changed nothing."""

    refused: str = ""
    """Code of the refusal; empty when recorded."""
    kind: str = ""
    """Class of the refusal in `domain.errors`; empty means as `NotOpen` or, with a field, `Invalid`."""
    message: str = ""
    field: str | None = None
    gates: GateAnswer | None = None
    """The payment gates, assessed right after a change that earned the fee."""


class CheckTask(_Model):
    """Look at the live post that this submission names."""

    collaboration_id: Id
    submission_id: Id
    number: int
    accepted_at: datetime | None = None


class CheckResult(_Model):
    """What the look found."""

    check_id: Id
    outcome: CheckOutcome
    reason: str = ""
    unchanged: bool = False
    """Whether the look before this one saw the same, and found the same."""


class WatchTask(_Model):
    """One look of a watch."""

    collaboration_id: Id
    watch: int
    number: int
    """Of the look within its watch, from 1."""
    last: bool = False
    given_up: bool = False
    """Write down that nothing could be seen, instead of looking."""


class WatchAnswer(_Model):
    """What follows from a look."""

    over: bool
    """Whether nobody has to look any more."""
    found: bool = False
    """Whether something was found that was not known before."""


class GateTask(_Model):
    """Assess the payment gates of this collaboration as it stands at this sequence number."""

    collaboration_id: Id
    sequence: int
    currency: str = ""
    """Of the fee; empty where there is none."""


class TransferTask(_Model):
    """One attempt of the collaboration's payout."""

    collaboration_id: Id
    number: int
    part: int = 1
    """Which part of the fee."""


class ClawbackTask(_Model):
    """One clawback of one part of the fee."""

    collaboration_id: Id
    part: int
    number: int


class TransferAnswer(_Model):
    """What is known of the attempt."""

    result: TransferResult
    transfer_id: str = ""
    reason: Annotated[str, Field(max_length=60)] = ""


class CampaignTask(_Model):
    """One campaign."""

    campaign_id: Id
    actor: Actor


class StatusTask(_Model):
    """Give a campaign this status."""

    campaign_id: Id
    status: CampaignStatus
    actor: Actor = HANDSEL
    """Who wanted it."""


class PageTask(_Model):
    """One page of a campaign's collaborations, after this id."""

    campaign_id: Id
    cursor: str = ""
    actor: Actor
    reach: Literal["open_offers", "not_shipped"] = "open_offers"
    """For withdrawing: only who has not accepted, or everybody whose parcel has not left."""


class Page(_Model):
    """How far a page went."""

    cursor: str
    count: int
    done: bool


class OpenCount(_Model):
    """How many collaborations of a campaign have not ended."""

    count: int


class Delivered(_Model):
    """What one round of a pump of mails did."""

    sent: int = 0
    skipped: int = 0
    failed: int = 0


class Worked(_Model):
    """What one round of the inbox pump did."""

    done: int = 0
    ignored: int = 0
    later: int = 0


class Kept(_Model):
    """What one round of the audit pump did."""

    lines: int = 0
    roots: int = 0

    def plus(self, *, lines: int = 0, roots: int = 0) -> Kept:
        """This and so much more."""
        return Kept(lines=self.lines + lines, roots=self.roots + roots)


class Reconciled(_Model):
    """What one round of the reconciliation found."""

    copied: int = 0
    matched: int = 0
    open_items: int = 0


class PumpTask(_Model):
    """One round of a pump."""

    seconds: int = 60
