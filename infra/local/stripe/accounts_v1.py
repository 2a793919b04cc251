"""Accounts v1: by controller properties or by type, with capabilities and bank accounts.

Stripe refuses `POST /v1/accounts` for new platforms until an operator allows it, so the simulator
does too: the switch `v1_accounts` is off unless it is turned on.
"""

from infra.local.stripe import account_views, accounts, bank_accounts, errors, events
from infra.local.stripe.account_params import CREATE_V1, UPDATE_V1, V1_CAPABILITIES
from infra.local.stripe.calls import Call, not_built, operation
from infra.local.stripe.lists import short_list, v1_list, within
from infra.local.stripe.params import (
    EXPAND,
    PAGE,
    boolean,
    merge_metadata,
    metadata,
    moment_range,
    must,
    one_of,
)
from infra.local.stripe.store import Filter, Json, Record, new_id

REFUSED = (
    "Creating accounts with POST /v1/accounts is not enabled for this platform. Use POST "
    "/v2/core/accounts instead, or turn on Accounts v1 support in the Dashboard."
)
VERIFIED_BIRTHS = ((1901, 1, 1), (1902, 1, 1))

not_built("POST", "/v1/account_sessions")
not_built("POST", "/v1/payouts/{id}/reverse")


@operation("GET", "/v1/account", EXPAND)
def retrieve_own_account(call: Call) -> Json:
    """Return the platform's own account, or the one of `Stripe-Account`."""
    if call.owner != call.platform:
        account = accounts.find(call, call.owner)
        if account is not None:
            return accounts.v1_view(call, account)
    banks = short_list(
        bank_accounts.of(call.store, call.platform),
        f"/v1/accounts/{call.platform}/external_accounts",
    )
    return account_views.platform_v1(call.platform, call.store.fact("created"), banks)


@operation("POST", "/v1/accounts", CREATE_V1)
def create_account(call: Call) -> Json:
    """Make an incomplete account, if the platform may still make v1 accounts."""
    given = call.params
    if call.store.fact("v1_accounts", "off") != "on":
        raise errors.Refusal(400, REFUSED, "feature_not_enabled")
    if "controller" in given and "type" in given:
        message = "You may only specify one of these parameters: type, controller."
        raise errors.invalid("type", message)
    style = _style(given)
    account = accounts.create(call, api="v1", country=given.get("country", "US"), **style)
    account.body["given"] = _given(given)
    _request(call, account.body, given)
    account.body["email"] = given.get("email")
    account.body["entity_type"] = given.get("business_type")
    account.body["metadata"] = merge_metadata({}, given)
    _meet_requirements(call, account)
    call.store.save(account)
    view = accounts.v1_view(call, account)
    events.record(call, "account.updated", view, owner=account.id)
    return view


def _style(given: Json) -> Json:
    """Return who collects, pays and loses, from `type` or from `controller`."""
    if "type" in given:
        dashboards = {"express": "express", "standard": "full", "custom": "none"}
        collector = "application" if given["type"] == "custom" else "stripe"
        own = given["type"] == "standard"
        return {
            "type": given["type"],
            "dashboard": dashboards[given["type"]],
            "collector": collector,
            "fees": "stripe" if own else "application",
            "losses": "stripe" if own else "application",
        }
    controller = given.get("controller") or {}
    payer = (controller.get("fees") or {}).get("payer", "account")
    return {
        "type": "none",
        "dashboard": (controller.get("stripe_dashboard") or {}).get("type", "full"),
        "collector": controller.get("requirement_collection", "stripe"),
        "fees": "stripe" if payer == "account" else payer,
        "losses": (controller.get("losses") or {}).get("payments", "stripe"),
    }


def _given(given: Json) -> Json:
    """Return what later decides requirements; names, numbers and addresses are not kept."""
    individual = given.get("individual") or {}
    kept: Json = {"individual": sorted(individual)}
    birth = individual.get("dob")
    if birth:
        verified = (birth.get("year"), birth.get("month"), birth.get("day")) in VERIFIED_BIRTHS
        kept["birth_verified"] = verified
    if "business_profile" in given:
        kept["business_profile"] = given["business_profile"] or {}
    return kept


