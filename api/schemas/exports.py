"""Exports and account codes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, get_args

from pydantic import AfterValidator, Field

from api.schemas.common import Given, Shown, example
from domain.ledger import ACCOUNT_KINDS, EntryKind
from infra.contact import one_line

MAPPABLE = (*ACCOUNT_KINDS, *(f"world/{kind}" for kind in get_args(EntryKind)))
"""What may have an account code: each kind of account, and the world for each kind of entry."""


def _mappable(account: str) -> str:
    if account not in MAPPABLE:
        raise ValueError("no such kind of account; see GET /exports/account-codes")
    return account


class CodeGiven(Given):
    """The code of one kind of account; an empty code takes it away."""

    account: Annotated[str, AfterValidator(_mappable), Field(examples=["creator:owed"])]
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{0,40}$", examples=["2100"])]
    name: Annotated[str, AfterValidator(one_line), Field(max_length=100, examples=["Creators payable"])] = ""


class CodesGiven(Given):
    """Codes to set; those that are left out stay."""

    model_config = example(codes=[{"account": "creator:owed", "code": "2100", "name": "Creators payable"}])

    codes: list[CodeGiven] = Field(min_length=1, max_length=200)


class CodeShown(Shown):
    """A kind of account, with its code where there is one."""

    account: str
    code: str = Field(description="Empty: none is set")
    name: str
    changed_at: datetime | None
    changed_by: str


class Codes(Shown):
    """Every kind of account, and those of the world's that have a code of their own."""

    items: list[CodeShown]


class ColumnShown(Shown):
    """One column of an export."""

    name: str
    kind: str = Field(description="text, whole number, decimal number, moment or day")
    meaning: str


class ExportShown(Shown):
    """One export and its columns, in order."""

    name: str = Field(examples=["ledger"])
    columns: list[ColumnShown]


class Exports(Shown):
    """Every export."""

    items: list[ExportShown]
