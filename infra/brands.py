"""How a brand comes into being: the tenant, its first owner and its first key, in one transaction.

There is no API call for this: whoever may reach the database of the installation makes brands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from domain.clocks import ZoneName
from domain.money import Currency
from domain.roles import HANDSEL, Actor, Role
from infra.api_keys import NewKey, make_key
from infra.audit.append import append_audit
from infra.contact import Email, Title
from infra.ids import new_id
from infra.tables import Brand, Member


class NewBrand(BaseModel):
    """A brand to be created."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Title
    sender_name: Title
    sender_email: Email
    currency: Currency
    postal_address: Annotated[str, Field(max_length=300)] = ""
    zone: ZoneName = "UTC"
    owner_name: Title
    owner_email: Email


class FoundedBrand(NamedTuple):
    """A new brand with its first owner and first key."""

    brand: Brand
    owner: Member
    key: NewKey


def found_brand(session: Session, new: NewBrand, *, mode: str) -> FoundedBrand:
    """Write brand, owner and an owner's key. The caller commits, and shows the key once."""
    brand, owner = write_brand(session, new)
    key = make_key(session, mode=mode, brand_id=brand.id, name="first key", role=Role.OWNER)
    return FoundedBrand(brand, owner, key)


def write_brand(session: Session, new: NewBrand) -> tuple[Brand, Member]:
    """Write the brand and its first owner."""
    brand = Brand(
        id=new_id("brand"),
        name=new.name,
        sender_name=new.sender_name,
        sender_email=new.sender_email,
        currency=new.currency,
        postal_address=new.postal_address,
        zone=new.zone,
    )
    session.add(brand)
    session.flush()
    owner = Member(
        id=new_id("member"),
        brand_id=brand.id,
        name=new.owner_name,
        email=new.owner_email,
        role=Role.OWNER.value,
    )
    session.add(owner)
    session.flush()
    now, told = datetime.now(UTC), {"owner_id": owner.id, "currency": brand.currency}
    append_audit(session, brand.id, "brand", brand.id, "brand_founded", HANDSEL, now, told)
    return brand, owner


def change_brand(session: Session, brand: Brand, changes: Mapping[str, str], by: Actor) -> None:
    """Change names and addresses. What was sent and accepted stays as it is."""
    changed = sorted(name for name, value in changes.items() if getattr(brand, name) != value)
    for name in changed:
        setattr(brand, name, changes[name])
    session.flush()
    if changed:
        told = {"fields": changed}
        append_audit(session, brand.id, "brand", brand.id, "brand_changed", by, datetime.now(UTC), told)
