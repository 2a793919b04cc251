"""Asks for a creator's erasure: refused while somebody still needs to know who they are.

From the moment it is asked for, the creator is contacted no more and their links act no more. Nothing is
destroyed here, so that the request and the destruction can be told apart in the audit log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from domain.errors import Invalid, NotFound, Refused
from domain.ids import derived_id
from domain.roles import Actor
from domain.stages import ENDS
from infra.audit.append import append_audit
from infra.tables import Collaboration, Creator, Erasure, Link, Payout, PayoutAttempt

RULES: Final = {
    "creator_asked": "the creator asked for it",
    "no_longer_needed": "nobody needs the data any more",
    "authority_ordered": "an authority or a court ordered it",
    "brand_leaves": "the brand ends its work with Handsel",
}
"""Why somebody may be erased."""
FORCES: Final = frozenset({"authority_ordered"})
"""Rules that may force an erasure while money or a collaboration is open."""
ERASED: Final = "erased"
"""Reason for which an erased creator is not contacted."""

_OWED: Final = text("""
    SELECT coalesce(sum(balance), 0) FROM accounts
    WHERE starts_with(name, 'creator:' || :creator_id || '\\:owed')
""")


def ask_erasure(
    session: Session, brand_id: str, creator_id: str, rule: str, actor: Actor, now: datetime, *, force: bool
) -> Erasure:
    """Write down that a creator is to be erased; the one there is when it was asked before.

    Raises `NotFound`; `Invalid` for an unknown rule, or one that may not force; `Refused` (codes
    `money_open`, `collaboration_open`, `attempt_open`) while there is business that needs the person.
    """
    if rule not in RULES:
        raise Invalid(f"the rule must be one of: {', '.join(RULES)}", field="rule")
    if force and rule not in FORCES:
        raise Invalid(f"only {', '.join(sorted(FORCES))} may force an erasure", field="force")
    creator = session.scalar(
        select(Creator).where(Creator.id == creator_id, Creator.brand_id == brand_id).with_for_update()
    )
    if creator is None:
        raise NotFound("no such creator")
    erasure_id = derived_id("erasure", creator_id)
    if (known := session.get(Erasure, erasure_id)) is not None:
        return known
    _require_settled(session, creator_id, force=force)
    creator.do_not_contact = ERASED
    revoke_links(session, creator_id, now)
    erasure = Erasure(
        id=erasure_id,
        brand_id=brand_id,
        creator_id=creator_id,
        rule=rule,
        forced=force,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        asked_at=now,
        counts={},
    )
    session.add(erasure)
    said = {"erasure_id": erasure_id, "forced": force, "rule": rule}
    append_audit(session, brand_id, "creator", creator_id, "erasure_asked", actor, now, said)
    session.flush()
    return erasure


def _require_settled(session: Session, creator_id: str, *, force: bool) -> None:
    """Raise `Refused` with the first thing in the way. An attempt under way cannot be forced aside."""
    under_way = session.scalar(
        select(PayoutAttempt.payout_id)
        .join(Payout, Payout.id == PayoutAttempt.payout_id)
        .where(Payout.creator_id == creator_id, PayoutAttempt.state.in_(("open", "unknown")))
        .limit(1)
    )
    if under_way is not None:
        raise Refused(f"a transfer of {under_way} is under way; wait for its outcome", code="attempt_open")
    if force:
        return
    unpaid = session.scalar(
        select(Payout.id)
        .where(Payout.creator_id == creator_id, Payout.confirmed_at.is_(None))
        .order_by(Payout.id)
        .limit(1)
    )
    if unpaid is not None:
        raise Refused(f"{unpaid} is not paid and confirmed yet", code="money_open")
    if session.scalar(_OWED, {"creator_id": creator_id}):
        raise Refused("the books still owe this creator money", code="money_open")
    running = session.scalar(
        select(Collaboration.id)
        .where(
            Collaboration.creator_id == creator_id,
            Collaboration.stage.not_in([stage.value for stage in ENDS]),
        )
        .order_by(Collaboration.id)
        .limit(1)
    )
    if running is not None:
        raise Refused(f"{running} has not ended; withdraw or close it first", code="collaboration_open")


def revoke_links(session: Session, creator_id: str, now: datetime) -> None:
    """Links that were mailed to this creator act no more."""
    session.execute(
        update(Link)
        .where(Link.creator_id == creator_id, Link.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
