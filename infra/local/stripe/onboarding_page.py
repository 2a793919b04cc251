"""The page of an account link: it stands for Stripe's hosted onboarding.

Opening the page uses the link up; used or expired, it sends the browser to `refresh_url`. The form
says how onboarding ends, then the browser goes to `return_url`. A script may POST the form to a
fresh link without opening it first.
"""

import html
import secrets
from dataclasses import dataclass
from string import Template
from urllib.parse import parse_qs

from infra.local.stripe import accounts, bank_accounts, events
from infra.local.stripe.calls import Call

LABELS = {
    "active": "Everything is in order",
    "due": "A document is still missing",
    "pending": "Stripe is still checking",
    "rejected": "Stripe rejects the account",
}
PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Set up payments (test)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><style>
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}
fieldset{border:1px solid #888;border-radius:.5rem;margin:1rem 0}label{display:block;padding:.25rem}
button{font:inherit;padding:.5rem 1.25rem}</style></head><body>
<h1>Set up payments</h1>
<p>This page plays the part of Stripe's onboarding for the test account <code>$account</code>.
Nothing here is real, and no personal details are needed.</p>
<form method="post"><input type="hidden" name="visit" value="$visit">
<fieldset><legend>How does onboarding end?</legend>$choices</fieldset>
<label>Bank account number (test) <input name="account_number" value="$number"></label>
<p><button type="submit">Finish</button></p></form></body></html>
""")
DONE = "<!doctype html><title>Done</title><p>Onboarding is done. You can close this page.</p>"


@dataclass(frozen=True)
class Shown:
    """What the browser gets: a page, or an address to go to."""

    status: int
    page: str = ""
    location: str = ""


def _link(call: Call, account_id: str, token: str) -> tuple[str, str, bool, str | None] | None:
    rows = call.store.rows(
        "SELECT return_url, refresh_url, expires, used, visit FROM links WHERE token = ? AND account = ?",
        (token, account_id),
    )
    if not rows:
        return None
    return_url, refresh_url, expires, used, visit = rows[0]
    fresh = not used and call.store.clock() < float(expires)
    return return_url, refresh_url, fresh, visit


def open_page(call: Call, account_id: str, token: str) -> Shown:
    """Use a link up and show its form; a stale one goes to `refresh_url`."""
    link = _link(call, account_id, token)
    if link is None:
        return Shown(404, "<!doctype html><title>Not found</title><p>This link is not valid.</p>")
    _, refresh_url, fresh, _ = link
    if not fresh:
        return Shown(303, location=refresh_url)
    visit = secrets.token_urlsafe(24)
    call.store.execute("UPDATE links SET used = 1, visit = ? WHERE token = ?", (visit, token))
    choices = "".join(
        f'<label><input type="radio" name="outcome" value="{value}"'
        f"{' checked' if value == 'active' else ''}> {label}</label>"
        for value, label in LABELS.items()
    )
    page = PAGE.substitute(
        account=html.escape(account_id),
        visit=visit,
        choices=choices,
        number=bank_accounts.GOOD_NUMBER,
    )
    return Shown(200, page)


def finish(call: Call, account_id: str, token: str, form: str) -> Shown:
    """Let onboarding end as the form says and send the browser to `return_url`."""
    link = _link(call, account_id, token)
    account = accounts.find(call, account_id)
    if link is None or account is None:
        return Shown(404, "<!doctype html><title>Not found</title><p>This link is not valid.</p>")
    return_url, refresh_url, fresh, visit = link
    given = {k: v[-1] for k, v in parse_qs(form).items()}
    outcome = given.get("outcome", "active")
    if outcome not in accounts.OUTCOMES:
        return Shown(400, "<!doctype html><title>Unknown</title><p>Choose one of the outcomes.</p>")
    opened = visit is not None and secrets.compare_digest(given.get("visit", ""), visit)
    if not fresh and not opened:
        return Shown(303, location=refresh_url)
    call.store.execute("UPDATE links SET used = 1, visit = NULL WHERE token = ?", (token,))
    accounts.onboard(call, account, outcome, given.get("account_number"))
    if account.body["api"] == "v2":
        data = {
            "account_id": account.id,
            "configurations": account.body["configurations"],
            "use_case": "account_onboarding",
        }
        events.record_thin(call, "v2.core.account_link.returned", None, data)
    return Shown(303, location=return_url) if return_url else Shown(200, DONE)
