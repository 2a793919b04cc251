"""Accounts v2: recipients, and the thin events that report them.

What an answer shows of configuration, identity, defaults and requirements depends on `include`
alone.
"""

from infra.local.stripe import accounts, errors
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import v2_list
from infra.local.stripe.params import (
    Field,
    Spec,
    anything,
    boolean,
    currency,
    group,
    integer,
    items,
    merge_metadata,
    metadata,
    must,
    one_of,
    text,
)
from infra.local.stripe.store import Json, Record

INCLUDE = items(
    one_of(
        "configuration.customer", "configuration.merchant", "configuration.recipient", "defaults",
        "future_requirements", "identity", "requirements",
    )
)  # fmt: skip
RAILS = ("ach", "fedwire", "fps", "local", "rtp", "sepa", "swift")
_REQUESTED = group({"requested": must(boolean())})
_CAPABILITIES = group(
    {
        "bank_accounts": group(dict.fromkeys(RAILS, _REQUESTED)),
        "cards": _REQUESTED,
        "stripe_balance": group({"stripe_transfers": _REQUESTED}),
    }
)
_DEFAULTS = group(
    {
        "currency": currency(),
        "locales": items(text()),
        "profile": group(dict.fromkeys(("business_url", "doing_business_as", "product_description"), text())),
        "responsibilities": group(
            {
                "fees_collector": must(
                    one_of("application", "application_custom", "application_express", "stripe")
                ),
                "losses_collector": must(one_of("application", "stripe")),
            }
        ),
    }
)
_INDIVIDUAL = group(
    {
        **dict.fromkeys(
            ("additional_addresses", "additional_names", "address", "documents", "id_numbers",
             "nationalities", "relationship", "script_addresses", "script_names"), anything()
        ),
        **dict.fromkeys(("email", "given_name", "phone", "surname"), text()),
        "date_of_birth": group(
            {"day": must(integer()), "month": must(integer()), "year": must(integer())}
        ),
        "legal_gender": one_of("female", "male"),
        "metadata": metadata(),
        "political_exposure": one_of("existing", "none"),
    }
)  # fmt: skip
_IDENTITY = group(
    {
        "attestations": anything(),
        "business_details": anything(),
        "country": text(2),
        "entity_type": one_of("company", "government_entity", "individual", "non_profit"),
        "individual": _INDIVIDUAL,
    }
)


def _spec(recipient: Spec) -> dict[str, Field]:
    return {
        "account_token": text(),
        "configuration": group(
            {"customer": anything(), "merchant": anything(), "recipient": group(recipient)}
        ),
        "contact_email": text(800),
        "contact_phone": text(),
        "dashboard": one_of("express", "full", "none"),
        "defaults": _DEFAULTS,
        "display_name": text(),
        "identity": _IDENTITY,
        "include": INCLUDE,
        "metadata": metadata(),
    }


@operation("POST", "/v2/core/accounts", _spec({"capabilities": _CAPABILITIES}))
def create_account(call: Call) -> Json:
    """Make an incomplete account; `identity.country` decides its currency."""
    given = call.params
    identity = given.get("identity") or {}
    if not identity.get("country") and given.get("configuration"):
        raise errors.missing_parameter("identity.country")
    if "recipient" in (given.get("configuration") or {}) and "dashboard" not in given:
        raise errors.missing_parameter("dashboard")
    account = accounts.create(call, api="v2", country=identity.get("country") or "US")
    _apply(call, account.body)
    call.store.save(account)
    accounts.thin(call, account, "v2.core.account.created")
    return accounts.v2_view(account, given.get("include", []))


def _apply(call: Call, facts: Json) -> None:
    """Write the parameters of a create or an update into an account's facts."""
    given = call.params
    names = {"contact_email": "email", "contact_phone": "phone"}
    for name in ("contact_email", "contact_phone", "dashboard", "display_name"):
        if name in given:
            facts[names.get(name, name)] = given[name]
    facts["metadata"] = merge_metadata(facts["metadata"], given)
    defaults = given.get("defaults") or {}
    duties = defaults.get("responsibilities") or {}
    facts["fees"] = duties.get("fees_collector", facts["fees"])
    facts["losses"] = duties.get("losses_collector", facts["losses"])
    facts["default_currency"] = defaults.get("currency", facts["default_currency"])
    kept = {k: defaults[k] for k in ("locales", "profile") if k in defaults}
    facts["given"] = {**facts["given"], **kept}
    identity = given.get("identity") or {}
    facts["entity_type"] = identity.get("entity_type", facts["entity_type"])
    for name, wanted in (given.get("configuration") or {}).items():
        _configure(call, facts, name, wanted or {})


def _configure(call: Call, facts: Json, name: str, wanted: Json) -> None:
    if wanted.get("applied") is False:
        facts["configurations"] = [c for c in facts["configurations"] if c != name]
        if name == "recipient":
            facts["requested"] = {}
        return
    facts["configurations"] = sorted({*facts["configurations"], name})
    if name != "recipient":
        return
    capabilities = wanted.get("capabilities") or {}
    balance = capabilities.get("stripe_balance") or {}
    asked = {f"bank_accounts.{k}": v for k, v in (capabilities.get("bank_accounts") or {}).items()}
    asked |= {"cards": capabilities.get("cards"), "transfers": balance.get("stripe_transfers")}
    requested = dict(facts["requested"])
    for capability, answer in asked.items():
        if answer and answer["requested"]:
            requested.setdefault(capability, call.now)
        elif answer:
            requested.pop(capability, None)
    facts["requested"] = requested


def _find(call: Call) -> Record:
    account = accounts.find(call, call.path["id"])
    if account is None:
        raise errors.missing_object("account", call.path["id"], "id")
    return account


@operation(
    "GET",
    "/v2/core/accounts",
    {
        "applied_configurations": items(one_of("customer", "merchant", "recipient")),
        "closed": boolean(),
        "limit": integer(1, 100),
        "page": text(),
    },
)
def list_accounts(call: Call) -> Json:
    """List accounts that are open (or closed), newest first."""
    wanted = set(call.params.get("applied_configurations", []))
    closed = call.params.get("closed", False)
    filters = [accounts.state_filter(closed=closed)]
    filters += [accounts.configuration_filter(name) for name in sorted(wanted)]
    return v2_list(call, "account", "/v2/core/accounts", filters, lambda a: accounts.v2_view(a, []))


@operation("GET", "/v2/core/accounts/{id}", {"include": INCLUDE})
def retrieve_account(call: Call) -> Json:
    """Return one account, with what `include` names."""
    return accounts.v2_view(_find(call), call.params.get("include", []))


@operation(
    "POST",
    "/v2/core/accounts/{id}",
    _spec({"applied": boolean(), "capabilities": _CAPABILITIES}),
)
def update_account(call: Call) -> Json:
    """Change an account; requesting or withdrawing a capability shows at once."""
    account = _find(call)
    if account.body["closed"]:
        raise errors.refused(f"Account {account.id} is closed.", "account_closed")
    change = accounts.Change(call, account)
    _apply(call, account.body)
    change.done()
    return accounts.v2_view(account, call.params.get("include", []))


@operation(
    "POST",
    "/v2/core/accounts/{id}/close",
    {"applied_configurations": items(one_of("customer", "merchant", "recipient"))},
)
def close_account(call: Call) -> Json:
    """Close an account; nothing can be transferred to it any more."""
    account = _find(call)
    accounts.close(call, account)
    accounts.thin(call, account, "v2.core.account.closed")
    return accounts.v2_view(account, [])
