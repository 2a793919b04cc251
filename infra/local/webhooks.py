"""Where the Stripe simulator of the local stack sends its events.

The pages keep their port as long as it is free. When they had to move, endpoints at the old address
are removed: whoever listens there now must not be sent anything.
"""

from infra.local.part import Plan

SECRETS = {
    "STRIPE_WEBHOOK_SECRET": "platform",
    "STRIPE_CONNECT_WEBHOOK_SECRET": "connect",
    "STRIPE_THIN_WEBHOOK_SECRET": "thin",
}
"""Setting to the name of the secret in what `register_webhooks` answers."""
_ADDRESS = "webhooks_go_to"


def kept_secrets(plan: Plan) -> dict[str, str]:
    """The signing secrets of the registered endpoints, as settings; empty before the first start."""
    kept = {name: plan.folder.kept_secret(name) for name in SECRETS}
    return {name: secret for name, secret in kept.items() if secret}


def register(plan: Plan, key: str, simulator: str, base_url: str) -> None:
    """Send the simulator's events to the pages at `base_url`, once for each address they have."""
    if plan.folder.kept_secret(_ADDRESS) == base_url:
        return
    from activities.adapters.stripe_gateway import StripeGateway

    _forget_endpoints(key, simulator)
    registered = StripeGateway(key, simulator, "v2", loopback_only=True).register_webhooks(base_url)
    secrets = {name: getattr(registered, field) for name, field in SECRETS.items()}
    plan.folder.keep_secrets(secrets | {_ADDRESS: base_url})


def _forget_endpoints(key: str, simulator: str) -> None:
    """Remove every endpoint that the simulator knows."""
    import stripe

    addresses = {"api": simulator, "connect": simulator, "files": simulator, "meter_events": simulator}
    client = stripe.StripeClient(key, base_addresses=addresses)  # type: ignore[arg-type] # a TypedDict of the SDK
    for endpoint in list(client.v1.webhook_endpoints.list().auto_paging_iter()):
        client.v1.webhook_endpoints.delete(endpoint.id)
    for destination in list(client.v2.core.event_destinations.list().auto_paging_iter()):
        client.v2.core.event_destinations.delete(destination.id)
