"""Sets a brand's rules of approval: always as a whole, as a new version, for the API and for the console.

A version is never changed. Who set the rules on a page says which version they saw, so that two people who
change them at once do not undo each other unseen.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from activities.rules import rules_of
from domain.approvals import ApprovalRules
from domain.errors import Invalid, Refused
from domain.ledger import actor_text
from domain.roles import Actor
from infra.audit.append import append_audit
from infra.ids import new_id
from infra.tables import ApprovalRuleSet, Brand, Member


def set_rules(
    session: Session,
    brand_id: str,
    rules: ApprovalRules,
    by: Actor,
    now: datetime,
    *,
    seen: int | None = None,
    rules_id: str | None = None,
) -> ApprovalRuleSet:
    """Replace the rules by a new version, which counts for every payment not yet sent.

    `seen`: the version that was shown to who changes them; `rules_id`: the id of the new version, so that
    the same form counts once. Raises `Invalid` for a limit of nobody, and `Refused` (`rules_changed`) when
    another version counts by now.
    """
    session.get_one(Brand, brand_id, with_for_update=True)
    known = session.get(ApprovalRuleSet, rules_id) if rules_id else None
    if known is not None:
        return known
    for position, limit in enumerate(rules.limits):
        member = session.get(Member, limit.member_id) if limit.member_id else None
        if limit.member_id and (member is None or member.brand_id != brand_id):
            raise Invalid("no such member", field=f"limits.{position}.member_id")
    version = rules_of(session, brand_id).version
    if seen is not None and seen != version:
        raise Refused("the rules were changed meanwhile; look at them again", code="rules_changed")
    row = ApprovalRuleSet(
        id=rules_id or new_id("approval_rules"),
        brand_id=brand_id,
        version=version + 1,
        rules=ApprovalRules.model_validate(rules.model_dump()).model_dump(mode="json"),
        made_by=actor_text(by),
        created_at=now,
    )
    session.add(row)
    session.flush()
    told = {"version": row.version}
    append_audit(session, brand_id, "approval_rules", row.id, "approval_rules_set", by, now, told)
    return row
