"""Accounts in both APIs, their links and pages, and the ways onboarding can end."""

from typing import Any

import pytest
import stripe

from tests.stripe.simulator import RECIPIENT, WEB, Simulator

RETURN, REFRESH = "http://127.0.0.1:9/return?x=1", "http://127.0.0.1:9/refresh"
INCLUDE: Any = ["configuration.recipient", "defaults", "identity", "requirements", "future_requirements"]
CONTROLLER: Any = {
    "controller": {
        "fees": {"payer": "application"},
        "losses": {"payments": "application"},
        "requirement_collection": "stripe",
        "stripe_dashboard": {"type": "express"},
    },
    "country": "US",
    "capabilities": {"transfers": {"requested": True}},
}


def transfers_of(client: stripe.StripeClient, account_id: str) -> Any:
    account = client.v2.core.accounts.retrieve(account_id, {"include": INCLUDE}).to_dict()
    balance = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    return balance["stripe_transfers"], account["requirements"]["entries"]


def link_v2(client: stripe.StripeClient, account_id: str) -> stripe.v2.core.AccountLink:
    flow: Any = {"refresh_url": REFRESH, "return_url": RETURN}
    use: Any = {"type": "account_onboarding", "account_onboarding": flow}
    return client.v2.core.account_links.create({"account": account_id, "use_case": use})


@pytest.fixture
def v1(sim: Simulator) -> None:
    sim.control("settings", v1_accounts="on")


# 12


def test_12_a_new_v2_account_is_incomplete(client: stripe.StripeClient) -> None:
    account = client.v2.core.accounts.create(RECIPIENT)
    capability, entries = transfers_of(client, account.id)
    assert capability["status"] == "restricted"
    assert capability["status_details"] == [{"code": "requirements_past_due", "resolution": "provide_info"}]
    assert {entry["awaiting_action_from"] for entry in entries} == {"user"}
    assert not client.v1.accounts.retrieve(account.id).details_submitted


@pytest.mark.usefixtures("v1")
def test_12_a_new_v1_account_is_incomplete(client: stripe.StripeClient) -> None:
    account = client.v1.accounts.create(CONTROLLER)
    assert account.capabilities is not None
    assert account.requirements is not None
    assert account.capabilities.transfers == "inactive"
    assert account.requirements.currently_due
    assert account.requirements.disabled_reason == "requirements.past_due"
    assert (account.details_submitted, account.payouts_enabled) == (False, False)


# 13


def test_13_a_link_works_once_and_then_leads_to_refresh(client: stripe.StripeClient) -> None:
    account = client.v2.core.accounts.create(RECIPIENT)
    link = link_v2(client, account.id)
    assert (link.account, link.use_case.type) == (account.id, "account_onboarding")
    page = WEB.get(link.url)
    assert page.status_code == 200
    visit = page.text.split('name="visit" value="')[1].split('"')[0]
    again = WEB.get(link.url)
    assert (again.status_code, again.headers["location"]) == (303, REFRESH)
    done = WEB.post(link.url, data={"visit": visit, "outcome": "active"})
    assert (done.status_code, done.headers["location"]) == (303, RETURN)
    assert transfers_of(client, account.id)[0]["status"] == "active"
    twice = WEB.post(link.url, data={"visit": visit, "outcome": "rejected"})
    assert twice.headers["location"] == REFRESH
    assert transfers_of(client, account.id)[0]["status"] == "active"


def test_13_a_script_may_post_the_form_to_a_fresh_link(client: stripe.StripeClient) -> None:
    account = client.v2.core.accounts.create(RECIPIENT)
    link = link_v2(client, account.id)
    assert WEB.post(link.url, data={"outcome": "active"}).headers["location"] == RETURN
    assert transfers_of(client, account.id)[0]["status"] == "active"


