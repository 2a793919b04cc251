"""The rules that the books must keep, as queries: each gives (subject, message) of what breaks it.

`infra.ledger_check` runs them. A query only reads, and names the row that a person has to look at.
"""

from __future__ import annotations

from typing import Final

from domain.goods import PLACE_OF, Place


def _states(*places: Place) -> str:
    return ", ".join(f"'{state}'" for state, place in PLACE_OF.items() if place in places)


GOODS: Final = {
    "free_goods": """
        SELECT v.id, 'the free pieces cost ' || (v.stock - v.reserved) * v.cost_amount
            || ', the books say ' || coalesce(a.balance, 0)
        FROM variants v
        JOIN products p ON p.id = v.product_id
        JOIN brands b ON b.id = p.brand_id
        LEFT JOIN accounts a ON a.name = 'variant:' || v.id || ':stock:' || b.currency
        WHERE coalesce(a.balance, 0) <> (v.stock - v.reserved) * v.cost_amount""",
    # A parcel that came back and was sent anew has handed its piece on to the newer one.
    "goods": f"""
        SELECT coalesce(a.name, p.name), 'the books say ' || coalesce(a.balance, 0) || ', the parcels '
            || coalesce(p.total, 0)
        FROM (
            SELECT name, balance FROM accounts
            WHERE name LIKE 'collaboration:%:goods:%' OR name LIKE 'collaboration:%:lost:%'
                OR name LIKE 'shipment:%:under_way:%' OR name LIKE 'creator:%:gifts:%'
        ) a
        FULL JOIN (
            SELECT CASE
                    WHEN state IN ({_states(Place.UNDER_WAY)}) THEN 'shipment:' || id || ':under_way:'
                    WHEN state IN ({_states(Place.GIVEN)}) THEN 'creator:' || creator_id || ':gifts:'
                    WHEN state IN ({_states(Place.LOST)})
                        THEN 'collaboration:' || collaboration_id || ':lost:'
                    ELSE 'collaboration:' || collaboration_id || ':goods:'
                END || cost_currency AS name, sum(cost_amount) AS total
            FROM shipments s
            WHERE state NOT IN ({_states(Place.STOCK)}) AND NOT (state = 'returned' AND EXISTS (
                SELECT FROM shipments newer
                WHERE newer.collaboration_id = s.collaboration_id AND newer.number > s.number
            ))
            GROUP BY 1
        ) p ON p.name = a.name
        WHERE coalesce(a.balance, 0) <> coalesce(p.total, 0)""",  # noqa: S608 - states of the table in code
    "parcel_costs": """
        SELECT coalesce(a.name, c.name), 'the books say ' || coalesce(a.balance, 0) || ', the parcel '
            || coalesce(c.amount, 0)
        FROM (
            SELECT name, balance FROM accounts
            WHERE name LIKE 'shipment:%:freight:%' OR name LIKE 'shipment:%:duty:%'
        ) a
        FULL JOIN (
            SELECT 'shipment:' || shipment_id || ':' || sort || ':' || currency AS name, amount
            FROM shipment_costs
        ) c ON c.name = a.name
        WHERE coalesce(a.balance, 0) <> coalesce(c.amount, 0)""",
}
"""Goods at cost, freight and duty stand where the parcels say."""

STRIPE: Final = {
    "stripe_fees": """
        SELECT m.id, 'Stripe charged ' || m.fee || ', the books say ' || coalesce(l.amount, 0)
        FROM stripe_movements m
        LEFT JOIN entries e ON e.key = 'stripe_fee/' || m.id
        LEFT JOIN movements l ON l.entry_id = e.id
        WHERE m.matched_at IS NOT NULL AND EXISTS (SELECT FROM brands)
            AND coalesce(l.amount, 0) <> m.fee - CASE WHEN m.matched_to = 'fee' THEN m.amount ELSE 0 END""",
}
"""What Stripe charged stands in the books."""

ENTRIES: Final = {
    "reversal_mirrors": """
        SELECT e.key, 'it does not take back ' || o.key || ' line by line'
        FROM entries e JOIN entries o ON o.id = e.reverses_id
        WHERE EXISTS (
            (SELECT source, destination, currency, amount FROM movements WHERE entry_id = e.id
            EXCEPT ALL
            SELECT destination, source, currency, amount FROM movements WHERE entry_id = o.id)
            UNION ALL
            (SELECT destination, source, currency, amount FROM movements WHERE entry_id = o.id
            EXCEPT ALL
            SELECT source, destination, currency, amount FROM movements WHERE entry_id = e.id)
        )""",
    "own_brand": """
        SELECT e.key, 'the entry is of ' || e.brand_id || ', its collaboration of ' || c.brand_id
        FROM entries e JOIN collaborations c ON c.id = e.collaboration_id
        WHERE c.brand_id <> e.brand_id""",
    "attempt_amount": """
        SELECT a.payout_id || '/' || a.number, 'the attempt is over ' || a.amount || ' ' || a.currency
            || ', its entry over ' || coalesce(m.amount || ' ' || m.currency, 'nothing')
            || ', its payout over ' || p.amount || ' ' || p.currency
        FROM payout_attempts a
        JOIN payouts p ON p.id = a.payout_id
        LEFT JOIN entries e ON e.key = 'opened/' || a.payout_id || '/' || a.number
        LEFT JOIN movements m ON m.entry_id = e.id
        WHERE m.amount IS DISTINCT FROM a.amount OR m.currency IS DISTINCT FROM a.currency
            OR (a.state <> 'refused' AND (p.amount, p.currency) <> (a.amount, a.currency))""",
}
"""What every entry must keep, whatever it is about."""
