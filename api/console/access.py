"""Every page of the console and who may open it, in one table: the name of a route's function to its roles.

A page that stands in neither table cannot be opened. What a role may see and not do is a page that the role
may open, with forms that it may not send.
"""

from __future__ import annotations

from typing import Final

from api.auth import ANYBODY, OPERATES, OWNS, PAYS, WORKS
from domain.errors import Defect
from domain.roles import Role

DOORS: Final = frozenset(
    {
        "sign_in_page",
        "ask_for_code",
        "code_page",
        "enter_code",
        "link_page",
        "enter_by_link",
        "join_page",
        "join_brand",
        "setup_page",
        "set_up_brand",
    }
)
"""Pages that ask nobody who they are."""

PAGES: Final[dict[str, frozenset[Role]]] = {
    "home_page": ANYBODY,
    "sign_out": ANYBODY,
    "brands_page": ANYBODY,
    "switch_brand": ANYBODY,
    "sessions_page": ANYBODY,
    "end_own_session": ANYBODY,
    "end_other_sessions": ANYBODY,
    "sign_ins_page": ANYBODY,
    "people_page": ANYBODY,
    "person_page": ANYBODY,
    "invite_person": OWNS,
    "revoke_invitation": OWNS,
    "change_role": OWNS,
    "remove_person": OWNS,
    "end_sessions_of_person": OWNS,
    "keys_page": OWNS,
    "make_api_key": OWNS,
    "revoke_api_key_here": OWNS,
    "brand_page": ANYBODY,
    "change_brand_here": OWNS,
    "disclosure_page": ANYBODY,
    "check_caption_here": ANYBODY,
    "reviews_page": ANYBODY,
    "review_page": ANYBODY,
    "accept_post_here": OPERATES,
    "reject_post_here": OPERATES,
    "settle_finding_here": OPERATES,
    "recheck_post_here": OPERATES,
    "payouts_page": ANYBODY,
    "approve_payouts_here": PAYS,
    "runs_page": ANYBODY,
    "run_page": ANYBODY,
    "payout_page": ANYBODY,
    "approve_payout_here": PAYS,
    "refuse_payout_here": PAYS,
    "hold_payout_here": WORKS,
    "release_payout_here": PAYS,
    "override_gate_here": PAYS,
    "reassess_payout_here": WORKS,
    "settle_attempt_here": PAYS,
    "ask_clawback_here": PAYS,
    "approve_clawback_here": PAYS,
    "refuse_clawback_here": PAYS,
    "report_elsewhere_here": PAYS,
    "approve_elsewhere_here": PAYS,
    "refuse_elsewhere_here": PAYS,
    "settle_reversal_here": PAYS,
    "document_file": PAYS,
    "build_bundle_here": WORKS,
    "bundle_file": ANYBODY,
    "collaboration_page": ANYBODY,
    "reconciliation_page": ANYBODY,
    "compare_now_here": PAYS,
    "difference_page": ANYBODY,
    "take_difference_here": PAYS,
    "settle_difference_here": PAYS,
    "months_page": ANYBODY,
    "month_page": ANYBODY,
    "close_month_here": PAYS,
    "reopen_month_here": OWNS,
    "ledger_page": ANYBODY,
    "account_page": ANYBODY,
    "exports_page": ANYBODY,
    "export_file_here": WORKS,
    "account_codes_page": ANYBODY,
    "set_codes_here": PAYS,
    "yearly_page": ANYBODY,
    "approval_rules_page": ANYBODY,
    "set_rules_here": OWNS,
    "nothing_here": ANYBODY,
}
"""Page (name of its function) to the roles that may open or send it."""


def roles_of_page(name: str) -> frozenset[Role]:
    """The roles that may open this page. Raises `Defect` for one that has no row."""
    if name not in PAGES:
        raise Defect(f"no role is declared for the page {name}")
    return PAGES[name]


def names_of(roles: frozenset[Role]) -> str:
    """Roles in words: owner or finance."""
    return " or ".join(role.value for role in Role if role in roles)
