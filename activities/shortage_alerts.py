"""Tells the people of finance once that a run is short of money, with what is lacking in total.

Once for each parking: the run's row says that they were told, and forgets it when nothing is short any more.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.approvals import APPROVERS
from infra.settings import Settings
from infra.staff_mails import StaffMailKind, queue_mail
from infra.tables import Member, PayoutRunRow


def tell_of_shortages(sessions: sessionmaker[Session], settings: Settings) -> int:
    """Queue the mails of every parked run of which nobody was told; how many were queued."""
    now = datetime.now(UTC)
    with sessions.begin() as session:
        parked = session.scalars(
            select(PayoutRunRow)
            .where(
                PayoutRunRow.ended_at.is_(None),
                PayoutRunRow.state == "parked",
                PayoutRunRow.told_at.is_(None),
            )
            .with_for_update(skip_locked=True)
        ).all()
        for run in parked:
            run.told_at = now
        mails = [about_of(run.id, reader) for run in parked for reader in _readers(session, run.brand_id)]
        for about in mails:
            queue_mail(session, settings, StaffMailKind.RUN_PARKED, about, now)
    return len(mails)


def about_of(run_id: str, member_id: str) -> str:
    """What a mail's row says that it is about: the run, and who reads it."""
    return f"{run_id}/{member_id}"


def _readers(session: Session, brand_id: str) -> list[str]:
    """Members who pay: finance and owners."""
    roles = [role.value for role in APPROVERS]
    wanted = select(Member.id).where(
        Member.brand_id == brand_id, Member.role.in_(roles), Member.removed_at.is_(None)
    )
    return list(session.scalars(wanted.order_by(Member.id)))
