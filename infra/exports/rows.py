"""The rows of every export, streamed from one snapshot of the database in a few thousand at a time.

Each row is a dictionary by column; amounts are minor units here. Scoped to one brand, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain.errors import Invalid, Refused
from domain.ledger import kind_of
from infra.books import statement
from infra.tables import AccountCode

_AT_ONCE: Final = 2000
_STATEMENT_PAGE: Final = 2000

Row = dict[str, Any]


class Scope(NamedTuple):
    """Whose rows, from which moment on, up to (not including) which, in which zone they are written."""

    brand_id: str
    since: datetime | None
    until: datetime | None
    zone: str
    account: str = ""


_QUERIES: Final = {
    "payouts": """
        SELECT p.id AS payout_id, p.collaboration_id, p.part, c.campaign_id, p.creator_id, p.state,
            p.currency, p.amount AS amount_minor, p.created_at, p.pay_by,
            (SELECT count(*) FROM payout_attempts t WHERE t.payout_id = p.id) AS attempts,
            a.stripe_transfer_id AS transfer_id, a.destination, a.finished_at AS sent_at, p.confirmed_at,
            p.kind, p.of_part, r.currency AS received_currency, r.amount AS received_amount_minor,
            r.exchange_rate
        FROM payouts p
        JOIN collaborations c ON c.id = p.collaboration_id
        LEFT JOIN payout_attempts a ON a.payout_id = p.id AND a.state = 'sent'
        LEFT JOIN transfer_receipts r ON r.transfer_id = a.stripe_transfer_id
        WHERE p.brand_id = :brand_id AND {window} ORDER BY p.created_at, p.id""",
    "ledger": """
        SELECT e.number, e.id AS entry_id, e.at, e.kind, e.key, e.collaboration_id, m.line, m.source,
            m.destination, m.currency, m.amount AS amount_minor, e.reason, e.actor, e.reverses_id
        FROM entries e JOIN movements m ON m.entry_id = e.id
        WHERE e.brand_id = :brand_id AND {window} ORDER BY e.at, e.number, m.line""",
    "reconciliation": """
        SELECT id AS difference_id, list, subject, currency, our_amount AS our_amount_minor,
            their_amount AS their_amount_minor, occurred_at, first_seen_at, state, owner, note, reason,
            ended_at, ended_by
        FROM reconciliation_items
        WHERE brand_id = :brand_id AND {window} ORDER BY occurred_at, id""",
    "audit": """
        SELECT l.sequence, coalesce(f.at, e.at) AS at,
            coalesce(f.subject_kind, 'collaboration') AS subject_kind,
            coalesce(f.subject_id, l.collaboration_id) AS subject_id, coalesce(f.event, e.name) AS event,
            coalesce(f.actor_kind, e.actor_kind) AS actor_kind, coalesce(f.actor_id, e.actor_id) AS actor_id,
            CAST(f.data AS text) AS data, l.digest, l.previous_hash, l.hash
        FROM audit_lines l
        LEFT JOIN audit_facts f ON f.id = l.fact_id
        LEFT JOIN events e ON e.collaboration_id = l.collaboration_id AND e.sequence = l.event_sequence
        WHERE l.brand_id = :brand_id AND {window} ORDER BY l.sequence""",
}
_CHOSEN_BY: Final = {
    "payouts": "p.created_at",
    "ledger": "e.at",
    "reconciliation": "occurred_at",
    "audit": "coalesce(f.at, e.at)",
}


def _select(session: Session, name: str, scope: Scope) -> Iterator[Row]:
    moment = _CHOSEN_BY[name]
    window = (
        f"(CAST(:since AS timestamptz) IS NULL OR {moment} >= :since) "
        f"AND (CAST(:until AS timestamptz) IS NULL OR {moment} < :until)"
    )
    values = {"brand_id": scope.brand_id, "since": scope.since, "until": scope.until}
    sql = text(_QUERIES[name].format(window=window))
    for row in session.execute(sql, values, execution_options={"yield_per": _AT_ONCE}).mappings():
        yield dict(row)


def _statement(session: Session, scope: Scope) -> Iterator[Row]:
    """Opening, lines, closing of one account."""
    if not scope.account:
        raise Invalid("name the account", field="account")
    after, page = None, None
    while page is None or page.more:
        page = statement(
            session,
            scope.brand_id,
            scope.account,
            since=scope.since,
            until=scope.until,
            after=after,
            limit=_STATEMENT_PAGE,
        )
        if after is None:
            yield _edge("opening", scope.since, page.currency, page.opening)
        for line in page.lines:
            yield {
                "number": line.number,
                "entry_id": line.entry_id,
                "at": line.at,
                "kind": line.kind,
                "others": " ".join(line.others),
                "collaboration_id": line.collaboration_id,
                "currency": page.currency,
                "amount_minor": line.amount,
                "balance_minor": line.balance,
                "reason": line.reason,
                "actor": line.actor,
            }
        after = page.lines[-1].entry_id if page.lines else after
    yield _edge("closing", scope.until, page.currency, page.closing)


def _edge(kind: str, at: datetime | None, currency: str, balance: int) -> Row:
    return {"kind": kind, "at": at, "currency": currency, "balance_minor": balance}


# --- the journal ------------------------------------------------------------------------------------


class Codes:
    """The brand's own codes, by kind of account; the world may have one for each kind of entry."""

    def __init__(self, session: Session, brand_id: str) -> None:
        rows = session.scalars(select(AccountCode).where(AccountCode.brand_id == brand_id))
        self._codes = {row.account: (row.code, row.name) for row in rows}

    def of(self, account: str, entry_kind: str) -> tuple[str, str] | None:
        """Code and name, or None when the brand gave none."""
        kind = kind_of(account)
        return self._codes.get(f"{kind}/{entry_kind}") or self._codes.get(kind)


