"""What the simulator knows about each connected account, and how onboarding changes it.

A new account is incomplete. Only onboarding (the page of a link, or the control plane) makes its
capabilities active; it can also leave something due, wait for verification, or be rejected.
"""

import copy

from infra.local.stripe import account_views, bank_accounts, errors, events, ledger
from infra.local.stripe.calls import Call
from infra.local.stripe.lists import short_list
from infra.local.stripe.store import Filter, Json, Record, Store, new_id

OUTCOMES = ("active", "due", "pending", "rejected")
V1_NEEDS = [
    "business_profile.url", "external_account", "individual.dob.day", "individual.dob.month",
    "individual.dob.year", "individual.first_name", "individual.last_name", "tos_acceptance.date",
    "tos_acceptance.ip",
]  # fmt: skip
V2_NEEDS = [
    "identity.individual.date_of_birth", "identity.individual.given_name",
    "identity.individual.surname", "identity.attestations.terms_of_service.account",
    "defaults.payout_methods",
]  # fmt: skip
V1_DOCUMENT = "individual.verification.document"
V2_DOCUMENT = "identity.individual.documents.primary_verification"
_EURO = "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
EURO = frozenset(_EURO.split())
CURRENCY = {
    "AU": "aud", "BR": "brl", "CA": "cad", "CH": "chf", "CZ": "czk", "DK": "dkk", "GB": "gbp",
    "HK": "hkd", "HU": "huf", "IN": "inr", "JP": "jpy", "MX": "mxn", "NO": "nok", "NZ": "nzd",
    "PL": "pln", "RO": "ron", "SE": "sek", "SG": "sgd", "TH": "thb",
}  # fmt: skip


def currency_of(country: str) -> str:
    """Return the default currency of a country's accounts."""
    return "eur" if country in EURO else CURRENCY.get(country, "usd")


def create(call: Call, *, api: str, country: str, **facts: object) -> Record:
    """Store a new, incomplete account; `facts` replace the defaults below."""
    country = country.upper()
    body: Json = {
        "id": new_id("acct", 16),
        "api": api,
        "type": "none",
        "country": country,
        "created": call.now,
        "default_currency": currency_of(country),
        "email": None,
        "phone": None,
        "display_name": None,
        "dashboard": "express",
        "fees": "application",
        "losses": "application",
        "collector": "stripe",
        "configurations": [],
        "entity_type": None,
        "metadata": {},
        "requested": {},
        "withdrawn": [],
        "given": {},
        "stage": "new",
        "details_submitted": False,
        "due": V1_NEEDS if api == "v1" else V2_NEEDS,
        "verifying": [],
        "disabled_reason": None,
        "tos_date": None,
        "service_agreement": "full",
        "schedule": {"delay_days": 2, "interval": "daily"},
        "closed": False,
        **facts,
    }
    return call.store.insert("account", call.platform, body)


def find(call: Call, account_id: str) -> Record | None:
    """Return a connected account's facts, or None."""
    return call.store.find("account", account_id)


def capability_status(facts: Json, name: str) -> str:
    """Return a capability's status in v1's words."""
    return account_views.v1_status(facts, name)


def payouts_enabled(store: Store, facts: Json) -> bool:
    """Tell whether an account can be paid out to its bank."""
    if facts["closed"] or facts["stage"] != "active":
        return False
    return bank_accounts.usable(store, facts["id"]) is not None


def v1_view(call: Call, account: Record) -> Json:
    """Return the v1 account object."""
    banks = bank_accounts.of(call.store, account.id)
    return account_views.account_v1(
        account.body,
        short_list(banks, f"/v1/accounts/{account.id}/external_accounts"),
        payouts_enabled=payouts_enabled(call.store, account.body),
    )


def v2_view(account: Record, include: list[str]) -> Json:
    """Return the v2 account object."""
    return account_views.account_v2(account.body, events.iso(account.created), include)


