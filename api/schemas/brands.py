"""The brand, its members and its API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.common import Given, Shown, example
from domain.clocks import ZoneName
from domain.roles import Role
from domain.sign_in import Standing
from infra.contact import Email, Title


class BrandShown(Shown):
    """The caller's brand."""

    id: str
    name: str = Field(examples=["Lumen & Oak"])
    sender_name: str = Field(description="Who the e-mails are from")
    sender_email: str
    currency: str = Field(examples=["USD"])
    postal_address: str = Field(description="Printed at the foot of e-mails")
    zone: str = Field(description="IANA time zone of the brand's months", examples=["Europe/Berlin"])
    created_at: datetime


class BrandChanges(Given):
    """Fields of the brand to change. The currency stays: amounts are written in it."""

    name: Title | None = None
    sender_name: Title | None = None
    sender_email: Email | None = None
    postal_address: Annotated[str, Field(max_length=300)] | None = None
    zone: ZoneName | None = None


class MemberShown(Shown):
    """A person of the brand."""

    id: str
    name: str
    email: str
    role: Role
    created_at: datetime


class NewMember(Given):
    """A person to add."""

    model_config = example(name="Omar Ops", email="omar@lumen.example", role="ops")

    name: Title
    email: Email
    role: Role


class InvitationShown(Shown):
    """A person who was asked to join."""

    id: str
    name: str
    email: str
    role: Role
    standing: Standing
    created_at: datetime
    expires_at: datetime
    member_id: str | None = Field(description="Who came of it")


class MemberChanges(Given):
    """What may change of a member."""

    role: Role


class KeyShown(Shown):
    """An API key, without the key."""

    id: str
    name: str
    role: Role
    made_by: str | None = Field(description="Member who made it and counts for what it does; null: the shell")
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute")
    revoked_at: datetime | None


class NewKeyGiven(Given):
    """A key to make."""

    model_config = example(name="warehouse", role="ops")

    name: Title
    role: Role


class KeyMade(KeyShown):
    """A key that was just made. `secret` is shown this once (null when the answer is repeated)."""

    secret: str | None = Field(examples=["hs_local_..."])
