"""The day's root reaches a mailbox outside, once, with the root attached as it was signed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import httpx

from activities.adapters.mailer import SmtpMailer
from activities.audit import AuditActivities
from domain.roles import HANDSEL
from infra.audit.append import append_audit
from infra.audit.sequencer import sequence_all
from infra.audit.signing import Signer, why_unsigned
from infra.database import make_sessions
from infra.ids import new_id
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import AuditRoot, Brand
from infra.vault import Vault
from tests.conftest import RunningStack


def test_a_root_is_mailed_once(stack: RunningStack, settings: Settings) -> None:
    sessions = make_sessions(settings)
    brand_id = new_id("brand")
    name = f"Hazel {brand_id}"
    with sessions.begin() as session:
        session.add(
            Brand(
                id=brand_id,
                name=name,
                sender_name="Hazel",
                sender_email="hello@hazel.example",
                currency="USD",
            )
        )
        session.flush()
        append_audit(session, brand_id, "brand", brand_id, "founded", HANDSEL, datetime.now(UTC))
    sequence_all(sessions)
    auditor = f"{brand_id}@auditors.example"
    wanting = settings.model_copy(update={"audit_mail_to": auditor})
    mailer, vault = SmtpMailer(settings.smtp_url), Vault(settings.vault_key)
    keeper = AuditActivities(sessions, vault, ObjectStore(settings), mailer, wanting)
    now = datetime.now(UTC)
    assert keeper.do_duties(now) >= 1
    assert keeper.do_duties(now) == 0
    (message,) = _messages(stack, auditor, name)  # roots of other tests' brands are mailed too
    content = httpx.get(f"{stack.mailbox_url}/messages/{message['id']}.json").json()
    with sessions() as session:
        root = session.get_one(AuditRoot, (brand_id, 1))
    assert root.hash in content["text"]
    assert "List-Unsubscribe" not in json.dumps(content["headers"])
    assert why_unsigned(root.document, Signer(settings.vault_keys).public_keys) == ""
    stored = ObjectStore(settings).read(root.object_key)
    assert stored is not None
    assert json.loads(stored) == root.document


def _messages(stack: RunningStack, to: str, about: str) -> list[dict[str, str]]:
    until = time.monotonic() + 30
    while True:
        found = httpx.get(f"{stack.mailbox_url}/messages.json", params={"to": to}).json()
        found = found["messages"] if isinstance(found, dict) else found
        found = [message for message in found if about in message["subject"]]
        if found or time.monotonic() > until:
            return list(found)
        time.sleep(0.1)
