"""What every table shares: naming, money as integers, UTC moments, ids as text.

Rows that tell history (`events`, `entries`, `movements`, ...) refuse UPDATE and DELETE by trigger, which the
migrations install; see `APPEND_ONLY`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

APPEND_ONLY = (
    "events",
    "entries",
    "movements",
    "offers",
    "shipment_events",
    "disclosure_checks",
    "gate_reports",
    "audit_facts",
    "audit_lines",
    "audit_roots",
    "approval_rules",
    "remarks",
    "terms_authors",
    "payout_decisions",
    "gate_overrides",
    "payment_documents",
    "transfer_receipts",
)
"""Tables whose rows are never changed or deleted, by anybody."""

FORGETS = {"disclosure_checks": ("input", "findings"), "remarks": ("text",)}
"""Columns of append-only tables that become empty when their creator is erased, and at no other time."""


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this class attribute
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }


Key = Annotated[str, mapped_column(Text, primary_key=True)]
Minor = Annotated[int, mapped_column(BigInteger)]