def _request(call: Call, facts: Json, given: Json) -> None:
    requested = dict(facts["requested"])
    for name, answer in (given.get("capabilities") or {}).items():
        if answer and answer.get("requested"):
            requested.setdefault(name, call.now)
        elif answer:
            requested.pop(name, None)
    facts["requested"] = requested
    tos = given.get("tos_acceptance") or {}
    facts["tos_date"] = tos.get("date", facts["tos_date"])
    facts["service_agreement"] = tos.get("service_agreement", facts["service_agreement"])
    schedule = ((given.get("settings") or {}).get("payouts") or {}).get("schedule") or {}
    delay = schedule.get("delay_days", facts["schedule"]["delay_days"])
    interval = schedule.get("interval", facts["schedule"]["interval"])
    facts["schedule"] = {"delay_days": 2 if delay == "minimum" else int(delay), "interval": interval}
    if "external_account" in given:
        add_bank_account(call, facts, given["external_account"])


def add_bank_account(call: Call, facts: Json, wanted: Json | str) -> Record:
    """Store the bank account of a request; tokens and cards are not built."""
    if not isinstance(wanted, dict) or wanted.get("object") != "bank_account":
        shown = wanted if isinstance(wanted, str) else "card"
        raise errors.missing_object("token", shown, "external_account", began=True)
    for name in ("account_number", "country"):
        if not wanted.get(name):
            raise errors.missing_parameter(f"external_account[{name}]")
    currency = wanted.get("currency") or accounts.currency_of(wanted["country"].upper())
    return bank_accounts.add(
        call,
        facts["id"],
        number=wanted["account_number"],
        country=wanted["country"].upper(),
        currency=currency,
        routing=wanted.get("routing_number"),
    )


def _meet_requirements(call: Call, account: Record) -> None:
    """Where the platform collects requirements, drop what it has given; none left ends onboarding."""
    facts = account.body
    if facts["collector"] != "application" or facts["stage"] not in ("new", "pending"):
        return
    kept = facts["given"]
    met = {f"individual.{name}" for name in kept.get("individual", [])}
    if "birth_verified" in kept:
        met |= {f"individual.dob.{part}" for part in ("day", "month", "year")}
    if bank_accounts.of(call.store, account.id):
        met.add("external_account")
    if facts["tos_date"]:
        met |= {"tos_acceptance.date", "tos_acceptance.ip"}
    if kept.get("business_profile", {}).get("url"):
        met.add("business_profile.url")
    left = [need for need in accounts.V1_NEEDS if need not in met]
    facts["due"] = left
    if not left:
        verified = kept.get("birth_verified")
        facts["stage"] = "active" if verified else "pending"
        facts["verifying"] = [] if verified else [accounts.V1_DOCUMENT]
        facts["details_submitted"] = True


def _find(call: Call) -> Record:
    account = accounts.find(call, call.path["account"])
    if account is None:
        raise errors.unknown_account(call.path["account"])
    return account


@operation("GET", "/v1/accounts", {**PAGE, "created": moment_range()})
def list_accounts(call: Call) -> Json:
    """List connected accounts that are not closed."""
    filters = [Filter("closed", 0), *within(call, "created")]
    return v1_list(
        call, "account", "/v1/accounts", filters, lambda a: accounts.v1_view(call, a), call.platform
    )


@operation("GET", "/v1/accounts/{account}", EXPAND)
def retrieve_account(call: Call) -> Json:
    """Return one account."""
    if call.path["account"] == call.platform:
        return retrieve_own_account(call)
    return accounts.v1_view(call, _find(call))


@operation("POST", "/v1/accounts/{account}", UPDATE_V1)
def update_account(call: Call) -> Json:
    """Change an account."""
    account, given = _find(call), call.params
    change = accounts.Change(call, account)
    kept = _given(given)
    earlier = account.body["given"].get("individual", [])
    kept["individual"] = sorted({*earlier, *kept["individual"]})
    account.body["given"] = {**account.body["given"], **kept}
    _request(call, account.body, given)
    account.body["email"] = given.get("email", account.body["email"])
    account.body["entity_type"] = given.get("business_type", account.body["entity_type"])
    account.body["metadata"] = merge_metadata(account.body["metadata"], given)
    _meet_requirements(call, account)
    change.done()
    return accounts.v1_view(call, account)


