"""Reading posts: tokens for the platforms' doors, sealed, and how many calls a day went through each."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Table


class PlatformToken(Table):
    """A token of a brand or of one of its creators for one platform. Sealed; replaced in place."""

    __tablename__ = "platform_tokens"
    __table_args__ = (
        UniqueConstraint("brand_id", "creator_id", "platform", postgresql_nulls_not_distinct=True),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    creator_id: Mapped[str | None] = mapped_column(ForeignKey("creators.id"))
    """Whose own it is; NULL for the brand's."""
    platform: Mapped[str]
    account: Mapped[str] = mapped_column(default="")
    """Id of the account that asks, where the platform wants one."""
    wrapped: Mapped[bytes | None]
    """The key of a brand's token under the vault's key; NULL where the creator's own key seals it."""
    sealed: Mapped[bytes]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PlatformCalls(Table):
    """Calls to one platform on one day (UTC)."""

    __tablename__ = "platform_calls"
    platform: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(default=0)
