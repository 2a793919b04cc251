"""How people come in: codes that were mailed, sessions, the log of signing in, invitations of members.

Nothing here lets a reader of the database in: codes and links follow from their id and the secret key, and
of a session's cookie only the SHA-256 is kept.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.tables.base import Key, Table


class SignInCode(Table):
    """One wish to sign in, of a known address or not; its code and its link follow from its id."""

    __tablename__ = "sign_in_codes"
    __table_args__ = (
        Index("ix_sign_in_codes_email_digest_created_at", "email_digest", "created_at"),
        Index("ix_sign_in_codes_browser_digest_created_at", "browser_digest", "created_at"),
        Index("ix_sign_in_codes_created_at", "created_at"),
    )
    id: Mapped[Key]
    email_digest: Mapped[str]
    """Keyed digest of the address that was typed."""
    member_id: Mapped[str | None]
    """Whom the address belongs to; empty when nobody, or when too many codes were asked for."""
    browser_digest: Mapped[str]
    """SHA-256 of the cookie of the browser that asked: the code counts there only."""
    next_path: Mapped[str]
    """The page of the console that was wanted."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    """Wrong codes so far."""


class StaffSession(Table):
    """A signed-in browser. Ends by itself, by its owner, or with the membership."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_member_id_created_at", "member_id", "created_at"),)
    id: Mapped[Key]
    digest: Mapped[str] = mapped_column(unique=True)
    """SHA-256 of the cookie."""
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    how: Mapped[str]
    """`domain.sign_in.How`."""
    browser: Mapped[str]
    """Two words: 'Firefox, Linux'."""
    network: Mapped[str]
    """/24 or /48 that it came from."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    """To the minute."""
    expires_at: Mapped[datetime]
    """The latest end, whatever is done."""
    ended_at: Mapped[datetime | None]


class SignIn(Table):
    """One line of the log: who came in, or tried to, when and how. Deleted after half a year."""

    __tablename__ = "sign_ins"
    __table_args__ = (
        Index("ix_sign_ins_brand_id_id", "brand_id", "id"),
        Index("ix_sign_ins_at", "at"),
    )
    id: Mapped[Key]
    brand_id: Mapped[str | None]
    """Empty when no member was meant."""
    member_id: Mapped[str | None]
    at: Mapped[datetime]
    how: Mapped[str]
    result: Mapped[str]
    """`domain.sign_in.Result`."""
    network: Mapped[str]
    browser: Mapped[str]


class MemberInvitation(Table):
    """Somebody is asked to join a brand. The link follows from the id; it counts once."""

    __tablename__ = "invitations_of_members"
    __table_args__ = (
        Index("ix_invitations_of_members_brand_id_id", "brand_id", "id"),
        Index(
            "uq_invitations_of_members_open",
            "brand_id",
            text("lower(email)"),
            unique=True,
            postgresql_where="accepted_at IS NULL AND revoked_at IS NULL",
        ),
    )
    id: Mapped[Key]
    brand_id: Mapped[str] = mapped_column(ForeignKey("brands.id"))
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    invited_by: Mapped[str]
    """Id of the member or API key."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    member_id: Mapped[str | None]
    """Who came of it."""


class StaffMail(Table):
    """One e-mail to a member or to somebody invited: written with its cause, carried out by a pump.

    Holds no address and no secret: both follow from what it is about when it is sent.
    """

    __tablename__ = "staff_mails"
    __table_args__ = (Index("ix_staff_mails_due", "due_at", postgresql_where="state = 'queued'"),)
    id: Mapped[Key]
    kind: Mapped[str]
    """sign_in or invitation."""
    about: Mapped[str]
    """Id of the code or of the invitation."""
    state: Mapped[str]
    """queued, sent, skipped or failed."""
    reason: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    message_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
