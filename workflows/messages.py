"""Names by which the front and the tests reach the workflows. Stored in histories: never rename one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.campaign import CampaignStatus
from domain.clocks import Span
from domain.commands import Id
from domain.roles import Actor

COLLABORATIONS_QUEUE: Final = "collaborations"
PAYMENTS_QUEUE: Final = "payments"

COLLABORATION: Final = "Collaboration"
"""Workflow type; argument: `domain.state.State` at stage queued."""
GIVE: Final = "give"
"""Update: `domain.commands.Request` -> `domain.state.Snapshot`; update id = request id."""

CAMPAIGN: Final = "Campaign"
"""Workflow type; argument: `CampaignStart`. Started by the launch."""
STEER: Final = "steer"
"""Update: `Steering` -> `CampaignStanding`; update id = steering id."""

WATCH: Final = "Watch"
"""Workflow type; argument: `WatchStart`. Started by the collaboration when its post is verified."""

PUMP: Final = "Pump"
"""Workflow type; argument: `PumpStart`. One for each kind, started by the workers."""


RECONCILIATION: Final = "Reconciliation"
"""Workflow type; argument: `ReconciliationStart`. One, started by the workers."""
RECONCILE_NOW: Final = "reconcile_now"
"""Signal: a round is wanted now."""
RECONCILIATION_ID: Final = "reconciliation/stripe"


class ReconciliationStart(BaseModel):
    """How often Stripe's rows are copied and compared."""

    model_config = ConfigDict(frozen=True)

    every_seconds: Annotated[int, Field(ge=1)] = 900


class PumpStart(BaseModel):
    """Which rows to carry on."""

    model_config = ConfigDict(frozen=True)

    of: Literal["notices", "inbox", "audit", "staff_mails"]


def collaboration_workflow_id(collaboration_id: str) -> str:
    """One workflow per collaboration."""
    return f"collaboration/{collaboration_id}"


def campaign_workflow_id(campaign_id: str) -> str:
    """One workflow per campaign."""
    return f"campaign/{campaign_id}"


class WatchStart(BaseModel):
    """What a watch begins with: whose post, since when, and the policy's spans, frozen."""

    model_config = ConfigDict(frozen=True)

    collaboration_id: Id
    number: int
    verified_at: datetime
    zone: str
    after: list[Span]
    mend_within: Span
    """How long after a finding is looked once more, beside the other looks."""


def watch_workflow_id(collaboration_id: str, number: int) -> str:
    """One workflow per verification of a collaboration's post."""
    return f"watch/{collaboration_id}/{number}"


class CampaignStart(BaseModel):
    """What the campaign's workflow begins with, and carries into its next run."""

    model_config = ConfigDict(frozen=True)

    campaign_id: Id
    actor: Actor
    cursor: str = ""
    """Collaborations up to this id are started."""
    launched: bool = False
    status: CampaignStatus = CampaignStatus.DRAFT


class Steering(BaseModel):
    """One command to a running campaign."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    actor: Actor
    command: Literal["invite", "pause", "resume", "close", "cancel"]


class CampaignStanding(BaseModel):
    """The short answer: where the campaign stands now."""

    status: CampaignStatus
    outcome: str = ""