@pytest.mark.parametrize("seconds", [299, 301])
@pytest.mark.usefixtures("v1")
def test_13_a_v1_link_lives_five_minutes(sim: Simulator, client: stripe.StripeClient, seconds: int) -> None:
    account = client.v1.accounts.create(CONTROLLER)
    link = client.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": RETURN,
            "refresh_url": REFRESH,
        }
    )
    assert link.expires_at - link.created == 300
    sim.control("clock", advance_seconds=seconds)
    assert WEB.get(link.url).status_code == (200 if seconds < 300 else 303)


def test_13_a_v2_link_lives_ten_minutes(sim: Simulator, client: stripe.StripeClient) -> None:
    account = client.v2.core.accounts.create(RECIPIENT)
    link = link_v2(client, account.id)
    sim.control("clock", advance_seconds=601)
    late = WEB.post(link.url, data={"outcome": "active"})
    assert late.headers["location"] == REFRESH
    assert transfers_of(client, account.id)[0]["status"] == "restricted"


def test_13_a_garbled_link_is_404(sim: Simulator, client: stripe.StripeClient) -> None:
    account = client.v2.core.accounts.create(RECIPIENT)
    assert WEB.get(link_v2(client, account.id).url[:-1]).status_code == 404


# 14


@pytest.mark.parametrize(
    ("outcome", "status", "code", "waits_for"),
    [
        ("due", "restricted", "requirements_past_due", "user"),
        ("pending", "pending", "requirements_pending_verification", "stripe"),
        ("rejected", "rejected", "rejected_other", None),
    ],
)
def test_14_onboarding_can_end_otherwise_in_v2(
    client: stripe.StripeClient, outcome: str, status: str, code: str, waits_for: str | None
) -> None:
    account = client.v2.core.accounts.create(RECIPIENT)
    WEB.post(link_v2(client, account.id).url, data={"outcome": outcome})
    capability, entries = transfers_of(client, account.id)
    assert (capability["status"], capability["status_details"][0]["code"]) == (status, code)
    assert [e["awaiting_action_from"] for e in entries] == ([waits_for] if waits_for else [])


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("active", "active", None),
        ("due", "inactive", "requirements.past_due"),
        ("pending", "pending", "requirements.pending_verification"),
        ("rejected", "inactive", "rejected.other"),
    ],
)
@pytest.mark.usefixtures("v1")
def test_14_onboarding_can_end_otherwise_in_v1(
    sim: Simulator, client: stripe.StripeClient, outcome: str, status: str, reason: str | None
) -> None:
    account_id = client.v1.accounts.create(CONTROLLER).id
    sim.control(f"accounts/{account_id}/onboard", outcome=outcome)
    account = client.v1.accounts.retrieve(account_id)
    assert account.capabilities is not None
    assert account.requirements is not None
    assert account.capabilities.transfers == status
    assert account.requirements.disabled_reason == reason
    assert account.details_submitted
    assert account.payouts_enabled == (outcome == "active")


# 15


