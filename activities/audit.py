"""Keeps the audit log: chains what was committed, makes the day's root, seals evidence bundles.

A round of one pump. Each duty stands alone: an object store or a mail server that does not answer delays its
own duty only, and chaining never waits for either. Nothing personal passes through here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity

from activities.contracts import KEEP_AUDIT, Kept, PumpTask
from activities.mail_port import Attachment, Mail, Mailer, MailError
from domain.audit import canonical
from domain.errors import HandselError
from infra.audit.roots import Roots
from infra.audit.sequencer import sequence_all
from infra.audit.signing import Signer
from infra.erasure.addresses import purge_addresses
from infra.erasure.destroy import Eraser
from infra.evidence.keep import Evidence
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import AuditRoot, Brand
from infra.vault import Vault

PAUSE: Final = 1.0
"""Seconds between two looks at the queue."""
BETWEEN_DUTIES: Final = 15.0
"""Seconds between two looks at everything but the queue."""
BETWEEN_PURGES: Final = 600.0
"""Seconds between two looks for addresses that nobody needs any more."""

log = structlog.get_logger()


class AuditActivities:
    """The activity `keep_audit`."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        vault: Vault,
        objects: ObjectStore,
        mailer: Mailer,
        settings: Settings,
    ) -> None:
        self._sessions = sessions
        self._objects = objects
        self._mailer = mailer
        self._settings = settings
        signer = Signer(settings.vault_keys)
        self._roots = Roots(sessions, signer)
        self._vault = vault
        self._evidence = Evidence(sessions, vault, objects, signer)
        self._eraser = Eraser(sessions, objects)
        self._purge_at = 0.0

    @activity.defn(name=KEEP_AUDIT, no_thread_cancel_exception=True)
    def keep_audit(self, task: PumpTask) -> Kept:
        """Keep the log for so many seconds; ends early when the worker stops."""
        until = time.monotonic() + task.seconds

        def over() -> bool:
            return time.monotonic() >= until or activity.is_cancelled() or activity.is_worker_shutdown()

        kept, duties_at = Kept(), 0.0
        while True:
            activity.heartbeat()
            kept = kept.plus(lines=sequence_all(self._sessions))
            if time.monotonic() >= duties_at:
                kept = kept.plus(roots=self.do_duties(datetime.now(UTC)))
                duties_at = time.monotonic() + BETWEEN_DUTIES
            if over():
                break
            time.sleep(PAUSE)
        if kept != Kept():
            log.info("audit_kept", lines=kept.lines, roots=kept.roots)
        return kept

    def do_duties(self, now: datetime) -> int:
        """Everything but the queue, once; gives how many roots were made."""
        made = self._roots.make_due(now, timedelta(hours=self._settings.audit_root_hours))
        self._alone("roots_not_stored", lambda: self._roots.store(self._objects, now))
        if self._settings.audit_mail_to:
            self._alone("roots_not_mailed", lambda: self._roots.mail(self._mail, now))
        self._alone("evidence_not_collected", lambda: self._evidence.collect_due(now))
        self._alone("evidence_not_sealed", lambda: self._evidence.seal_due(now))
        self._alone("erasure_not_finished", lambda: self._eraser.finish_due(now))
        self._alone("addresses_not_purged", lambda: self._purge_addresses(now))
        return len(made)

    def _alone(self, what: str, duty: Callable[[], int]) -> None:
        try:
            duty()
        except (HandselError, MailError) as error:
            log.warning(what, code=error.code)

    def _purge_addresses(self, now: datetime) -> int:
        """Some of the addresses that are due; at once again while there are more."""
        if time.monotonic() < self._purge_at:
            return 0
        purged = purge_addresses(self._sessions, self._vault, now, self._settings.address_days)
        if purged == 0:
            self._purge_at = time.monotonic() + BETWEEN_PURGES
        return purged

    def _mail(self, root: AuditRoot) -> None:
        with self._sessions() as session:
            brand = session.get_one(Brand, root.brand_id)
        domain = brand.sender_email.rpartition("@")[2].lower()
        text = (
            f"Audit log of {brand.name}: line {root.sequence} has the hash\n\n{root.hash}\n\n"
            "Keep this message. The attached root proves later that no line up to this one was changed,\n"
            "removed or added: handsel audit verify --against <the attached file>\n"
        )
        self._mailer.send(
            Mail(
                message_id=f"<{root.id}@{domain}>",
                thread=f"<audit-{root.brand_id}@{domain}>",
                sender_name=brand.sender_name,
                sender_email=brand.sender_email,
                recipient_name="",
                recipient_email=self._settings.audit_mail_to,
                subject=f"Audit root of {brand.name}, line {root.sequence}",
                text=text,
                html=f"<pre>{text.replace('<', '&lt;')}</pre>",
                unsubscribe_url="",
                feedback_id=f"audit:{root.brand_id}:handsel",
                attachment=Attachment(name=f"{root.id}.json", content=canonical(root.document)),
            )
        )