class Change:
    """A change of an account, from its construction to `done()`, which tells the platform.

    An account made by v1 is reported by `account.updated` and `capability.updated`; one made by v2
    by thin events only, as Stripe does.
    """

    def __init__(self, call: Call, account: Record) -> None:
        self.call, self.account = call, account
        self.before = v1_view(call, account)
        self.facts_before = copy.deepcopy(account.body)

    def done(self) -> None:
        """Store the account and record the events that differ."""
        self.call.store.save(self.account)
        if self.account.body["api"] == "v1":
            self._tell_v1()
        else:
            self._tell_v2()

    def _tell_v1(self) -> None:
        call, account = self.call, self.account
        after = v1_view(call, account)
        if after != self.before:
            events.record(call, "account.updated", after, owner=account.id, before=self.before)
        for name in sorted(account.body["requested"]):
            old = account_views.capability_v1(self.facts_before, name)
            new = account_views.capability_v1(account.body, name)
            if old["status"] != new["status"]:
                events.record(call, "capability.updated", new, owner=account.id, before=old)

    def _tell_v2(self) -> None:
        old, new = self.facts_before, self.account.body

        def differ(*names: str) -> bool:
            return any(old[name] != new[name] for name in names)

        if differ("email", "phone", "display_name", "dashboard", "metadata"):
            thin(self.call, self.account, "v2.core.account.updated")
        if differ("entity_type", "country", "details_submitted"):
            thin(self.call, self.account, "v2.core.account[identity].updated")
        if differ("fees", "losses", "given", "default_currency"):
            thin(self.call, self.account, "v2.core.account[defaults].updated")
        if differ("due", "verifying"):
            thin(self.call, self.account, "v2.core.account[requirements].updated")
        if differ("configurations", "requested"):
            thin(self.call, self.account, "v2.core.account[configuration.recipient].updated")
        for name in sorted(set(old["requested"]) | set(new["requested"])):
            before, after = (account_views.v2_capability(f, name) for f in (old, new))
            if before != after:
                shown = account_views.RESTRICTS if name == "transfers" else name
                event = "v2.core.account[configuration.recipient].capability_status_updated"
                thin(self.call, self.account, event, {"updated_capability": shown})


def thin(call: Call, account: Record, type: str, data: Json | None = None) -> None:  # noqa: A002
    """Record a v2 event about an account."""
    related = {
        "id": account.id,
        "type": "v2.core.account",
        "url": f"/v2/core/accounts/{account.id}",
    }
    events.record_thin(call, type, related, data)


def onboard(call: Call, account: Record, outcome: str, bank_number: str | None = None) -> None:
    """Let onboarding, or Stripe's later checks, end with an outcome (see `OUTCOMES`)."""
    change = Change(call, account)
    facts = account.body
    document = V1_DOCUMENT if facts["api"] == "v1" else V2_DOCUMENT
    facts["stage"] = outcome
    facts["due"] = [document] if outcome == "due" else []
    facts["verifying"] = [document] if outcome == "pending" else []
    facts["disabled_reason"] = None
    facts["details_submitted"] = True
    facts["tos_date"] = facts["tos_date"] or call.now
    facts["entity_type"] = facts["entity_type"] or "individual"
    if outcome != "rejected":
        facts["withdrawn"] = []
    banks = bank_accounts.of(call.store, account.id)
    if bank_number or not banks:
        bank_accounts.add(
            call,
            account.id,
            number=bank_number or bank_accounts.GOOD_NUMBER,
            country=facts["country"],
            currency=facts["default_currency"],
            routing="110000000" if facts["country"] == "US" else None,
        )
    change.done()


def close(call: Call, account: Record) -> None:
    """Close an account that holds no money."""
    if any(
        ledger.available(call.store, account.id, money) for money in ledger.currencies(call.store, account.id)
    ):
        raise errors.refused(f"Account {account.id} has a balance and cannot be closed.")
    account.body["closed"] = True
    account.body["configurations"] = []
    call.store.save(account)


def state_filter(*, closed: bool) -> Filter:
    """Return the list condition for open or closed accounts."""
    return Filter("closed", 1 if closed else 0)


def configuration_filter(name: str) -> Filter:
    """Return the list condition for accounts with a configuration."""
    return Filter("configurations", f'%"{name}"%', "LIKE")
