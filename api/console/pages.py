"""The routers of all pages of the console, in the order in which they are tried."""

from __future__ import annotations

from fastapi import APIRouter

from api.console import (
    account_codes,
    approval_rules,
    books,
    brand,
    bundles,
    captions,
    collaboration,
    differences,
    documents,
    door,
    home,
    joining,
    keys,
    months,
    own_sessions,
    payout,
    payouts,
    people,
    recovery,
    reviews,
    runs,
    setting_up,
    yearly,
)
from api.console.route import console_router
from domain.errors import NotFound

_last = console_router()


@_last.get("/{rest:path}")
def nothing_here() -> None:
    """Every address under /console that is none."""
    raise NotFound("there is nothing at this address")


ROUTERS: tuple[APIRouter, ...] = (
    door.router,
    joining.router,
    setting_up.router,
    home.router,
    reviews.router,
    captions.router,
    payouts.router,
    payout.router,
    runs.router,
    recovery.router,
    bundles.router,
    documents.router,
    collaboration.router,
    differences.router,
    months.router,
    books.router,
    account_codes.router,
    yearly.router,
    approval_rules.router,
    people.router,
    keys.router,
    brand.router,
    own_sessions.router,
    _last,
)
