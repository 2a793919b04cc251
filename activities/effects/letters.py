"""Notices and links: what reaches the creator. Nothing is sent here; the notice row is its own outbox."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from activities.effects.context import Context
from domain.ids import derived_id
from domain.state import RevokeLinks, SendNotice
from infra.database import NOTICES_CHANNEL
from infra.tables import Link

# The Message-ID is fixed here, so that a second delivery after a crash is the same message.
_QUEUE: Final = text("""
    WITH queued AS (
        INSERT INTO notices
            (id, collaboration_id, brand_id, kind, step, state, reason, event_sequence, due_at, attempts,
             message_id, created_at)
        SELECT
            :id, :collaboration_id, id, :kind, :step, 'queued', '', :event_sequence, :at, 0,
            '<' || :id || '@' || lower(split_part(sender_email, '@', 2)) || '>', :at
        FROM brands WHERE id = :brand_id
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT pg_notify(:channel, '') FROM queued
""")


def send_notice(session: Session, effect: SendNotice, context: Context) -> None:
    """Queue one e-mail, at most one per (collaboration, kind, step), and wake who delivers."""
    state, kind = context.before, effect.kind.value
    session.execute(
        _QUEUE,
        {
            "id": derived_id("notice", state.collaboration_id, kind, effect.step),
            "collaboration_id": state.collaboration_id,
            "brand_id": state.brand_id,
            "kind": kind,
            "step": effect.step,
            "event_sequence": context.after.sequence,
            "at": context.change.at,
            "channel": NOTICES_CHANNEL,
        },
    )


def revoke_links(session: Session, effect: RevokeLinks, context: Context) -> None:  # noqa: ARG001 - no fields
    """Links of this collaboration act no more; one revoked before keeps its moment."""
    session.execute(
        update(Link)
        .where(Link.collaboration_id == context.before.collaboration_id, Link.revoked_at.is_(None))
        .values(revoked_at=context.change.at)
        .execution_options(synchronize_session=False)
    )
