"""Stripe, through its official SDK; beside its neighbours here the only place that imports it.

It must never retry by itself (the caller owns keys and attempts), never send personal data in
metadata, and never report a lost answer as a refusal.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Literal
from urllib.parse import urlsplit

import stripe

from activities.adapters.stripe_answers import (
    found_transfer,
    read_receipt,
    status_v1,
    status_v2,
    stripe_row,
)
from activities.adapters.stripe_transport import Pace, PacedClient, at_once
from activities.adapters.stripe_webhooks import StripeWebhooks
from activities.payments_port import (
    FoundTransfer,
    PayeeStatus,
    Receipt,
    RetriableAfter,
    ReversalRequest,
    RowGone,
    RowPage,
    StripeRow,
    TransferOutcome,
    TransferRequest,
)

stripe.enable_telemetry = False

NO_PROXY: Any = {"http": "", "https": ""}
"""Calls to this machine never go through a proxy that the environment names."""
LONGEST_MESSAGE = 500
LINK_TYPE: Literal["account_onboarding"] = "account_onboarding"
WAITS_FOR: dict[str, RetriableAfter] = {
    "balance_insufficient": "funds",
    "insufficient_capabilities_for_transfer": "payee",
}
"""Refusals that end by themselves, by Stripe's code; the codes are an open set."""


