"""A brand's rules of approval: read, and replaced as a whole by a new version."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter
from sqlalchemy import select

from activities.rules import rules_of
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.problems import answers
from api.schemas.payouts import RulesGiven, RulesShown
from infra.approval_rules import set_rules
from infra.tables import ApprovalRuleSet

router = APIRouter(
    tags=["payouts"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


@router.get("/approval-rules", summary="Rules of approval")
def get_approval_rules(caller: CallerOf, session: SessionOf) -> RulesShown:
    """The rules that count now. Version 0: none were ever set, and payments need no approval."""
    in_force = rules_of(session, caller.brand_id)
    row = session.scalar(
        select(ApprovalRuleSet).where(
            ApprovalRuleSet.brand_id == caller.brand_id, ApprovalRuleSet.version == in_force.version
        )
    )
    return RulesShown(
        version=in_force.version,
        rules=in_force.rules,
        made_by=row.made_by if row else "",
        created_at=row.created_at if row else None,
    )


@router.post(
    "/approval-rules",
    summary="Set the rules of approval",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def set_approval_rules(given: RulesGiven, caller: CallerOf, session: SessionOf) -> RulesShown:
    """Replace the rules by a new version, which counts for every payment not yet sent."""
    row = set_rules(session, caller.brand_id, given, caller.actor, datetime.now(UTC))
    return RulesShown.model_validate(
        {"version": row.version, "rules": row.rules, "made_by": row.made_by, "created_at": row.created_at}
    )
