"""What persons do with a difference: look after it, note something, settle it with a reason.

Settling says that somebody has looked and knows why; it moves no money. Settling twice is settling once, and
the first reason stays.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.persons import decider
from domain.errors import Invalid, NotFound, Refused
from domain.ledger import actor_text
from domain.roles import Actor
from infra.audit.append import append_audit, words_digest
from infra.tables import ApiKey, Member, ReconciliationItem


def _locked(session: Session, brand_id: str, item_id: str) -> ReconciliationItem:
    query = select(ReconciliationItem).where(
        ReconciliationItem.id == item_id, ReconciliationItem.brand_id == brand_id
    )
    item = session.scalar(query.with_for_update())
    if item is None:
        raise NotFound("no such difference")
    return item


def take(
    session: Session,
    brand_id: str,
    item_id: str,
    actor: Actor,
    now: datetime,
    *,
    owner: str | None = None,
    note: str | None = None,
) -> ReconciliationItem:
    """Say who looks after a difference, or note something. Raises `Refused` once it has ended."""
    item = _locked(session, brand_id, item_id)
    if item.state != "open":
        raise Refused(f"this difference is {item.state}", code="difference_ended")
    if owner is not None and owner != item.owner:
        _require_of_brand(session, brand_id, owner)
        item.owner = owner
        data = {"owner": owner}
        append_audit(session, brand_id, "difference", item.id, "difference_taken", actor, now, data)
    if note is not None and note != item.note:
        item.note = note
        append_audit(
            session,
            brand_id,
            "difference",
            item.id,
            "difference_noted",
            actor,
            now,
            {"note": words_digest(item.id, note)},
        )
    session.flush()
    return item


def _require_of_brand(session: Session, brand_id: str, owner: str) -> None:
    """The owner is a member who is still there, or a key that counts; empty is nobody."""
    member = select(Member.id).where(
        Member.id == owner, Member.brand_id == brand_id, Member.removed_at.is_(None)
    )
    key = select(ApiKey.id).where(
        ApiKey.id == owner, ApiKey.brand_id == brand_id, ApiKey.revoked_at.is_(None)
    )
    if owner and session.scalar(member) is None and session.scalar(key) is None:
        raise Invalid("no member of this brand", field="owner")


def settle(
    session: Session, brand_id: str, item_id: str, actor: Actor, reason: str, now: datetime
) -> ReconciliationItem:
    """A person knows why, and says so, themselves or by a key that they made.

    Raises `Forbidden` for anybody else, `Refused` when the difference is gone by itself.
    """
    if not reason.strip():
        raise Invalid("say why", field="reason")
    item = _locked(session, brand_id, item_id)
    who = decider(session, brand_id, actor)
    if item.state == "settled":
        return item
    if item.state != "open":
        raise Refused("this difference is gone by itself", code="difference_ended")
    item.state, item.reason = "settled", reason
    item.ended_at, item.ended_by = now, actor_text(actor)
    item.owner = item.owner or actor.id
    data = {"reason": words_digest(item.id, reason)} | who.told
    append_audit(session, brand_id, "difference", item.id, "difference_settled", actor, now, data)
    session.flush()
    return item