class StripeGateway(StripeWebhooks):
    """One client per process, safe to share between threads. Implements `PaymentsGateway`.

    `api_base` replaces all four of Stripe's addresses; None is Stripe itself. With `loopback_only`
    (local mode, tests) any other address than this machine is refused. `timeout` is in seconds.
    `v1_capabilities` are what accounts made by v1 request; some countries need `card_payments` too.
    `pace` is asked before each call.
    """

    def __init__(
        self,
        api_key: str,
        api_base: str | None,
        accounts_api: Literal["v2", "v1"],
        timeout: float = 20,
        *,
        loopback_only: bool = False,
        v1_capabilities: tuple[str, ...] = ("transfers",),
        pace: Pace = at_once,
    ) -> None:
        if loopback_only and not _is_loopback(api_base):
            raise ValueError("STRIPE_API_BASE must be an address of this machine in local mode")
        self._accounts_api = accounts_api
        self._v1_capabilities = v1_capabilities
        addresses: dict[str, Any] = {}
        if api_base:
            base = api_base.rstrip("/")
            addresses = {
                "base_addresses": {"api": base, "connect": base, "files": base, "meter_events": base}
            }
        self._client = stripe.StripeClient(
            api_key,
            max_network_retries=0,
            http_client=PacedClient(
                pace, timeout=timeout, proxy=NO_PROXY if _is_loopback(api_base) else None
            ),
            **addresses,
        )

    # --- accounts --------------------------------------------------------------------------------

    def create_account(self, creator_ref: str, country: str, email: str | None, idempotency_key: str) -> str:
        """Make an account for a creator and return its id; `creator_ref` goes into its metadata.

        `country` is ISO 3166 alpha-2. `email` prefills Stripe's own form as a field of the account;
        Stripe does not require it, so None is the choice that tells Stripe nothing.
        Raises `stripe.StripeError`; repeat with the same key.
        """
        metadata = {"creator": creator_ref}
        options: Any = {"idempotency_key": idempotency_key}
        if self._accounts_api == "v1":
            wanted: Any = {
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "stripe",
                    "stripe_dashboard": {"type": "express"},
                },
                "country": country.upper(),
                "capabilities": {name: {"requested": True} for name in self._v1_capabilities},
                "metadata": metadata,
            }
            if email:
                wanted["email"] = email
            return self._client.v1.accounts.create(wanted, options).id
        wanted = {
            "dashboard": "express",
            "identity": {"country": country.lower()},
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {
                "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
            },
            "metadata": metadata,
        }
        if email:
            wanted["contact_email"] = email
        return self._client.v2.core.accounts.create(wanted, options).id

    def onboarding_link(self, account_id: str, return_url: str, refresh_url: str) -> str:
        """Return an address that lives minutes and works once. Never store, mail or log it.

        Raises `stripe.StripeError`.
        """
        if self._accounts_api == "v1":
            return self._client.v1.account_links.create(
                {
                    "account": account_id,
                    "type": LINK_TYPE,
                    "return_url": return_url,
                    "refresh_url": refresh_url,
                }
            ).url
        return self._client.v2.core.account_links.create(
            {
                "account": account_id,
                "use_case": {
                    "type": LINK_TYPE,
                    "account_onboarding": {"return_url": return_url, "refresh_url": refresh_url},
                },
            }
        ).url

    def payee_status(self, account_id: str) -> PayeeStatus:
        """Read the account: it can receive if its transfers capability is active, nothing else counts.

        Raises `stripe.StripeError`.
        """
        if self._accounts_api == "v1":
            return status_v1(self._client.v1.accounts.retrieve(account_id).to_dict())
        include: Any = ["configuration.recipient", "requirements"]
        account = self._client.v2.core.accounts.retrieve(account_id, {"include": include})
        return status_v2(account.to_dict())

    # --- money -----------------------------------------------------------------------------------

    def create_transfer(self, request: TransferRequest) -> TransferOutcome:
        """Try to pay one attempt under its own key; see `TransferOutcome` for what may come back."""
        wanted: Any = {
            "amount": request.amount,
            "currency": request.currency.lower(),
            "destination": request.destination,
            "transfer_group": request.payout_id,
            "metadata": {**request.metadata, "attempt": str(request.attempt)},
        }
        options: Any = {"idempotency_key": request.idempotency_key}
        try:
            made = self._client.v1.transfers.create(wanted, options)
        except stripe.StripeError as error:
            return outcome_of(error)
        return TransferOutcome(kind="sent", transfer_id=made.id)

    def find_transfers(self, payout_id: str) -> list[FoundTransfer]:
        """Return every transfer of a payout's group, newest first. Raises `stripe.StripeError`."""
        page = self._client.v1.transfers.list({"transfer_group": payout_id, "limit": 100})
        return [found_transfer(transfer.to_dict()) for transfer in page.auto_paging_iter()]

    def reverse_transfer(self, request: ReversalRequest) -> TransferOutcome:
        """Take back a part of a transfer under the clawback's own key; `transfer_id` is the reversal's."""
        wanted: Any = {
            "amount": request.amount,
            "metadata": {"payout": request.payout_id, "clawback": str(request.number)},
        }
        options: Any = {"idempotency_key": request.idempotency_key}
        try:
            made = self._client.v1.transfers.reversals.create(request.transfer_id, wanted, options)
        except stripe.StripeError as error:
            return outcome_of(error)
        return TransferOutcome(kind="sent", transfer_id=made.id)

    def find_reversal(self, request: ReversalRequest) -> str | None:
        """Look for this clawback's reversal by its metadata. Raises `stripe.StripeError`."""
        page = self._client.v1.transfers.reversals.list(request.transfer_id, {"limit": 100})
        for reversal in page.auto_paging_iter():
            known = dict(reversal.metadata.to_dict()) if reversal.metadata else {}
            if known.get("clawback") == str(request.number) and known.get("payout") == request.payout_id:
                return str(reversal.id)
        return None

    def balance(self, currency: str) -> int:
        """Return the available balance; a currency that Stripe does not list is 0.

        Raises `stripe.StripeError`.
        """
        rows = self._client.v1.balance.retrieve().available
        return sum(row.amount for row in rows if row.currency == currency.lower())

    def receipt(self, transfer_id: str) -> Receipt | None:
        """Return what a transfer was when it arrived.

        Read from the balance transaction of the payment that the transfer made in the creator's account. None
        while Stripe has no row of it, and where it knows no such transfer or lets us see the account no more.
        Raises other `stripe.StripeError`.
        """
        try:
            transfer = self._client.v1.transfers.retrieve(transfer_id)
            account, payment = str(transfer.destination), str(transfer.destination_payment)
            wanted: Any = {"source": payment, "limit": 1}
            options: Any = {"stripe_account": account}
            rows = self._client.v1.balance_transactions.list(wanted, options).data
        except (stripe.InvalidRequestError, stripe.PermissionError):
            return None
        return read_receipt(transfer_id, account, payment, rows[0].to_dict()) if rows else None

    # --- the platform's balance ------------------------------------------------------------------

    def rows(self, *, newer_than: str = "", older_than: str = "", limit: int = 100) -> RowPage:
        """Return a page of balance transactions, newest first; see `PaymentsGateway`.

        Raises `RowGone`, and `stripe.StripeError`.
        """
        wanted: Any = {"limit": limit, "expand": ["data.source"]}
        if newer_than:
            wanted["ending_before"] = newer_than
        elif older_than:
            wanted["starting_after"] = older_than
        try:
            page = self._client.v1.balance_transactions.list(wanted)
        except stripe.InvalidRequestError as error:
            if (newer_than or older_than) and error.param in ("ending_before", "starting_after"):
                raise RowGone(newer_than or older_than) from error
            raise
        return RowPage(rows=[stripe_row(row.to_dict()) for row in page.data], more=page.has_more)

    def row(self, row_id: str) -> StripeRow | None:
        """Return one balance transaction as it is now. Raises `stripe.StripeError`."""
        try:
            return stripe_row(self._client.v1.balance_transactions.retrieve(row_id).to_dict())
        except stripe.InvalidRequestError as error:
            if _code(error) == "resource_missing":
                return None
            raise

    def whole_balance(self) -> dict[str, int]:
        """Return available and pending money by currency. Raises `stripe.StripeError`."""
        balance = self._client.v1.balance.retrieve()
        held: dict[str, int] = {}
        available = [(part.currency, part.amount) for part in balance.available]
        pending = [(part.currency, part.amount) for part in balance.pending]
        for currency, amount in available + pending:
            held[currency.upper()] = held.get(currency.upper(), 0) + amount
        return held


