"""How everything that is not a collaboration writes its events into the audit log.

Called inside the transaction that makes the change, so that both are there or neither. It takes no lock that
others wait for; the place in the brand's chain is given afterwards by the sequencer. Personal data must come
as keyed digests (`Vault.email_digest`), typed words by `words_digest`; an e-mail address is refused.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from domain.audit import check_fact
from domain.roles import Actor
from infra.tables import AuditFact


def words_digest(subject_id: str, words: str) -> str:
    """What the log keeps of words that a person typed, which may name somebody: a hash that fits them alone.

    The words stand in a row that an erasure can empty; as long as they do, they can be held against this.
    """
    return hmac.new(subject_id.encode(), words.encode(), hashlib.sha256).hexdigest()


def append_audit(
    session: Session,
    brand_id: str,
    subject_kind: str,
    subject_id: str,
    event: str,
    actor: Actor,
    at: datetime,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Write one event of a subject in the session's transaction; gives the fact's number.

    `subject_kind` and `event` are plain words (`member`, `role_changed`), `event` in the past tense; `data`
    holds ids, codes, moments as text and whole numbers. Raises `Defect` (code `audit_unfit`) for anything
    else.
    """
    given = dict(data or {})
    check_fact(subject_kind, subject_id, event, actor, given)
    written = insert(AuditFact).values(
        brand_id=brand_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        event=event,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        at=at,
        data=given,
    )
    return int(session.execute(written.returning(AuditFact.id)).scalar_one())
