"""The pump of e-mails to members: codes to sign in with, invitations, and what finance has to know at once.
Apart from the creators' notices, so that nobody waits for a code behind a launch.

A row is held by its lock while its mail leaves, and written down as sent in the same transaction: when
everything dies in between, the mail goes out again under the same Message-ID. Nothing personal is logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final, NamedTuple

import structlog
from jinja2 import TemplateError as JinjaError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity

from activities.contracts import DELIVER_STAFF_MAILS, Delivered, PumpTask
from activities.letters import write
from activities.mail_port import Mail, Mailer, MailUnavailable, MessageRefused, RecipientRefused
from activities.waiting import Listener
from domain.money import Money
from domain.roles import MEANING, Role
from domain.sign_in import CODE_LIFE, INVITATION_LIFE, Standing
from domain.terms import money_in_words
from infra.database import STAFF_MAILS_CHANNEL
from infra.members import join_link, standing_of
from infra.settings import Settings
from infra.sign_in import code_of, link_of
from infra.staff_mails import StaffMailKind
from infra.tables import Brand, Member, MemberInvitation, PayoutRunRow, SignInCode, StaffMail

IDLE_WAIT: Final = 1.0
"""Seconds after which an idle pump looks for mails that came due by themselves."""
FIRST_WAIT: Final = 5
LONGEST_WAIT: Final = 300
"""Seconds between two tries of one mail: doubled each time, up to this."""

log = structlog.get_logger()


class _Letter(NamedTuple):
    """Who gets what, or why nobody does."""

    name: str
    email: str
    file: str
    words: dict[str, Any]


class StaffMails:
    """The activity `deliver_staff_mails`."""

    def __init__(self, sessions: sessionmaker[Session], mailer: Mailer, settings: Settings) -> None:
        self.sessions = sessions
        self.mailer = mailer
        self.settings = settings
        self._sender_name, self._sender_email = parseaddr(settings.mail_from)
        self._reply_to = parseaddr(settings.mail_reply_to)[1]

    @activity.defn(name=DELIVER_STAFF_MAILS, no_thread_cancel_exception=True)
    def deliver_staff_mails(self, task: PumpTask) -> Delivered:
        """Send what is due for so many seconds; ends early when the worker stops."""
        until = time.monotonic() + task.seconds

        def over() -> bool:
            return time.monotonic() >= until or activity.is_cancelled() or activity.is_worker_shutdown()

        return self.deliver(over, activity.heartbeat)

    def deliver(self, over: Callable[[], bool], beat: Callable[[], None]) -> Delivered:
        """Send what is due until `over` says so; `beat` is called about once a second."""
        results: list[str] = []
        try:
            with Listener(self.settings, STAFF_MAILS_CHANNEL) as listener:
                while not over():
                    beat()
                    result = self.carry_one()
                    if result:
                        results.append(result)
                    else:
                        listener.wait(IDLE_WAIT)
        finally:
            self.mailer.close()
        return Delivered(
            sent=results.count("sent"), skipped=results.count("skipped"), failed=results.count("failed")
        )

    def carry_one(self) -> str:
        """Send the mail that is due longest. Its new state; empty when none is due."""
        with self.sessions.begin() as session:
            row = session.scalar(
                select(StaffMail)
                .where(StaffMail.state == "queued", StaffMail.due_at <= func.now())
                .order_by(StaffMail.due_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if row is None:
                return ""
            row.attempts += 1
            row.state, row.reason = self._carry(session, row, datetime.now(UTC))
            return row.state

    def _carry(self, session: Session, row: StaffMail, now: datetime) -> tuple[str, str]:
        """What becomes of the row, and why."""
        letter = self._letter(session, row, now)
        if letter is None:
            return "skipped", "overtaken"
        try:
            mail = self._mail(row, letter)
        except (JinjaError, ValueError) as error:
            log.error("staff_mail_unwritable", kind=row.kind, error=type(error).__name__)
            return "failed", "unwritable"
        try:
            self.mailer.send(mail)
        except (RecipientRefused, MessageRefused) as refused:
            log.warning("staff_mail_failed", kind=row.kind, code=refused.code)
            return "failed", refused.code
        except MailUnavailable as unavailable:
            wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
            row.due_at = now + timedelta(seconds=wait)
            log.warning("staff_mail_waits", kind=row.kind, code=unavailable.code, again_in=wait)
            return "queued", unavailable.code
        row.sent_at = now
        return "sent", ""

    def _letter(self, session: Session, row: StaffMail, now: datetime) -> _Letter | None:
        """The letter, or None when what it is about is over."""
        if row.kind == StaffMailKind.SIGN_IN:
            return self._sign_in(session, row.about, now)
        if row.kind == StaffMailKind.RUN_PARKED:
            return self._run_parked(session, row.about)
        return self._invitation(session, row.about, now)

    def _sign_in(self, session: Session, about: str, now: datetime) -> _Letter | None:
        wish = session.get(SignInCode, about)
        member = session.get(Member, wish.member_id) if wish is not None and wish.member_id else None
        if wish is None or member is None or member.removed_at is not None:
            return None
        if wish.used_at is not None or now >= wish.expires_at:
            return None
        words = {
            "reader_name": member.name,
            "code": code_of(wish.id, self.settings.secret_key),
            "link": link_of(wish.id, self.settings),
            "minutes": int(CODE_LIFE.total_seconds() // 60),
        }
        return _Letter(member.name, member.email, "sign_in.staff", words)

    def _invitation(self, session: Session, about: str, now: datetime) -> _Letter | None:
        invitation = session.get(MemberInvitation, about)
        if invitation is None or standing_of(invitation, now) is not Standing.OPEN:
            return None
        brand = session.get_one(Brand, invitation.brand_id)
        inviter = session.get(Member, invitation.invited_by)
        words = {
            "reader_name": invitation.name,
            "brand_name": brand.name,
            "invited_by": brand.name if inviter is None else inviter.name,
            "role": invitation.role,
            "may": MEANING[Role(invitation.role)],
            "link": join_link(invitation.id, self.settings),
            "days": INVITATION_LIFE.days,
        }
        return _Letter(invitation.name, invitation.email, "member_invitation.staff", words)

    def _run_parked(self, session: Session, about: str) -> _Letter | None:
        """With the figures of the moment in which it leaves; nothing when the run goes on already."""
        run_id, _, member_id = about.partition("/")
        run, member = session.get(PayoutRunRow, run_id), session.get(Member, member_id)
        if run is None or run.state != "parked" or member is None or member.removed_at is not None:
            return None
        shortage, balance = (
            money_in_words(Money(amount=amount, currency=run.currency))
            for amount in (run.shortage, run.balance_seen or 0)
        )
        words = {
            "reader_name": member.name,
            "brand_name": session.get_one(Brand, run.brand_id).name,
            "shortage": shortage,
            "balance": balance,
            "parked": run.parked_count,
            "due": run.due_count,
            "link": f"{self.settings.public_url}/console/runs/{run.id}",
        }
        return _Letter(member.name, member.email, "run_parked.staff", words)

    def _mail(self, row: StaffMail, letter: _Letter) -> Mail:
        written = write(letter.file, letter.words)
        return Mail(
            message_id=row.message_id,
            sender_name=self._sender_name or "Handsel",
            sender_email=self._sender_email,
            reply_to=self._reply_to,
            recipient_name=letter.name,
            recipient_email=letter.email,
            subject=written.subject,
            text=written.text,
            html=written.html,
            feedback_id=f"{row.kind}:staff:handsel",
        )
