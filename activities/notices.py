"""The pump that carries e-mails out: notice rows become messages, once each as far as mail allows.

A row is claimed and committed before its mail leaves, and written down as sent after the server took it. Only
what was in between when everything died is sent twice, under the same Message-ID. Nothing personal is logged
or answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity

from activities import notice_queue as rows
from activities.contracts import DELIVER_NOTICES, Delivered, PumpTask
from activities.envelopes import Envelope, envelopes_of
from activities.letter_context import Addressed, letters_of
from activities.letters import render
from activities.mail_port import (
    Attachment,
    Mail,
    Mailer,
    MailUnavailable,
    MessageRefused,
    RecipientRefused,
)
from activities.notice_queue import Claimed
from activities.notice_senders import Senders
from activities.waiting import Listener
from infra.database import NOTICES_CHANNEL
from infra.settings import Settings
from infra.vault import Vault

CONNECTIONS: Final = 4
"""Messages that are handed over at once."""
BATCH: Final = 64
"""Notices that are claimed together."""
IDLE_WAIT: Final = 1.0
"""Seconds after which an idle pump looks for notices that came due by themselves."""
LONGEST_PAUSE: Final = 10.0
"""Seconds between two tries of a mail server that takes nothing."""
DATABASE_PATIENCE: Final = 90.0
"""Seconds for which the pump tries to write down what it has sent."""
_AWAY: Final = (OperationalError, InterfaceError, PoolTimeout)
"""How a database that restarts, or is too busy, shows itself."""
_UNREADABLE: Final = "vault_unreadable"
_RENEW_AFTER: Final = rows.LEASE.total_seconds() / 3

log = structlog.get_logger()
T = TypeVar("T")


class Result(StrEnum):
    """What came of one try."""

    SENT = "sent"
    LATER = "later"
    NOBODY = "nobody"
    """Later, and the mail system takes nothing at all just now."""
    REFUSED = "refused"
    BOUNCED = "bounced"


class Outcome(NamedTuple):
    """One try of one notice."""

    envelope: Envelope
    result: Result
    code: str = ""


class Notices:
    """The activity `deliver_notices`."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        vault: Vault,
        mailer: Mailer,
        settings: Settings,
        connections: int = CONNECTIONS,
    ) -> None:
        self.sessions = sessions
        self.vault = vault
        self.mailer = mailer
        self.settings = settings
        self.connections = connections
        self._return_path = parseaddr(settings.mail_from)[1]
        self._reply_to = parseaddr(settings.mail_reply_to)[1]

    @activity.defn(name=DELIVER_NOTICES, no_thread_cancel_exception=True)
    def deliver_notices(self, task: PumpTask) -> Delivered:
        """Send what is due for so many seconds; ends early when the worker stops."""
        until = time.monotonic() + task.seconds

        def over() -> bool:
            return time.monotonic() >= until or activity.is_cancelled() or activity.is_worker_shutdown()

        return self.deliver(over, activity.heartbeat)

    def deliver(self, over: Callable[[], bool], beat: Callable[[], None]) -> Delivered:
        """Send what is due until `over` says so; `beat` is called about once a second."""
        with Listener(self.settings, NOTICES_CHANNEL) as listener:
            done = _Round(self, listener, over, beat).run()
        if done != Delivered():
            log.info("notices_delivered", sent=done.sent, skipped=done.skipped, failed=done.failed)
        return done

    def attempt(self, item: Addressed) -> Outcome:
        """Write one letter and hand it over; whatever happens is an outcome."""
        envelope = item.envelope
        try:
            self.mailer.send(self._mail(item))
        except RecipientRefused as refused:
            return Outcome(envelope, Result.BOUNCED, refused.code)
        except MessageRefused as refused:
            return Outcome(envelope, Result.REFUSED, refused.code)
        except MailUnavailable as unavailable:
            result = Result.NOBODY if unavailable.everywhere else Result.LATER
            return Outcome(envelope, result, unavailable.code)
        except Exception as error:  # noqa: BLE001 - a letter that fails must not stop the others
            log.error("letter_failed", kind=envelope.notice.kind.value, error=type(error).__name__)
            return Outcome(envelope, Result.LATER, f"letter_failed_{type(error).__name__}")
        return Outcome(envelope, Result.SENT)

    def _mail(self, item: Addressed) -> Mail:
        envelope, notice = item.envelope, item.envelope.notice
        if envelope.profile is None:
            raise ValueError("nobody to write to")
        letter = render(notice.kind, item.context)
        campaign_id = envelope.state.campaign_id
        return Mail(
            message_id=notice.message_id,
            thread=f"<{notice.collaboration_id}@{notice.message_id.rpartition('@')[2].rstrip('>')}>",
            sender_name=envelope.sender_name,
            sender_email=envelope.sender_email,
            return_path=self._return_path,
            reply_to=self._reply_to,
            recipient_name=envelope.profile.name,
            recipient_email=envelope.profile.email,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            unsubscribe_url=item.context.unsubscribe_link,
            feedback_id=f"{notice.kind}:{campaign_id}:{envelope.brand_id}:handsel",
            attachment=Attachment(name=item.context.terms_file, content=item.terms) if item.terms else None,
        )


