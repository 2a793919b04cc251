"""`handsel ledger check` names the row: one of each sort is corrupted, as the owner of the tables could."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from activities.parcel_costs import tell_cost
from activities.periods import close_period
from domain.decisions.fulfilment import current_shipment
from domain.ledger import payout_id
from domain.money import Money
from infra.ledger_check import NAMES, check
from infra.tables import Shipment, StripeCursor
from tests.records.finance import person
from tests.records.office import BRAND, Office

GUARDED = ("entries", "movements", "events")

CORRUPTED = {
    "trial_balance": ("UPDATE accounts SET balance = balance + 1 WHERE name = '{budget}'", "USD"),
    "balance_is_sum": ("UPDATE accounts SET balance = balance + 1 WHERE name = '{budget}'", "{budget}"),
    "covered": (
        "UPDATE accounts SET balance = -1, may_go_negative = true WHERE name = '{budget}'",
        "{budget}",
    ),
    "one_currency": ("UPDATE accounts SET currency = 'EUR' WHERE name = '{budget}'", "{held_entry}"),
    "entry_has_lines": ("DELETE FROM movements WHERE entry_id = '{held_entry}'", "held/{of}"),
    "sent_once": ("UPDATE payout_attempts SET stripe_transfer_id = 'tr_other'", "{payout}"),
    "one_attempt_under_way": ("UPDATE payout_attempts SET state = 'unknown'", "{payout}"),
    "in_transit": ("UPDATE payouts SET state = 'sending'", "{payout}"),
    "owed": ("UPDATE payouts SET state = 'ready'", "creator:{creator}:owed:USD"),
    "stock": ("UPDATE variants SET reserved = reserved + 1", "{variant}"),
    "free_goods": ("UPDATE variants SET cost_amount = cost_amount + 1", "{variant}"),
    "goods": ("UPDATE shipments SET state = 'lost'", "creator:{creator}:gifts:USD"),
    "parcel_costs": ("UPDATE shipment_costs SET amount = amount + 1", "shipment:{parcel}:freight:USD"),
    "stripe_fees": (
        "INSERT INTO stripe_movements VALUES ('txn_1', 'stripe_fee', 'fee', -5, 0, -5, 'USD', 'fee_1', '', "
        "'available', now(), now(), now(), 'fee', now())",
        "txn_1",
    ),
    "reversal_mirrors": (
        "UPDATE entries SET reverses_id = '{held_entry}' WHERE kind = 'attempt_sent'",
        "sent/{payout}/1",
    ),
    "own_brand": ("UPDATE entries SET brand_id = 'brand_other' WHERE kind = 'fee_held'", "held/{of}"),
    "attempt_amount": (
        "ALTER TABLE payout_attempts DROP CONSTRAINT released_by_report;"
        "UPDATE payout_attempts SET amount = amount - 1",
        "{payout}/1",
    ),
    "state_is_row": ("UPDATE collaborations SET attention = 'ship_late'", "{of}"),
    "held": ("UPDATE accounts SET balance = 5 WHERE name = 'collaboration:{of}:held'", "{of}"),
    "entry_content": (
        "UPDATE entries SET reason = 'tr_forged' WHERE kind = 'attempt_sent'",
        "sent/{payout}/1",
    ),
    "period_frozen": (
        "UPDATE entries SET at = at + interval '1 year' WHERE kind = 'fee_earned'",
        "{brand}/2026-03",
    ),
    "chain": ("UPDATE events SET data = '{{}}' WHERE sequence = 1", "{of}"),
}
"""Rule to what is done to the rows, and the subject that the check must name."""


def test_every_rule_is_tried() -> None:
    assert set(CORRUPTED) == set(NAMES)


@pytest.mark.parametrize("rule", NAMES)
def test_a_corrupt_row_is_named(rule: str, office: Office, owner: Engine) -> None:
    office.open(cost=1450)
    of = office.sent()
    parcel = current_shipment(office.state(of))
    with office.sessions.begin() as session:
        row = session.get_one(Shipment, parcel)
        tell_cost(session, row, "freight", Money(amount=640, currency="USD"), actor=BRAND, at=office.clock)
        april = office.clock + timedelta(days=40)
        session.add(StripeCursor(name="balance_transactions", complete_at=april))
        session.flush()
        close_period(session, office.brand_id, "2026-03", person(office), april)
    with office.sessions() as session:
        assert check(session) == []
        held = session.scalar(text("SELECT id FROM entries WHERE kind = 'fee_held'"))
    names = {
        "of": of,
        "brand": office.brand_id,
        "payout": payout_id(of),
        "parcel": parcel,
        "variant": office.variant_id,
        "creator": office.state(of).creator_id,
        "budget": f"campaign:{office.campaign_id}:budget",
        "held_entry": held,
    }
    statement, subject = (part.format(**names) for part in CORRUPTED[rule])
    with owner.begin() as connection:
        for table in GUARDED:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
        connection.execute(text(statement))
    with office.sessions() as session:
        found = {(problem.rule, problem.subject) for problem in check(session)}
    assert (rule, subject) in found
