"""The simulator's events go where the pages are, and nowhere else, also after the pages moved."""

from pathlib import Path

import stripe

from infra.local import webhooks
from infra.local.part import Plan
from infra.local.stack import Stack


def addresses(stack: Stack) -> set[str]:
    """Every address that the simulator sends events to."""
    base = stack.url("stripe")
    client = stripe.StripeClient(
        stack.env()["STRIPE_API_KEY"],
        base_addresses={"api": base, "connect": base, "files": base, "meter_events": base},
    )
    found = {endpoint.url for endpoint in client.v1.webhook_endpoints.list().auto_paging_iter()}
    for one in client.v2.core.event_destinations.list(
        {"include": ["webhook_endpoint.url"]}
    ).auto_paging_iter():
        assert one.webhook_endpoint
        found.add(str(one.webhook_endpoint.url))
    return found


def test_endpoints_follow_the_pages(tmp_path: Path) -> None:
    with Stack(tmp_path / ".handsel", ("stripe",), environ={}) as stack:
        plan = Plan(stack.folder, {})
        key, simulator = stack.env()["STRIPE_API_KEY"], stack.url("stripe")
        webhooks.register(plan, key, simulator, "http://127.0.0.1:20001")
        first = webhooks.kept_secrets(plan)
        webhooks.register(plan, key, simulator, "http://127.0.0.1:20001")
        assert webhooks.kept_secrets(plan) == first, "an address that stays keeps its secrets"
        assert len(addresses(stack)) == 3
        webhooks.register(plan, key, simulator, "http://127.0.0.1:20002")
        assert {address.partition("/webhooks")[0] for address in addresses(stack)} == {
            "http://127.0.0.1:20002"
        }
        assert not set(first.values()) & set(webhooks.kept_secrets(plan).values())
        assert stack.env()["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
