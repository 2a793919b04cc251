"""Who calls, and what they may do: API keys, roles, and the least role of every operation in one table.

A key belongs to one brand; everything a call reads or writes is scoped to that brand, and a thing of another
brand is answered as if it did not exist. An operation that is missing from `ACCESS` cannot be called.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from domain.errors import Defect, Forbidden, NotFound, Unauthorised
from domain.roles import Actor, ActorKind, Role
from infra.api_keys import digest_of
from infra.sessions import recognise
from infra.settings import Settings
from infra.tables import (
    ApiKey,
    Brand,
    Campaign,
    Collaboration,
    Creator,
    Member,
    Payout,
    PayoutRunRow,
    Product,
    ReconciliationItem,
    Table,
)

ANYBODY: Final = frozenset(Role)
OPERATES: Final = frozenset({Role.OWNER, Role.OPS})
PAYS: Final = frozenset({Role.OWNER, Role.FINANCE})
WORKS: Final = frozenset({Role.OWNER, Role.OPS, Role.FINANCE})
OWNS: Final = frozenset({Role.OWNER})

ACCESS: Final[dict[str, frozenset[Role]]] = {
    "get_brand": ANYBODY,
    "change_brand": OWNS,
    "list_members": ANYBODY,
    "add_member": OWNS,
    "change_member": OWNS,
    "remove_member": OWNS,
    "list_member_invitations": ANYBODY,
    "invite_member": OWNS,
    "revoke_member_invitation": OWNS,
    "list_api_keys": OWNS,
    "create_api_key": OWNS,
    "revoke_api_key": OWNS,
    "list_products": ANYBODY,
    "get_product": ANYBODY,
    "create_product": OPERATES,
    "add_variant": OPERATES,
    "change_variant": OPERATES,
    "list_creators": ANYBODY,
    "get_creator": ANYBODY,
    "create_creator": OPERATES,
    "change_creator": OPERATES,
    "import_creators_file": OPERATES,
    "erase_creator": OWNS,
    "get_erasure": ANYBODY,
    "list_evidence": WORKS,
    "list_campaigns": ANYBODY,
    "get_campaign": ANYBODY,
    "create_campaign": OPERATES,
    "change_campaign": OPERATES,
    "command_campaign": OPERATES,
    "invite_creators": OPERATES,
    "list_campaign_collaborations": ANYBODY,
    "list_collaborations": ANYBODY,
    "get_collaboration": ANYBODY,
    "list_events": ANYBODY,
    "get_gates": ANYBODY,
    "list_ledger_lines": ANYBODY,
    "list_payouts": ANYBODY,
    "list_notices": ANYBODY,
    "list_submissions": ANYBODY,
    "list_brand_payouts": ANYBODY,
    "get_payout": ANYBODY,
    "approve_payout": PAYS,
    "approve_payouts": PAYS,
    "refuse_payout": PAYS,
    "hold_payout": WORKS,
    "release_payout": PAYS,
    "override_gate": PAYS,
    "list_payment_documents": ANYBODY,
    "upload_payment_document": PAYS,
    "record_off_platform": PAYS,
    "approve_off_platform": PAYS,
    "refuse_off_platform": PAYS,
    "request_clawback": PAYS,
    "approve_clawback": PAYS,
    "refuse_clawback": PAYS,
    "settle_reversal": PAYS,
    "list_payout_runs": ANYBODY,
    "get_payout_run": ANYBODY,
    "list_yearly_totals": ANYBODY,
    "get_approval_rules": ANYBODY,
    "set_approval_rules": OWNS,
    "export_shipments": OPERATES,
    "list_shipments": ANYBODY,
    "add_tracking": OPERATES,
    "check_caption": ANYBODY,
    "list_checks": ANYBODY,
    "get_trial_balance": ANYBODY,
    "list_entries": ANYBODY,
    "get_balance": ANYBODY,
    "get_statement": ANYBODY,
    "list_periods": ANYBODY,
    "get_period": ANYBODY,
    "close_period": PAYS,
    "reopen_period": OWNS,
    "get_reconciliation": ANYBODY,
    "list_differences": ANYBODY,
    "get_difference": ANYBODY,
    "change_difference": PAYS,
    "settle_difference": PAYS,
    "ask_for_run": PAYS,
    "list_exports": ANYBODY,
    "export_payouts": WORKS,
    "export_ledger": WORKS,
    "export_statement": WORKS,
    "export_reconciliation": WORKS,
    "export_audit": WORKS,
    "export_journal": WORKS,
    "list_account_codes": ANYBODY,
    "set_account_codes": PAYS,
}
"""Operation (name of its function) to the roles that may call it. Commands: `COMMAND_ROLES`."""

COMMAND_ROLES: Final[dict[str, frozenset[Role]]] = {
    "settle_attempt": PAYS,
    "reassess": WORKS,
    "approve_payout": PAYS,
    "refuse_payout": PAYS,
    "hold_payout": WORKS,
    "release_payout": PAYS,
    "override_gate": PAYS,
    "record_off_platform": PAYS,
    "approve_off_platform": PAYS,
    "refuse_off_platform": PAYS,
    "request_clawback": PAYS,
    "approve_clawback": PAYS,
    "refuse_clawback": PAYS,
    "settle_reversal": PAYS,
    "settle_clawback": PAYS,
}
"""Commands on a collaboration that are not for owner and ops: money is finance's."""

