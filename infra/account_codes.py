"""The codes under which a brand's accounting keeps its ledger accounts; set from the API and the console.

Files that were made before a code changed stay as they are.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain.ledger import actor_text
from domain.roles import Actor
from infra.audit.append import append_audit
from infra.tables import AccountCode


def codes_of(session: Session, brand_id: str) -> dict[str, AccountCode]:
    """Kind of account (or `world/<kind of entry>`) to its code; kinds without one are missing."""
    rows = session.scalars(select(AccountCode).where(AccountCode.brand_id == brand_id))
    return {row.account: row for row in rows}


def set_code(
    session: Session, brand_id: str, account: str, code: str, name: str, by: Actor, now: datetime
) -> None:
    """Give one kind of account a code and a name; an empty code takes it away."""
    if code:
        session.merge(
            AccountCode(
                brand_id=brand_id,
                account=account,
                code=code,
                name=name,
                changed_at=now,
                changed_by=actor_text(by),
            )
        )
    else:
        session.execute(
            delete(AccountCode).where(AccountCode.brand_id == brand_id, AccountCode.account == account)
        )
    data = {"account": account, "code": code}
    subject = account.replace("/", ".")
    append_audit(session, brand_id, "account_code", subject, "account_code_set", by, now, data)
