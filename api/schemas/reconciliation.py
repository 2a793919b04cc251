"""Differences between Stripe's rows and ours."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field

from api.schemas.common import Given, Shown, example
from api.schemas.periods import Reason, impersonal
from domain.reconciliation import Which
from infra.contact import one_line

DifferenceId = Annotated[
    str, Path(pattern=r"^diff_[0-9a-z]{26}$", examples=["diff_01k9z3v5e8fw0a2t4s6q8r0b1c"])
]


class DifferenceShown(Shown):
    """One difference, with its owner and its age."""

    id: str
    list: Which
    meaning: str = Field(description="What the list means, as a sentence")
    subject: str = Field(
        description="A transfer, a balance transaction, an attempt (payout/number), or `balance:USD`",
        examples=["tr_1PqR"],
    )
    currency: str
    our_amount: int | None = Field(description="Minor units, out is below zero; null: we have nothing")
    their_amount: int | None = Field(description="Minor units, out is below zero; null: Stripe has nothing")
    occurred_at: datetime = Field(description="When the money moved")
    first_seen_at: datetime
    last_seen_at: datetime
    age_days: int = Field(description="Whole days since it was first seen, until now or until it ended")
    keeps_open: bool = Field(description="Whether the month of `occurred_at` cannot be closed with it")
    state: str = Field(description="open, settled (by a person), or cleared (it is gone)")
    owner: str = Field(description="Who looks after it: a member or key; empty: nobody yet")
    note: str
    reason: str = Field(description="Why it was settled")
    ended_at: datetime | None
    ended_by: str


class DifferenceChanges(Given):
    """Who looks after a difference, and a note. Left out: as it is."""

    model_config = example(owner="member_01k9z3v5e8fw0a2t4s6q8r0b1c", note="Asked Stripe on Monday.")

    owner: Annotated[str, Field(pattern=r"^((member|key)_[0-9a-z]{26})?$")] | None = None
    note: (
        Annotated[str, AfterValidator(one_line), AfterValidator(impersonal), Field(max_length=300)] | None
    ) = None


class Settlement(Given):
    """Why a difference is settled."""

    model_config = example(reason="Paid by hand from Stripe's dashboard, see invoice 2026-114.")

    reason: Reason


class ReconciliationShown(Shown):
    """How far Stripe's rows are compared, and what is open."""

    complete_at: datetime | None = Field(description="Everything that Stripe had then is compared")
    rows: int = Field(description="Balance transactions copied so far")
    unmatched: int = Field(description="Rows that are not in order, differences and fresh ones")
    open: dict[Which, int] = Field(description="Open differences of this brand by list")


class RunAsked(Shown):
    """A round was asked for."""

    asked_at: datetime = Field(description="It is done when `complete_at` is later")
