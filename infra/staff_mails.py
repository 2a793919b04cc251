"""E-mails to members, queued in the transaction of their cause and carried out by a pump of their own.

A row names what it is about and nothing more: address, code and link are found again when it is sent, so
that neither the table nor a history ever holds one. Never send one inside of a request.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum

from sqlalchemy.orm import Session

from infra.database import STAFF_MAILS_CHANNEL, notify
from infra.ids import new_id
from infra.settings import Settings
from infra.tables import StaffMail


class StaffMailKind(StrEnum):
    """What a member is written about."""

    SIGN_IN = "sign_in"
    INVITATION = "invitation"
    RUN_PARKED = "run_parked"


def queue_mail(
    session: Session,
    settings: Settings,
    kind: StaffMailKind,
    about: str,
    now: datetime,
    *,
    why_not: str = "",
) -> None:
    """Queue a mail; with a reason not to send it the row is written all the same, as skipped."""
    mail_id = new_id("staff_mail")
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2].lower()
    session.add(
        StaffMail(
            id=mail_id,
            kind=kind.value,
            about=about,
            state="skipped" if why_not else "queued",
            reason=why_not,
            message_id=f"<{mail_id}@{domain}>",
            created_at=now,
            due_at=now,
        )
    )
    session.flush()
    notify(session, STAFF_MAILS_CHANNEL)
