"""The books: trial balance, statements, balances."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.collaborations import EntryShown
from api.schemas.common import Shown


class TrialLineShown(Shown):
    """What an account, or all accounts of a kind, took, gave and hold."""

    account: str = Field(examples=["creator:owed"])
    currency: str = Field(examples=["USD"])
    taken: int = Field(description="Minor units")
    given: int = Field(description="Minor units")
    balance: int = Field(description="Taken less given, minor units")


class CurrencySum(Shown):
    """All accounts of a currency together: always zero."""

    currency: str
    balance: int


class TrialBalanceShown(Shown):
    """Every account as of one moment."""

    at: datetime | None = Field(description="Entries up to and including this moment; null: all")
    items: list[TrialLineShown]
    sums: list[CurrencySum]


class BalanceShown(Shown):
    """One account as of one moment."""

    account: str = Field(examples=["campaign:campaign_01k9z3v5e8fw0a2t4s6q8r0b1c:budget"])
    currency: str
    at: datetime | None
    balance: int = Field(description="Minor units")


class NumberedEntry(EntryShown):
    """One posting with its place in the order of posting."""

    number: int = Field(description="Order of posting")
    key: str = Field(description="What it is about; counts once", examples=["held/collab_01k9..."])
    collaboration_id: str | None


class EntryPage(Shown):
    """Postings in the order of their dates."""

    items: list[NumberedEntry]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one")


class StatementLineShown(Shown):
    """One entry as the account sees it."""

    entry_id: str
    number: int = Field(description="Order of posting")
    at: datetime
    kind: str = Field(examples=["fee_held"])
    key: str
    collaboration_id: str | None
    actor: str
    reason: str
    reverses_id: str | None
    others: list[str] = Field(description="The accounts on the other side")
    amount: int = Field(description="Minor units; below zero for what the account gave")
    balance: int = Field(description="Of the account after this entry")


class StatementShown(Shown):
    """An account between two moments: opening balance, lines, closing balance."""

    account: str
    currency: str
    since: datetime | None
    until: datetime | None = Field(description="Not included")
    opening: int
    closing: int = Field(description="Counts lines of further pages, too")
    items: list[StatementLineShown]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one")
