"""Onboarding links of v1 and v2: they live minutes and work once.

What a link opens is in `onboarding_page.py`.
"""

from urllib.parse import urlsplit

from infra.local.stripe import accounts, errors, events
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.params import EXPAND, group, must, one_of, text
from infra.local.stripe.store import Json, Record, new_id

V1_SECONDS, V2_SECONDS = 300, 600
_COLLECTION = {
    "fields": one_of("currently_due", "eventually_due"),
    "future_requirements": one_of("include", "omit"),
}


def _new_link(call: Call, account: Record, urls: dict[str, str], seconds: int) -> tuple[str, float]:
    for param, url in urls.items():
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise errors.invalid(param, f"Not a valid URL: {url}", "url_invalid")
    token = new_id("link", 32).removeprefix("link_")
    expires = call.store.clock() + seconds
    call.store.execute(
        "INSERT INTO links (token, account, return_url, refresh_url, expires) VALUES (?,?,?,?,?)",
        (token, account.id, urls.get("return_url", ""), urls["refresh_url"], expires),
    )
    return f"{call.base}/setup/e/{account.id}/{token}", expires


def _account(call: Call, account_id: str) -> Record:
    account = accounts.find(call, account_id)
    if account is None or account.body["closed"]:
        raise errors.missing_object("account", account_id, "account", began=True)
    return account


@operation(
    "POST",
    "/v1/account_links",
    {
        **EXPAND,
        "account": must(text()),
        "collect": one_of("currently_due", "eventually_due"),
        "collection_options": group(_COLLECTION),
        "refresh_url": text(),
        "return_url": text(),
        "type": must(one_of("account_onboarding", "account_update")),
    },
)
def create_link_v1(call: Call) -> Json:
    """Make a link that lives five minutes."""
    given = call.params
    account = _account(call, given["account"])
    for name in ("refresh_url", "return_url"):
        if not given.get(name):
            raise errors.missing_parameter(name)
    if given["type"] == "account_update" and account.body["collector"] == "stripe":
        message = (
            "You cannot create `account_update` type Account Links for accounts where Stripe "
            "collects requirements."
        )
        raise errors.refused(message, param="type")
    urls = {"return_url": given["return_url"], "refresh_url": given["refresh_url"]}
    url, expires = _new_link(call, account, urls, V1_SECONDS)
    return {
        "object": "account_link",
        "created": call.now,
        "expires_at": int(expires),
        "url": url,
    }


_USE = group(
    {
        "collection_options": group(_COLLECTION),
        "refresh_url": must(text()),
        "return_url": text(),
    }
)


@operation(
    "POST",
    "/v2/core/account_links",
    {
        "account": must(text()),
        "use_case": must(
            group(
                {
                    "type": must(one_of("account_onboarding", "account_update")),
                    "account_onboarding": _USE,
                    "account_update": _USE,
                }
            )
        ),
    },
)
def create_link_v2(call: Call) -> Json:
    """Make a link that lives ten minutes; the answer repeats account and use case."""
    account = _account(call, call.params["account"])
    use = call.params["use_case"]
    kind = use["type"]
    flow = use.get(kind)
    if flow is None:
        raise errors.missing_parameter(f"use_case[{kind}]")
    urls = {"refresh_url": flow["refresh_url"]}
    if flow.get("return_url"):
        urls["return_url"] = flow["return_url"]
    url, expires = _new_link(call, account, urls, V2_SECONDS)
    options = flow.get("collection_options") or {}
    shown = {
        "collection_options": {
            "fields": options.get("fields", "currently_due"),
            "future_requirements": options.get("future_requirements", "omit"),
        },
        "refresh_url": flow["refresh_url"],
        "return_url": flow.get("return_url"),
    }
    return {
        "object": "v2.core.account_link",
        "account": account.id,
        "created": events.iso(call.store.clock()),
        "expires_at": events.iso(expires),
        "livemode": False,
        "url": url,
        "use_case": {"type": kind, kind: shown},
    }
