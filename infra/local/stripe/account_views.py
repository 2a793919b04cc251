"""How one account looks through the two APIs. Pure: facts in, JSON out.

The facts of an account are what the simulator knows about it, whichever API made it; v1 and v2 are
two pictures of them, with different words for the same state.
"""

from infra.local.stripe.store import Json

RESTRICTS = "stripe_balance.stripe_transfers"
V2_CODES = {
    "new": ("requirements_past_due", "provide_info"),
    "due": ("requirements_past_due", "provide_info"),
    "pending": ("requirements_pending_verification", "no_resolution"),
    "rejected": ("rejected_other", "contact_stripe"),
    "withdrawn": ("restricted_other", "contact_stripe"),
}
V1_DISABLED = {
    "new": "requirements.past_due",
    "due": "requirements.past_due",
    "pending": "requirements.pending_verification",
    "rejected": "rejected.other",
}
V2_STATUS = {"new": "restricted", "due": "restricted", "pending": "pending", "rejected": "rejected"}


def capability_state(facts: Json, name: str) -> str:
    """Return active, or why not: unrequested, withdrawn, new, due, pending, rejected."""
    if name not in facts["requested"]:
        return "unrequested"
    if name in facts["withdrawn"] or facts["closed"]:
        return "withdrawn"
    return str(facts["stage"])


def v1_status(facts: Json, name: str) -> str:
    """Return a capability's status in v1's words."""
    state = capability_state(facts, name)
    return state if state in ("active", "pending", "unrequested") else "inactive"


def v2_capability(facts: Json, name: str) -> Json | None:
    """Return a capability in v2's words, None if it was not requested."""
    state = capability_state(facts, name)
    if state == "unrequested":
        return None
    if state == "active":
        return {"status": "active", "status_details": []}
    code, resolution = V2_CODES[state]
    status = V2_STATUS.get(state, "restricted")
    return {"status": status, "status_details": [{"code": code, "resolution": resolution}]}


def account_v1(facts: Json, external_accounts: Json, *, payouts_enabled: bool) -> Json:
    """Return the v1 account object."""
    active = {name: v1_status(facts, name) for name in sorted(facts["requested"])}
    requirements = _v1_requirements(facts)
    given = facts["given"]
    return {
        "id": facts["id"],
        "object": "account",
        "business_profile": _business_profile(given.get("business_profile") or {}),
        "business_type": facts["entity_type"],
        "capabilities": {k: v for k, v in active.items() if "." not in k and k != "cards"},
        "charges_enabled": active.get("card_payments") == "active",
        "controller": _controller(facts),
        "country": facts["country"],
        "created": facts["created"],
        "default_currency": facts["default_currency"],
        "details_submitted": facts["details_submitted"],
        "email": facts["email"],
        "external_accounts": external_accounts,
        "future_requirements": {**_no_requirements(), "disabled_reason": None},
        "metadata": facts["metadata"],
        "payouts_enabled": payouts_enabled,
        "requirements": requirements,
        "settings": _settings(facts),
        "tos_acceptance": {
            "date": facts["tos_date"],
            "ip": None,
            "service_agreement": facts["service_agreement"],
            "user_agent": None,
        },
        "type": facts["type"],
    }


def _business_profile(given: Json) -> Json:
    names = (
        "mcc", "name", "product_description", "support_address", "support_email", "support_phone",
        "support_url", "url",
    )  # fmt: skip
    return {**dict.fromkeys(names), **{k: v for k, v in given.items() if k in names}}


def _controller(facts: Json) -> Json:
    fees = facts["fees"]
    if facts["type"] == "express" and fees == "application":
        fees = "application_express"
    return {
        "fees": {"payer": "account" if fees == "stripe" else fees},
        "is_controller": True,
        "losses": {"payments": facts["losses"]},
        "requirement_collection": facts["collector"],
        "stripe_dashboard": {"type": facts["dashboard"]},
        "type": "application",
    }


def _no_requirements() -> Json:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }


def _v1_requirements(facts: Json) -> Json:
    return {
        **_no_requirements(),
        "currently_due": facts["due"],
        "disabled_reason": facts["disabled_reason"] or V1_DISABLED.get(facts["stage"]),
        "eventually_due": facts["due"],
        "past_due": facts["due"],
        "pending_verification": facts["verifying"],
    }


def _settings(facts: Json) -> Json:
    return {
        "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": facts["display_name"], "timezone": "Etc/UTC"},
        "payments": dict.fromkeys(
            ("statement_descriptor", "statement_descriptor_kana", "statement_descriptor_kanji")
        ),
        "payouts": {
            "debit_negative_balances": True,
            "schedule": facts["schedule"],
            "statement_descriptor": None,
        },
    }


