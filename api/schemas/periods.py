"""Months of the books."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

from fastapi import Path
from pydantic import AfterValidator, Field

from api.schemas.common import Given, Shown, example
from infra.contact import one_line

_MAIL: Final = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")


def impersonal(text: str) -> str:
    """The text, unless it holds an e-mail address: it stays in the record. Raises ValueError."""
    if _MAIL.search(text):
        raise ValueError("leave e-mail addresses out: this stays in the record")
    return text


Reason = Annotated[
    str,
    AfterValidator(one_line),
    AfterValidator(impersonal),
    Field(min_length=3, max_length=300, description="Stays in the record; no personal data"),
]
Month = Annotated[
    str, Path(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="Of the brand's zone", examples=["2026-11"])
]


class Frozen(Shown):
    """What all accounts of one kind held at the end of a closed month."""

    account: str = Field(examples=["creator:owed"])
    currency: str = Field(examples=["USD"])
    balance: int = Field(description="Minor units")


class InTheWay(Shown):
    """One reason why a month cannot be closed."""

    code: str = Field(examples=["differences_open"])
    detail: str


class PeriodShown(Shown):
    """One month of the books."""

    month: str = Field(examples=["2026-11"])
    state: str = Field(description="open, closed, or reopened")
    starts_at: datetime
    ends_at: datetime = Field(description="First moment of the next month")
    changed_at: datetime | None = Field(description="When it was closed or opened again")
    changed_by: str
    reason: str = Field(description="Why it was opened again")


class PeriodDetail(PeriodShown):
    """One month with what is in the way of closing it, or with what it was closed with."""

    in_the_way: list[InTheWay] = Field(description="Empty for a month that can be closed, or is")
    totals: list[Frozen] = Field(description="The trial balance that it was closed with")
    digest: str = Field(description="SHA-256 of every account's balance at its end, frozen")


class Periods(Shown):
    """Every month from the first entry to the present one, newest first."""

    items: list[PeriodShown]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one")


class Reopening(Given):
    """Why a month is opened again."""

    model_config = example(reason="The carrier's invoice for November came in December.")

    reason: Reason
