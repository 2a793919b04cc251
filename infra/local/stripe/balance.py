"""The balance and its rows, read only: what the ledger wrote."""

from infra.local.stripe import accounts, errors, ledger
from infra.local.stripe.calls import Call, operation
from infra.local.stripe.lists import equals, v1_list, within
from infra.local.stripe.params import EXPAND, PAGE, currency, moment_range, text
from infra.local.stripe.store import Filter, Json


@operation("GET", "/v1/balance", EXPAND)
def retrieve_balance(call: Call) -> Json:
    """Return the available and pending money of the platform or of a connected account."""
    is_platform = call.owner == call.platform
    account = None if is_platform else accounts.find(call, call.owner)
    money = account.body["default_currency"] if account else "usd"
    return ledger.balance_view(call.store, call.owner, money, platform=is_platform)


@operation(
    "GET",
    "/v1/balance_transactions",
    {
        **PAGE,
        "created": moment_range(),
        "currency": currency(),
        "payout": text(),
        "source": text(),
        "type": text(),
    },
)
def list_balance_transactions(call: Call) -> Json:
    """List the rows, filtered; `payout` finds those that an automatic payout carried."""
    filters = [*equals(call, "currency", "source", "type"), *within(call, "created")]
    if payout := call.params.get("payout"):
        if call.store.find("payout", payout, call.owner) is None:
            raise errors.missing_object("payout", payout, "payout")
        filters.append(Filter("payout", payout, hidden=True))
    return v1_list(call, "balance_transaction", "/v1/balance_transactions", filters)


@operation("GET", "/v1/balance_transactions/{id}", EXPAND)
def retrieve_balance_transaction(call: Call) -> Json:
    """Return one row."""
    found = call.store.find("balance_transaction", call.path["id"], call.owner)
    if found is None:
        raise errors.missing_object("balance transaction", call.path["id"], "id")
    return found.body