def outcome_of(error: stripe.StripeError) -> TransferOutcome:
    """Say what an error of a transfer call means for the money.

    Only an error of 4xx that is neither a conflict nor a limit is a refusal. A key that was used
    with other parameters proves that an earlier call began: that is unknown too, and a defect.
    """
    code = _code(error)
    message = (error.user_message or str(error))[:LONGEST_MESSAGE]
    if isinstance(error, stripe.RateLimitError):
        return TransferOutcome(kind="try_later", code=code or "rate_limit", message=message)
    definite = (
        stripe.InvalidRequestError,
        stripe.AuthenticationError,
        stripe.PermissionError,
        stripe.CardError,
    )
    if isinstance(error, definite) and not isinstance(error, stripe.IdempotencyError):
        payee_gone = code == "resource_missing" and getattr(error, "param", None) == "destination"
        return TransferOutcome(
            kind="refused",
            code=code or _fallback_code(error),
            message=message,
            retriable_after="payee" if payee_gone else WAITS_FOR.get(code, "never"),
        )
    return TransferOutcome(kind="unknown", code=code or _fallback_code(error), message=message)


def _code(error: stripe.StripeError) -> str:
    """Return Stripe's code, which the SDK fills on some errors only."""
    if error.code:
        return str(error.code)
    detail = getattr(error, "error", None)
    return str(getattr(detail, "code", None) or "")


def _fallback_code(error: stripe.StripeError) -> str:
    if isinstance(error, stripe.IdempotencyError):
        return "idempotency_error"
    if isinstance(error, stripe.APIConnectionError):
        return "no_answer"
    return f"http_{error.http_status}" if error.http_status else "no_code"


def _is_loopback(address: str | None) -> bool:
    host = urlsplit(address or "").hostname
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
