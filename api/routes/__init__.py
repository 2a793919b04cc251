"""The routes of /api/v1, one module a subject. What may be done by whom stands in `api/auth.py`."""

from fastapi import APIRouter

from api.routes import (
    approval_rules,
    brand,
    campaigns,
    collaborations,
    commands,
    creators,
    disclosure,
    erasures,
    exports,
    ledger,
    members,
    papers,
    payout_runs,
    payouts,
    periods,
    products,
    reconciliation,
    recovery,
    shipments,
    yearly,
)

ROUTERS: tuple[APIRouter, ...] = (
    brand.router,
    members.router,
    products.router,
    creators.router,
    campaigns.router,
    collaborations.router,
    papers.router,
    erasures.router,
    commands.router,
    payouts.router,
    payout_runs.router,
    recovery.router,
    yearly.router,
    approval_rules.router,
    shipments.router,
    disclosure.router,
    ledger.router,
    periods.router,
    reconciliation.router,
    exports.router,
)
