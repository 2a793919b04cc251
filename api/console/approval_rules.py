"""The rules of approval on the staff's pages: what counts now, and for owners a form that replaces it."""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response
from sqlalchemy import select

from activities.rules import rules_of
from api.auth import OWNS
from api.console import rule_forms
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.naming import Actors
from api.console.route import console_router
from api.console.wording import say
from api.pages.forms import FormRefused
from domain.approvals import APPROVERS, ApprovalRules
from domain.errors import Invalid, Refused
from domain.roles import Role
from infra.approval_rules import set_rules
from infra.tables import ApprovalRuleSet, Member

router = console_router()
PATH: Final = "/console/approval-rules"


@router.get("/approval-rules")
def approval_rules_page(view: ViewOf) -> Response:
    """Tiers, limits and the time of the payments that count now."""
    return _show(view)


@router.post("/approval-rules")
def set_rules_here(view: ViewOf) -> Response:
    """Replace the rules by what was typed. The same form counts once; `more` only adds empty lines."""
    if view.fields.get("then") == "more":
        return _show(view, typed=rule_forms.kept(view.fields))
    seen = view.fields.get("version", "")
    try:
        rules = rule_forms.read(view.fields)
        with view.all_or_nothing() as session:
            set_rules(
                session,
                view.person.brand_id,
                rules,
                view.person.actor,
                view.now,
                seen=int(seen) if seen.isdecimal() and len(seen) < 9 else -1,
                rules_id=view.id_of("approval_rules"),
            )
    except Refused as refused:
        errors = _beside_its_line(refused)
        return _show(view, errors, status_of(refused), rule_forms.kept(view.fields))
    return view.go(PATH, "rules_set")


def _beside_its_line(refused: Refused) -> dict[str, str]:
    """A limit of nobody is told on top: empty lines above it shift its number."""
    if isinstance(refused, Invalid) and not isinstance(refused, FormRefused):
        return {"": say("rules.nobody")}
    return errors_of(refused)


def _show(
    view: View,
    errors: dict[str, str] | None = None,
    status: int = 200,
    typed: rule_forms.Typed | None = None,
) -> Response:
    in_force = rules_of(view.session, view.person.brand_id)
    row = view.session.scalar(
        select(ApprovalRuleSet).where(
            ApprovalRuleSet.brand_id == view.person.brand_id,
            ApprovalRuleSet.version == in_force.version,
        )
    )
    form = typed or rule_forms.shown(in_force.rules)
    people = _people(view, in_force.rules)
    return view.page(
        "approval_rules.html",
        status,
        rules=in_force.rules,
        version=in_force.version,
        row=row,
        people=dict(people),
        form=form,
        typed=form.fields,
        whose=_choices(people),
        counts=[(str(number), str(number)) for number in range(6)],
        runs=[(one, say(f"rules.run.{one}")) for one in ("at_once", "daily")],
        owners=OWNS,
        actors=Actors(view.session, view.person.brand_id),
        errors=errors or {},
    )


def _people(view: View, rules: ApprovalRules) -> list[tuple[str, str]]:
    """Who can have a limit: who approves, and whoever has one already, removed people too."""
    limited = [one.member_id for one in rules.limits if one.member_id]
    approves = Member.removed_at.is_(None) & Member.role.in_([role.value for role in APPROVERS])
    rows = view.session.scalars(
        select(Member)
        .where(Member.brand_id == view.person.brand_id, approves | Member.id.in_(limited))
        .order_by(Member.name, Member.id)
    )
    return [
        (row.id, row.name if row.removed_at is None else say("rules.removed", name=row.name)) for row in rows
    ]


def _choices(people: list[tuple[str, str]]) -> list[tuple[str, str]]:
    roles = [role for role in Role if role in APPROVERS]
    return [(role.value, say("rules.everybody", role=role.value)) for role in roles] + people