@operation("DELETE", "/v1/accounts/{account}", {})
def delete_account(call: Call) -> Json:
    """Close an account that holds no money."""
    account = _find(call)
    accounts.close(call, account)
    events.record(
        call, "account.application.deauthorized",
        {"id": "ca_handsel", "object": "application", "name": "Handsel"}, owner=account.id,
    )  # fmt: skip
    return {"id": account.id, "object": "account", "deleted": True}


@operation(
    "POST",
    "/v1/accounts/{account}/reject",
    {
        **EXPAND,
        "payouts_action": one_of("none", "pause"),
        "reason": must(
            one_of(
                "credit", "fraud_no_intent_to_fulfill", "fraud_other",
                "fraud_payment_method_casher", "fraud_payment_method_tester", "other",
                "terms_of_service",
            )
        ),
    },
)  # fmt: skip
def reject_account(call: Call) -> Json:
    """Reject an account: it receives nothing more."""
    account, reason = _find(call), call.params["reason"]
    change = accounts.Change(call, account)
    word = "fraud" if reason.startswith("fraud") else reason
    account.body["stage"] = "rejected"
    allowed = ("fraud", "other", "terms_of_service")
    account.body["disabled_reason"] = f"rejected.{word if word in allowed else 'other'}"
    change.done()
    return accounts.v1_view(call, account)


@operation("POST", "/v1/accounts/{account}/login_links", EXPAND)
def create_login_link(call: Call) -> Json:
    """Make a link to the Express dashboard, which the simulator does not have."""
    account = _find(call)
    if account.body["dashboard"] != "express" or not account.body["details_submitted"]:
        message = f"Cannot create a login link for {account.id}: it has not completed onboarding."
        raise errors.refused(message)
    url = f"{call.base}/express/{account.id}/{new_id('l', 12)}"
    return {"object": "login_link", "created": call.now, "url": url}


@operation("GET", "/v1/accounts/{account}/capabilities", EXPAND)
def list_capabilities(call: Call) -> Json:
    """List the capabilities that were requested."""
    account = _find(call)
    names = sorted(n for n in account.body["requested"] if "." not in n)
    return {
        "object": "list",
        "data": [account_views.capability_v1(account.body, name) for name in names],
        "has_more": False,
        "url": f"/v1/accounts/{account.id}/capabilities",
    }


def _capability(call: Call) -> tuple[Record, str]:
    account, name = _find(call), call.path["capability"]
    if name not in V1_CAPABILITIES:
        raise errors.missing_object("capability", name, "capability")
    return account, name


@operation("GET", "/v1/accounts/{account}/capabilities/{capability}", EXPAND)
def retrieve_capability(call: Call) -> Json:
    """Return one capability."""
    account, name = _capability(call)
    return account_views.capability_v1(account.body, name)


@operation(
    "POST",
    "/v1/accounts/{account}/capabilities/{capability}",
    {**EXPAND, "requested": boolean()},
)
def update_capability(call: Call) -> Json:
    """Request or withdraw one capability."""
    account, name = _capability(call)
    change = accounts.Change(call, account)
    if "requested" in call.params:
        wanted = {"capabilities": {name: {"requested": call.params["requested"]}}}
        _request(call, account.body, wanted)
    change.done()
    return account_views.capability_v1(account.body, name)


@operation(
    "GET",
    "/v1/accounts/{account}/external_accounts",
    {**PAGE, "object": one_of("bank_account", "card")},
)
def list_external_accounts(call: Call) -> Json:
    """List an account's bank accounts; there are no cards."""
    account = _find(call)
    url = f"/v1/accounts/{account.id}/external_accounts"
    kind = call.params.get("object", "bank_account")
    return v1_list(call, kind, url, owner=account.id)


@operation(
    "POST",
    "/v1/accounts/{account}/external_accounts",
    {
        **EXPAND,
        "default_for_currency": boolean(),
        "external_account": must(CREATE_V1["external_account"]),
        "metadata": metadata(),
    },
)
def create_external_account(call: Call) -> Json:
    """Add a bank account; it replaces one that a failed payout disabled."""
    account = _find(call)
    change = accounts.Change(call, account)
    bank = add_bank_account(call, account.body, call.params["external_account"])
    bank.body["metadata"] = merge_metadata({}, call.params)
    call.store.save(bank)
    events.record(call, "account.external_account.created", bank.body, owner=account.id)
    _meet_requirements(call, account)
    change.done()
    return bank.body
