"""Whose hand is behind an actor: a member of the brand, or the member who made the key that acts.

Money facts are decided by persons. A key is one person's hand: what it does counts as done by its maker, so
that nobody is their own second pair of eyes by way of a key.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.approvals import APPROVERS, is_person
from domain.errors import Forbidden
from domain.ids import is_id
from domain.roles import Actor, ActorKind, Role
from infra.tables import ApiKey, Member


class Decider(NamedTuple):
    """The person who answers for a decision about money."""

    member_id: str
    key_id: str = ""
    """The key that acted for them; empty where they acted themselves."""

    @property
    def told(self) -> dict[str, str]:
        """What the audit log says beside the actor: the maker of a key."""
        return {"key_maker": self.member_id} if self.key_id else {}


def maker_of(session: Session, brand_id: str, actor: Actor) -> str | None:
    """The member who acts, or who made the key that acts; None for the program, and for keys of nobody."""
    if is_person(actor):
        return actor.id
    if actor.kind is not ActorKind.BRAND or not is_id("api_key", actor.id):
        return None
    made_by = select(ApiKey.made_by).where(ApiKey.id == actor.id, ApiKey.brand_id == brand_id)
    return session.scalar(made_by)


def hands_of(session: Session, member_id: str) -> list[str]:
    """The member and every key that they made, revoked ones too."""
    return [member_id, *session.scalars(select(ApiKey.id).where(ApiKey.made_by == member_id))]


def decider(session: Session, brand_id: str, actor: Actor) -> Decider:
    """The person of finance behind this actor, held as they are until the transaction ends.

    Both rows are locked for sharing: whoever removes the member or revokes the key at the same moment comes
    before, and the decision is refused, or after it. Raises `Forbidden`: `needs_person` for a key that no
    named person made, `not_a_member`, `not_an_approver`.
    """
    key_id = "" if is_person(actor) else actor.id
    member_id = actor.id if is_person(actor) else _answers_for_key(session, brand_id, actor)
    member = session.scalar(
        select(Member)
        .where(Member.id == member_id, Member.brand_id == brand_id, Member.removed_at.is_(None))
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise Forbidden("only a member of the brand decides about its money", code="not_a_member")
    if Role(member.role) not in APPROVERS:
        whose = "the key's maker is" if key_id else "you are"
        raise Forbidden(f"this needs finance or owner; {whose} {member.role}", code="not_an_approver")
    return Decider(member.id, key_id)


def _answers_for_key(session: Session, brand_id: str, actor: Actor) -> str:
    key = session.scalar(
        select(ApiKey)
        .where(ApiKey.id == actor.id, ApiKey.brand_id == brand_id, ApiKey.revoked_at.is_(None))
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if key is None or key.made_by is None:
        raise Forbidden(
            "a person has to do this, or a key that a named person made; no person made this one",
            code="needs_person",
        )
    if Role(key.role) not in APPROVERS:
        raise Forbidden(f"this needs a key of finance or owner; yours is {key.role}", code="not_an_approver")
    return key.made_by
