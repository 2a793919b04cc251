"""Notices and links: what reaches the creator. Nothing is sent here; the notice row is its own outbox."""

from __future__ import annotations

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from activities.effects.context import Context
from domain.ids import derived_id
from domain.state import RevokeLinks, SendNotice
from infra.database import NOTICES_CHANNEL, notify
from infra.tables import Brand, Link, Notice


def send_notice(session: Session, effect: SendNotice, context: Context) -> None:
    """Queue one e-mail, at most one per (collaboration, kind, step), and wake who delivers.

    The Message-ID is fixed here, so that a second delivery after a crash is the same message.
    """
    state = context.before
    notice_id = derived_id("notice", state.collaboration_id, effect.kind.value, effect.step)
    domain = func.lower(func.split_part(Brand.sender_email, "@", 2))
    row = {
        "id": literal(notice_id),
        "collaboration_id": literal(state.collaboration_id),
        "brand_id": Brand.id,
        "kind": literal(effect.kind.value),
        "step": literal(effect.step),
        "state": literal("queued"),
        "reason": literal(""),
        "event_sequence": literal(context.after.sequence),
        "due_at": literal(context.change.at),
        "attempts": literal(0),
        "message_id": literal(f"<{notice_id}@").op("||")(domain).op("||")(">"),
        "created_at": literal(context.change.at),
    }
    source = select(*row.values()).where(Brand.id == state.brand_id)
    session.execute(insert(Notice).from_select(list(row), source).on_conflict_do_nothing())
    notify(session, NOTICES_CHANNEL)


def revoke_links(session: Session, effect: RevokeLinks, context: Context) -> None:  # noqa: ARG001 - no fields
    """Links of this collaboration act no more; one revoked before keeps its moment."""
    session.execute(
        update(Link)
        .where(Link.collaboration_id == context.before.collaboration_id, Link.revoked_at.is_(None))
        .values(revoked_at=context.change.at)
        .execution_options(synchronize_session=False)
    )
