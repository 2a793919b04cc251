"""The pick list of a campaign: one line a parcel, with the address, as a warehouse takes it in.

Addresses are opened here, one batch at a time, for this file only. A parcel whose creator was erased keeps
its line with an empty address, so that nothing is missing unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.csv_text import write_csv
from infra.tables import Answer, Creator, CreatorKey, Product, Shipment, Variant
from infra.vault import AnswerForm, Profile, Vault

COLUMNS: Final = (
    "shipment_id", "number", "kind", "state", "sku", "product", "variant", "quantity", "name", "company",
    "line1", "line2", "line3", "line4", "city", "region", "postcode", "country", "phone", "created_at",
)  # fmt: skip
"""Stable: a new column is added at the end."""
_BATCH: Final = 500


def pick_list(session: Session, vault: Vault, campaign_id: str, *, state: str = "preparing") -> str:
    """The parcels of a campaign in this state as CSV, in order of their ids; cells are safe to open."""
    return write_csv(COLUMNS, _lines(session, vault, campaign_id, state))


def _lines(session: Session, vault: Vault, campaign_id: str, state: str) -> Iterator[Sequence[object]]:
    cursor = ""
    while rows := _batch(session, campaign_id, state, cursor):
        cursor = rows[-1].Shipment.id
        for row in rows:
            yield _line(vault, row)


def _batch(session: Session, campaign_id: str, state: str, cursor: str) -> Sequence[Any]:
    query = (
        select(
            Shipment,
            Variant.sku,
            Variant.name.label("variant"),
            Product.name.label("product"),
            Answer.sealed,
            Creator.sealed.label("profile"),
            CreatorKey.wrapped,
        )
        .join(Variant, Variant.id == Shipment.variant_id)
        .join(Product, Product.id == Variant.product_id)
        .join(Creator, Creator.id == Shipment.creator_id)
        .outerjoin(Answer, Answer.id == Shipment.answer_id)
        .outerjoin(CreatorKey, CreatorKey.creator_id == Shipment.creator_id)
        .where(Shipment.campaign_id == campaign_id, Shipment.state == state, Shipment.id > cursor)
        .order_by(Shipment.id)
        .limit(_BATCH)
    )
    return session.execute(query).all()


def _line(vault: Vault, row: Any) -> Sequence[object]:
    parcel = row.Shipment
    head = (parcel.id, parcel.number, parcel.kind, parcel.state, row.sku, row.product, row.variant, 1)
    return (*head, *_address(vault, row), parcel.created_at.isoformat())


def _address(vault: Vault, row: Any) -> Sequence[str]:
    """Name, company, four lines, city, region, postcode, country, phone."""
    if row.wrapped is None or row.sealed is None:
        return [""] * 11
    address = vault.open(row.wrapped, row.sealed, AnswerForm).address
    if address is None:
        return [""] * 11
    phone = vault.open(row.wrapped, row.profile, Profile).phone
    lines = [*address.lines, "", "", "", ""][:4]
    place = [address.city, address.region, address.postcode, address.country]
    return [address.name, address.company, *lines, *place, phone]
