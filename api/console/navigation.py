"""The console's navigation: which pages there are, in which order, for whom.

A person sees the pages that their role may open, and nothing else. A new page adds its line here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from api.console.access import roles_of_page
from domain.roles import Role


class Item(NamedTuple):
    """One line of the navigation."""

    page: str
    """Name of the page in `api.console.access.PAGES`; its text is `nav.<page>`."""
    path: str


class Group(NamedTuple):
    """Lines that belong together; its text is `nav.group.<name>`."""

    name: str
    items: tuple[Item, ...]


NAVIGATION: Final[tuple[Group, ...]] = (
    Group(
        "work",
        (
            Item("home_page", "/console"),
            Item("reviews_page", "/console/reviews"),
            Item("disclosure_page", "/console/disclosure"),
        ),
    ),
    Group(
        "money",
        (
            Item("payouts_page", "/console/payouts"),
            Item("runs_page", "/console/runs"),
            Item("reconciliation_page", "/console/reconciliation"),
            Item("months_page", "/console/months"),
            Item("ledger_page", "/console/ledger"),
            Item("exports_page", "/console/exports"),
            Item("account_codes_page", "/console/account-codes"),
            Item("yearly_page", "/console/yearly-totals"),
            Item("approval_rules_page", "/console/approval-rules"),
        ),
    ),
    Group(
        "brand",
        (
            Item("people_page", "/console/people"),
            Item("keys_page", "/console/keys"),
            Item("brand_page", "/console/brand"),
            Item("sign_ins_page", "/console/sign-ins"),
        ),
    ),
    Group("you", (Item("sessions_page", "/console/sessions"),)),
)


def navigation_for(role: Role) -> list[Group]:
    """The groups and lines that this role may open."""
    groups = [
        Group(group.name, tuple(item for item in group.items if role in roles_of_page(item.page)))
        for group in NAVIGATION
    ]
    return [group for group in groups if group.items]


def here(path: str) -> str:
    """The path of the line that this page belongs to: the longest that it begins with."""
    paths = [item.path for group in NAVIGATION for item in group.items]
    fits = [one for one in paths if path == one or path.startswith(f"{one}/")]
    return max(fits, key=len, default="")