USED_EVERY: Final = timedelta(minutes=1)
"""How exact `last_used_at` of a key is."""

T = TypeVar("T", bound=Table)


class Caller(BaseModel):
    """The API key that a call came with, or the person whose session it was."""

    model_config = ConfigDict(frozen=True)

    key_id: str
    brand_id: str
    role: Role
    member_id: str | None = None
    """The person, where one is signed in; a key is never one."""

    @property
    def actor(self) -> Actor:
        """The caller as the history names them."""
        return Actor(kind=ActorKind.BRAND, id=self.member_id or self.key_id)


def identify(sessions: sessionmaker[Session], settings: Settings, header: str | None) -> Caller:
    """Who this `Authorization` header is: an API key, or a member's session.

    Raises `Unauthorised`, the same for unknown and revoked keys, for ended sessions and for those of nobody.
    """
    scheme, _, secret = (header or "").partition(" ")
    if not header:
        raise Unauthorised("send an API key: Authorization: Bearer hs_...", code="no_key")
    if scheme.lower() == "session" and secret.strip():
        return _person(sessions, settings, secret.strip())
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorised("the Authorization header must read: Bearer hs_...", code="wrong_key")
    now = datetime.now(UTC)
    query = select(ApiKey).where(ApiKey.digest == digest_of(secret.strip()), ApiKey.revoked_at.is_(None))
    with sessions.begin() as session:
        key = session.scalar(query)
        if key is None:
            raise Unauthorised("this API key is not known or was revoked", code="wrong_key")
        if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
            session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
        return Caller(key_id=key.id, brand_id=key.brand_id, role=Role(key.role))


def _person(sessions: sessionmaker[Session], settings: Settings, secret: str) -> Caller:
    """The member of a live session; what they do under one Idempotency-Key counts once over all sessions."""
    with sessions.begin() as session:
        found = recognise(session, settings, secret, datetime.now(UTC))
        if found is None:
            raise Unauthorised("nobody is signed in by this session", code="wrong_key")
        member = found.member
        return Caller(key_id=member.id, brand_id=member.brand_id, role=Role(member.role), member_id=member.id)


def roles_of(operation: str) -> frozenset[Role]:
    """The roles that may call this operation."""
    if operation in ACCESS:
        return ACCESS[operation]
    if operation.startswith("command_"):
        return COMMAND_ROLES.get(operation.removeprefix("command_"), OPERATES)
    raise Defect(f"no role is declared for {operation}")


def allow(caller: Caller, operation: str) -> None:
    """Raise `Forbidden` unless the caller's role may do this."""
    roles = roles_of(operation)
    if caller.role not in roles:
        names = " or ".join(role.value for role in Role if role in roles)
        what = "a key of role" if caller.member_id is None else "the role"
        raise Forbidden(f"this needs {what} {names}; yours is {caller.role.value}")


def caller_of(request: Request) -> Caller:
    """Who calls, once `api.calls` has let them in."""
    caller: Caller = request.state.caller
    return caller


_OWNED: Final = (
    ApiKey,
    Campaign,
    Collaboration,
    Creator,
    Member,
    Payout,
    PayoutRunRow,
    Product,
    ReconciliationItem,
)


class OfBrand(Protocol):
    """Whoever acts for one brand: an API key, or a person who is signed in."""

    @property
    def brand_id(self) -> str:
        """The brand."""

    @property
    def role(self) -> Role:
        """What they may do for it."""


def own(session: Session, caller: OfBrand, kind: type[T], id_: str, *, lock: bool = False) -> T:
    """The caller's own thing of this id. Raises `NotFound`, also when it is another brand's."""
    if kind not in _OWNED:
        raise Defect(f"{kind.__name__} has no brand of its own")
    query = select(kind).where(kind.id == id_, kind.brand_id == caller.brand_id)  # type: ignore[attr-defined] # every table in _OWNED has both
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound(f"no such {_WORDS.get(kind, kind.__name__.lower())}")
    return found


_WORDS: Final[dict[type[Table], str]] = {
    ApiKey: "API key",
    PayoutRunRow: "payout run",
    ReconciliationItem: "difference",
}


def own_brand(session: Session, caller: OfBrand) -> Brand:
    """The caller's brand."""
    return session.get_one(Brand, caller.brand_id)
