"""What a payment gate answers, and everything that the gates look at.

The rules are in `domain/gates.py`; reading the facts is `activities/gates.py`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.approvals import Given, Need
from domain.commands import CheckOutcome
from domain.offer import CampaignType
from domain.payout_line import Standing
from domain.stages import Stage


class GateResult(StrEnum):
    """How a gate stands."""

    PASS = "pass"  # noqa: S105 - a result, not a password
    OVERRIDDEN = "overridden"
    """It does not pass, and a named person answers for it."""
    FAIL = "fail"
    WAITING = "waiting"


class Override(BaseModel):
    """Who answers for a gate that does not pass, and why."""

    model_config = ConfigDict(frozen=True)

    by: str
    """The member."""
    reason: str
    event: int | None = None


class Gate(BaseModel):
    """One condition of payment."""

    model_config = ConfigDict(frozen=True)

    name: str
    result: GateResult
    detail: str
    """A plain sentence for whoever asks why."""
    waiting_on: str = ""
    """creator, brand, finance, stripe or time; empty unless waiting."""
    until: datetime | None = None
    event: int | None = None
    """Sequence number of the event that decided it."""
    override: Override | None = None


class GateFacts(BaseModel):
    """Everything that the gates look at, read in one transaction."""

    model_config = ConfigDict(frozen=True)

    collaboration_id: str
    brand_id: str
    type: CampaignType
    stage: Stage
    terms_sha256: str
    accepted_sha256: str
    accepted_event: int | None
    delivered_event: int | None
    last_check: CheckOutcome | None
    check_event: int | None
    accepted_by_person: int | None
    """Sequence of the event in which a person accepted the post, after the last check."""
    verified_at: datetime | None
    live_until: datetime | None
    pieces_owed: int
    posts_live: int
    held_for_fee: int
    """What the ledger owes the creator for this collaboration now, minor units."""
    fee: int
    """The amount of this payment, minor units."""
    payee_account: str
    payee_can_receive: bool
    pay_by: datetime | None
    open_attempt: bool
    line: Standing | None = None
    """Where it stands among those that wait for the same money; None before its hour has come."""
    currency: str = ""
    """Of the fee."""
    parked: bool = False
    """Whether it has waited for money before."""
    part: int = 1
    belongs_to: int = 0
    """The part that a late fee, or what is paid again, belongs to; 0 for what the post earns."""
    tax_data_missing: bool = False
    """Whether this creator's country asks for tax data that Stripe has not got yet."""
    held: str = ""
    """Why the payment is held; empty when it is not."""
    hold_overdue: bool = False
    hold_event: int | None = None
    payee_changed_until: datetime | None = None
    """Until when the payment rests because the creator changed the account or its bank."""
    duplicate_of: str = ""
    """Another collaboration of the brand that this payment would pay again."""
    run_at: datetime | None = None
    """The run of the day in which it goes; None when payments go at once."""
    need: Need = Need(0, owner=False)
    approvals: list[Given] = []
    overrides: dict[str, Override] = {}
    """By gate, for this very payment."""