_USED: Final = text("""
    SELECT DISTINCT e.kind, split_part(s.name, ':', 1) AS head, split_part(s.name, ':', 3) AS tail
    FROM entries e JOIN movements m ON m.entry_id = e.id
    CROSS JOIN LATERAL (VALUES (m.source), (m.destination)) AS s(name)
    WHERE e.brand_id = :brand_id AND (CAST(:since AS timestamptz) IS NULL OR e.at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR e.at < :until)
""")


def _journal(session: Session, scope: Scope) -> Iterator[Row]:
    """Two lines for each movement: the account that takes is debited, the one that gives is credited."""
    codes = Codes(session, scope.brand_id)
    _require_codes(session, scope, codes)
    zone = ZoneInfo(scope.zone)
    number, place = 0, 0
    for row in _select(session, "ledger", scope):
        place = place if row["number"] == number else 0
        number = row["number"]
        for side, account in (("debit", row["destination"]), ("credit", row["source"])):
            place += 1
            code, name = codes.of(account, row["kind"]) or ("", "")
            yield {
                "number": number,
                "day": row["at"].astimezone(zone).date(),
                "line": place,
                "account_code": code,
                "account_name": name,
                "currency": row["currency"],
                f"{side}_minor": row["amount_minor"],
                "kind": row["kind"],
                "entry_id": row["entry_id"],
                "ledger_account": account,
                "collaboration_id": row["collaboration_id"],
                "reason": row["reason"],
            }


def _require_codes(session: Session, scope: Scope, codes: Codes) -> None:
    """Raise `Refused`, naming every account without a code, before a line is written."""
    values = {"brand_id": scope.brand_id, "since": scope.since, "until": scope.until}
    missing = set()
    for row in session.execute(_USED, values):
        # A kind of account is named by an account of it: an id that nobody has stands in between.
        account = f"{row.head}::{row.tail}" if row.head != "world" else "world:"
        if codes.of(account, row.kind) is None:
            missing.add(kind_of(account))
    if missing:
        names = ", ".join(sorted(missing))
        raise Refused(f"no account code for: {names}", code="account_code_missing", field="account")


Rows = Callable[[Session, Scope], Iterator[Row]]


def _selected(name: str) -> Rows:
    return lambda session, scope: _select(session, name, scope)


ROWS: Final[dict[str, Rows]] = {
    **{name: _selected(name) for name in _QUERIES},
    "statement": _statement,
    "journal": _journal,
}
"""Export to the function that gives its rows."""