def capability_v1(facts: Json, name: str) -> Json:
    """Return v1's capability object."""
    status = v1_status(facts, name)
    empty = _no_requirements()
    own = {**empty, "disabled_reason": None}
    if status != "unrequested":
        reasons = {"active": None, "pending": "pending.review"}
        own |= {
            "currently_due": facts["due"],
            "disabled_reason": reasons.get(status, "requirements.fields_needed"),
            "eventually_due": facts["due"],
            "past_due": facts["due"],
            "pending_verification": facts["verifying"],
        }
    return {
        "id": name,
        "object": "capability",
        "account": facts["id"],
        "future_requirements": {**empty, "disabled_reason": None},
        "requested": name in facts["requested"],
        "requested_at": facts["requested"].get(name),
        "requirements": own,
        "status": status,
    }


def account_v2(facts: Json, created: str, include: list[str]) -> Json:
    """Return the v2 account object, with the parts that `include` names and no others."""
    view: Json = {
        "id": facts["id"],
        "object": "v2.core.account",
        "applied_configurations": facts["configurations"],
        "closed": facts["closed"],
        "contact_email": facts["email"],
        "contact_phone": facts["phone"],
        "created": created,
        "dashboard": facts["dashboard"],
        "display_name": facts["display_name"],
        "livemode": False,
        "metadata": facts["metadata"],
    }
    configuration = _configuration(facts, include)
    if configuration:
        view["configuration"] = configuration
    if "defaults" in include:
        view["defaults"] = _defaults(facts)
    if "identity" in include:
        country = facts["country"].lower()
        view["identity"] = {"country": country, "entity_type": facts["entity_type"]}
    if "requirements" in include:
        view["requirements"] = _v2_requirements(facts)
    if "future_requirements" in include:
        view["future_requirements"] = {"entries": [], "summary": None}
    return view


def _configuration(facts: Json, include: list[str]) -> Json:
    shown: Json = {}
    for name in ("customer", "merchant"):
        if f"configuration.{name}" in include:
            shown[name] = {} if name in facts["configurations"] else None
    if "configuration.recipient" in include:
        shown["recipient"] = _recipient(facts) if "recipient" in facts["configurations"] else None
    return shown


def _recipient(facts: Json) -> Json:
    rails = {
        name: v2_capability(facts, f"bank_accounts.{name}")
        for name in ("ach", "fedwire", "fps", "local", "rtp", "sepa", "swift")
    }
    wanted = {name: status for name, status in rails.items() if status is not None}
    transfers = v2_capability(facts, "transfers")
    return {
        "applied": True,
        "capabilities": {
            "bank_accounts": wanted or None,
            "cards": v2_capability(facts, "cards"),
            "stripe_balance": {"payouts": transfers, "stripe_transfers": transfers},
        },
    }


def _defaults(facts: Json) -> Json:
    profile = facts["given"].get("profile") or {}
    names = ("business_url", "doing_business_as", "product_description")
    return {
        "currency": facts["default_currency"],
        "locales": facts["given"].get("locales"),
        "profile": {name: profile.get(name) for name in names},
        "responsibilities": {
            "fees_collector": facts["fees"],
            "losses_collector": facts["losses"],
            "requirements_collector": facts["collector"],
        },
    }


def _v2_requirements(facts: Json) -> Json:
    waiting = [(d, "user", "past_due") for d in facts["due"]]
    waiting += [(d, "stripe", "past_due") for d in facts["verifying"]]
    entries = [
        {
            "awaiting_action_from": who,
            "description": description,
            "errors": [],
            "impact": {
                "restricts_capabilities": [
                    {
                        "capability": RESTRICTS,
                        "configuration": "recipient",
                        "deadline": {"status": status},
                    }
                ]
            },
            "minimum_deadline": {"status": status},
            "reference": None,
            "requested_reasons": [{"code": "routine_onboarding"}],
        }
        for description, who, status in waiting
    ]
    deadline = {"status": "past_due", "time": None} if entries else None
    return {"entries": entries, "summary": {"minimum_deadline": deadline}}


def platform_v1(account_id: str, created: int, external_accounts: Json) -> Json:
    """Return the platform's own account as v1 shows it: standard and complete."""
    facts: Json = {
        "id": account_id, "created": created, "country": "US", "default_currency": "usd",
        "email": "platform@handsel.test", "display_name": "Handsel (test)", "entity_type": "company",
        "requested": {"card_payments": created, "transfers": created}, "withdrawn": [],
        "closed": False, "stage": "active", "details_submitted": True, "due": [], "verifying": [],
        "disabled_reason": None, "metadata": {}, "given": {}, "tos_date": created,
        "service_agreement": "full", "schedule": {"delay_days": 2, "interval": "manual"},
        "type": "standard", "fees": "stripe", "losses": "stripe", "collector": "stripe",
        "dashboard": "full",
    }  # fmt: skip
    view = account_v1(facts, external_accounts, payouts_enabled=True)
    return {**view, "controller": {"type": "account"}}