def test_15_v1_creation_is_refused_until_it_is_switched_on(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.accounts.create(CONTROLLER)
    assert "/v2/core/accounts" in str(caught.value)
    sim.control("settings", v1_accounts="on")
    by_controller = client.v1.accounts.create(CONTROLLER)
    by_type = client.v1.accounts.create({"type": "express", "country": "DE"})
    assert (by_controller.type, by_type.type) == ("none", "express")
    assert by_type.controller is not None
    assert by_type.controller.fees is not None
    assert by_type.controller.fees.payer == "application_express"
    assert by_type.default_currency == "eur"


def test_15_v2_shows_what_include_names_and_nothing_else(client: stripe.StripeClient) -> None:
    made = client.v2.core.accounts.create({**RECIPIENT, "include": INCLUDE}).to_dict()
    assert made["applied_configurations"] == ["recipient"]
    assert made["defaults"]["responsibilities"]["requirements_collector"] == "stripe"
    assert made["identity"]["country"] == "us"
    bare = client.v2.core.accounts.retrieve(made["id"]).to_dict()
    hidden = {"configuration", "defaults", "identity", "requirements", "future_requirements"}
    assert not hidden & set(bare)


def test_15_a_v2_account_can_be_changed_and_closed(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    withdrawn: Any = {"stripe_balance": {"stripe_transfers": {"requested": False}}}
    changed = client.v2.core.accounts.update(
        payee,
        {
            "contact_email": "someone@example.com",
            "metadata": {"creator": "c1"},
            "configuration": {"recipient": {"capabilities": withdrawn}},
            "include": ["configuration.recipient"],
        },
    ).to_dict()
    assert changed["metadata"] == {"creator": "c1"}
    balance = changed["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    assert balance["stripe_transfers"] is None
    closed = client.v2.core.accounts.close(payee)
    assert closed.closed
    assert payee not in [a.id for a in client.v2.core.accounts.list().data]
    assert [a.id for a in client.v2.core.accounts.list({"closed": True}).data] == [payee]
    sim.fund()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.create({"amount": 1, "currency": "usd", "destination": payee})


@pytest.mark.usefixtures("v1")
def test_15_v1_capabilities_can_be_read_requested_and_withdrawn(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    account = client.v1.accounts.create(CONTROLLER).id
    sim.control(f"accounts/{account}/onboard", outcome="active")
    capabilities = client.v1.accounts.capabilities
    assert [c.id for c in capabilities.list(account).data] == ["transfers"]
    assert capabilities.retrieve(account, "transfers").status == "active"
    assert capabilities.retrieve(account, "card_payments").status == "unrequested"
    assert capabilities.update(account, "card_payments", {"requested": True}).requested
    assert capabilities.update(account, "transfers", {"requested": False}).status == "unrequested"


@pytest.mark.usefixtures("v1")
def test_15_v1_accounts_can_be_listed_changed_rejected_and_deleted(
    client: stripe.StripeClient,
) -> None:
    account = client.v1.accounts.create(CONTROLLER).id
    changed = client.v1.accounts.update(account, {"email": "a@example.com", "metadata": {"creator": "c1"}})
    assert (changed.email, changed.metadata.to_dict() if changed.metadata else None) == (
        "a@example.com",
        {"creator": "c1"},
    )
    rejected = client.v1.accounts.reject(account, {"reason": "terms_of_service"})
    assert rejected.requirements is not None
    assert rejected.requirements.disabled_reason == "rejected.terms_of_service"
    assert [a.id for a in client.v1.accounts.list().data] == [account]
    assert client.v1.accounts.delete(account).deleted
    assert client.v1.accounts.list().data == []


@pytest.mark.usefixtures("v1")
@pytest.mark.parametrize(("year", "status"), [(1901, "active"), (1980, "pending")])
def test_15_where_the_platform_collects_the_test_birthday_verifies(
    client: stripe.StripeClient, year: int, status: str
) -> None:
    custom: Any = {
        **CONTROLLER,
        "controller": {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "requirement_collection": "application",
            "stripe_dashboard": {"type": "none"},
        },
    }
    account = client.v1.accounts.create(custom).id
    done = client.v1.accounts.update(
        account,
        {
            "business_profile": {"url": "https://example.com"},
            "individual": {
                "first_name": "Jenny",
                "last_name": "Rosen",
                "dob": {"day": 1, "month": 1, "year": year},
                "id_number": "000000000",
            },
            "tos_acceptance": {"date": 1, "ip": "127.0.0.1"},
            "external_account": {
                "object": "bank_account",
                "country": "US",
                "currency": "usd",
                "routing_number": "110000000",
                "account_number": "000123456789",
            },
        },
    )
    assert done.capabilities is not None
    assert done.capabilities.transfers == status


def test_15_the_platform_and_login_links_can_be_read(
    sim: Simulator, client: stripe.StripeClient, payee: str
) -> None:
    assert client.v1.accounts.retrieve_current().id == sim.status()["platform"]
    assert client.v1.accounts.login_links.create(payee).url.startswith(sim.base)
    assert client.v1.accounts.external_accounts.list(payee).data[0].id.startswith("ba_")