class _Round:
    """One call of the pump: this thread claims and writes down, the senders send."""

    def __init__(
        self, notices: Notices, listener: Listener, over: Callable[[], bool], beat: Callable[[], None]
    ) -> None:
        self._notices = notices
        self._listener = listener
        self._over = over
        self._beat = beat
        self._senders: Senders[Addressed, Outcome] = Senders(
            notices.connections, notices.attempt, notices.mailer.close
        )
        self._open: dict[str, Envelope] = {}
        self._sent = self._skipped = self._failed = 0
        self._beaten_at = self._renewed_at = time.monotonic()
        self._troubles = 0
        self._paused_until = 0.0

    def run(self) -> Delivered:
        """Until it is over and everything begun is written down."""
        try:
            while True:
                self._keep_alive()
                over = self._over()
                if over:
                    self._give_back()
                elif len(self._open) <= BATCH // 2:
                    self._claim()
                if self._open:
                    self._write_down(self._senders.results(0.2))
                elif over:
                    return Delivered(sent=self._sent, skipped=self._skipped, failed=self._failed)
                else:
                    self._listener.wait(IDLE_WAIT)
        finally:
            self._senders.take_back()
            self._senders.close()

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now - self._beaten_at >= 1:
            self._beaten_at = now
            self._beat()
        if self._open and now - self._renewed_at >= _RENEW_AFTER:
            self._renewed_at = now
            self._in_database(lambda session: rows.renew(session, list(self._open)))

    def _claim(self) -> None:
        """Take what is due; while the mail server is in doubt, one notice at a time, after a pause."""
        if time.monotonic() < self._paused_until or (self._troubles and self._open):
            return
        try:
            ready = self._due(1 if self._troubles else BATCH)
        except _AWAY:
            if not self._open:
                raise
            return  # what is under way has to be written down first
        if not self._open:
            self._renewed_at = time.monotonic()
        for item in ready:
            self._open[item.envelope.notice.id] = item.envelope
            self._senders.give(item, item.envelope.notice.collaboration_id)

    def _due(self, most: int) -> list[Addressed]:
        with self._notices.sessions.begin() as session:
            claimed = rows.claim(session, most)
        return self._prepared(claimed)

    def _prepared(self, claimed: Sequence[Claimed]) -> list[Addressed]:
        """What is to be sent of a batch. A notice that cannot be read is put off alone."""
        try:
            return self._ready(claimed) if claimed else []
        except _AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - one unreadable notice must not hold up the others
            if len(claimed) > 1:
                return [item for one in claimed for item in self._prepared([one])]
            kind, name = claimed[0].kind.value, type(error).__name__
            log.error("notice_unreadable", kind=kind, error=name)
            code = f"notice_unreadable_{name}"
            self._in_database(lambda session: rows.put_off(session, [claimed[0].id], code))
            return []

    def _ready(self, claimed: Sequence[Claimed]) -> list[Addressed]:
        notices = self._notices
        with notices.sessions.begin() as session:
            envelopes = envelopes_of(session, notices.vault, claimed)
            reasons = {one.notice.id: _why_kept(one) for one in envelopes}
            for id_, reason in reasons.items():
                if reason == _UNREADABLE:
                    rows.put_off(session, [id_], reason)
                elif reason:
                    rows.skip(session, [id_], reason)
            wanted = [one for one in envelopes if not reasons[one.notice.id]]
            letters = letters_of(session, notices.settings, wanted, datetime.now(UTC))
        self._skipped += sum(reason not in ("", _UNREADABLE) for reason in reasons.values())
        return letters

    def _write_down(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        self._in_database(lambda session: _settle(session, outcomes))
        for outcome in outcomes:
            self._open.pop(outcome.envelope.notice.id, None)
        results = [outcome.result for outcome in outcomes]
        self._sent += results.count(Result.SENT)
        self._failed += results.count(Result.REFUSED) + results.count(Result.BOUNCED)
        if Result.NOBODY in results:
            self._pause(outcomes)
        elif Result.SENT in results:
            self._troubles = 0
        self._senders.written_down(len(outcomes))

    def _pause(self, outcomes: Iterable[Outcome]) -> None:
        """The mail server takes nothing: keep nothing claimed, and ask again in a while."""
        self._troubles += 1
        pause = min(LONGEST_PAUSE, 2.0 ** min(self._troubles - 1, 10))
        self._paused_until = time.monotonic() + pause
        codes = sorted({outcome.code for outcome in outcomes if outcome.result is Result.NOBODY})
        log.warning("mail_unavailable", codes=codes, again_in=pause)
        self._give_back()

    def _give_back(self) -> None:
        ids = [item.envelope.notice.id for item in self._senders.take_back()]
        if ids:
            self._in_database(lambda session: rows.give_back(session, ids))
        for one in ids:
            self._open.pop(one, None)

    def _in_database(self, write: Callable[[Session], None]) -> None:
        """Write, and try again while the database restarts: what was sent must not be forgotten."""
        until = time.monotonic() + DATABASE_PATIENCE
        while True:
            try:
                with self._notices.sessions.begin() as session:
                    write(session)
            except _AWAY as error:
                if time.monotonic() >= until:
                    raise
                log.warning("database_unavailable", error=type(error).__name__)
                self._beat()
                time.sleep(0.5)
            else:
                return


def _why_kept(one: Envelope) -> str:
    """Why this notice must not, or cannot, go out now; empty when it may."""
    reason = rows.why_not(one.notice.kind, one.state.stage, one.suppression, one.do_not_contact)
    return reason or one.unknown


def _settle(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write down what came of some tries, in one transaction."""
    rows.mark_sent(session, [one.envelope.notice.id for one in outcomes if one.result is Result.SENT])
    for one in outcomes:
        ids = [one.envelope.notice.id]
        if one.result in (Result.LATER, Result.NOBODY):
            rows.put_off(session, ids, one.code)
        elif one.result in (Result.REFUSED, Result.BOUNCED):
            rows.fail(session, ids, one.code)
        if one.result is Result.BOUNCED:
            rows.mark_bounced(session, one.envelope.brand_id, one.envelope.email_digest)
